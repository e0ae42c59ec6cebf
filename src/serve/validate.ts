import { validateBatch } from "../check/validate.ts";
import { createDecoder, type Decoder } from "../decode/decode.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { Intake, ViewStatus } from "../pipeline/board.ts";
import { hintsOf } from "../pipeline/lane.ts";
import { Problem } from "./problem.ts";

/** Errors named in one answer. */
const errorsMax = 100;

export const arrowType = "application/vnd.apache.arrow.stream";

export interface Validated {
  readonly featureView: string;
  readonly rows: number;
}

/** Validates request bodies of one view by the rules of its spec, the very ones of the stream. */
export interface Validator {
  /** @throws Problem 400 with every failing field, or 413 */
  validate(body: Uint8Array, arrow: boolean): Promise<Validated>;
}

export function createValidator({ view }: ViewStatus, intake: Intake, limits: Limits): Validator {
  const decoders = new Map<boolean, Decoder>();
  const decoderOf = (arrow: boolean): Decoder => {
    const decoder =
      decoders.get(arrow) ??
      createDecoder({ hints: hintsOf(view), format: arrow ? "arrow" : "json", limits });
    decoders.set(arrow, decoder);
    return decoder;
  };
  return {
    async validate(body, arrow) {
      const batches = decode(decoderOf(arrow), body);
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      const single = !arrow && isObject(body);
      const errors: object[] = [];
      let [rejected, before] = [0, 0];
      for (const batch of batches) {
        const result = validateBatch(view, batch, { maxErrors: errorsMax - errors.length });
        rejected += result.rejectedRows;
        for (const { row, field, code, detail, expected, value } of result.errors) {
          errors.push({
            pointer: pointerOf(single ? undefined : before + row, field),
            code,
            detail,
            expected,
            value,
          });
        }
        before += batch.rows;
      }
      if (rejected > 0) {
        throw new Problem(
          400,
          "rows break the spec",
          `${rejected} of ${rows} rows break the spec of ${view.name}`,
          {
            featureView: view.name,
            rows,
            rejectedRows: rejected,
            errors,
          },
        );
      }
      for (const batch of batches) await intake.offer(view.name, batch);
      return { featureView: view.name, rows };
    },
  };
}

function decode(decoder: Decoder, body: Uint8Array): readonly Batch[] {
  try {
    return decoder.decode(body);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const status = error.reason === "limit" ? 413 : 400;
    throw new Problem(status, "the body cannot be read", error.message, {
      errors: [{ pointer: "", code: error.code, detail: error.message }],
    });
  }
}

const openBrace = 0x7b;

/** One object, and not JSON lines: pointers then name the field alone. */
function isObject(body: Uint8Array): boolean {
  if (body.find((byte) => byte > 0x20) !== openBrace) return false;
  const text = new TextDecoder().decode(body).trim();
  return !/\}\s*\n\s*\{/.test(text);
}

/** RFC 6901: `/3/user_location`, with `~` and `/` escaped. */
function pointerOf(row: number | undefined, field: string): string {
  const name = field.replaceAll("~", "~0").replaceAll("/", "~1");
  return row === undefined ? `/${name}` : `/${row}/${name}`;
}
