import { validateBatch } from "../check/validate.ts";
import { createDecoder, type Decoder } from "../decode/decode.ts";
import type { Batch, TimestampColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import type { Clock, WallTime } from "../model/time.ts";
import type { Intake } from "../pipeline/board.ts";
import { hintsOf } from "../pipeline/lane.ts";
import { Problem } from "./problem.ts";

const openBrace = 0x7b;
/** Errors named in one answer. */
const errorsMax = 100;

type Format = "arrow" | "json" | "auto";

export interface Validated {
  readonly featureView: string;
  readonly rows: number;
}

/** Validates request bodies of one view by the rules of its spec, the very ones of the stream. */
export interface Validator {
  /** @throws Problem 400 with the failing fields, or 413 */
  validate(body: Uint8Array, contentType: string): Promise<Validated>;
}

export interface ValidatorOptions {
  readonly view: FeatureView;
  readonly intake: Intake;
  readonly limits: Limits;
  readonly clock: Clock;
}

export function createValidator({ view, intake, limits, clock }: ValidatorOptions): Validator {
  const decoders = new Map<Format, Decoder>();
  const decoderOf = (format: Format): Decoder => {
    const decoder = decoders.get(format) ?? createDecoder({ hints: hintsOf(view), format, limits });
    decoders.set(format, decoder);
    return decoder;
  };
  return {
    async validate(body, contentType) {
      const batches = decode(decoderOf(formatOf(contentType)), body);
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      const single = rows === 1 && body.find((byte) => byte > 0x20) === openBrace;
      const errors: object[] = [];
      let [rejectedRows, before] = [0, 0];
      for (const batch of batches) {
        const result = validateBatch(view, batch, { maxErrors: errorsMax - errors.length });
        rejectedRows += result.rejectedRows;
        for (const { row, field, code, detail, expected, value } of result.errors) {
          const pointer = pointerOf(single ? undefined : before + row, field);
          errors.push({ pointer, code, detail, expected, value });
        }
        before += batch.rows;
      }
      if (rejectedRows > 0) {
        const detail = `${rejectedRows} of ${rows} ${rows === 1 ? "row breaks" : "rows break"} the spec of ${view.name}`;
        const members = { featureView: view.name, rows, rejectedRows, errors };
        throw new Problem(400, "rows break the spec", detail, members);
      }
      for (const batch of batches) await intake.offer(view.name, withEventTime(batch, view, clock.now()));
      return { featureView: view.name, rows };
    },
  };
}

/** Rows that are asked about now happen now, unless they say when. */
function withEventTime(batch: Batch, { source }: FeatureView, now: WallTime): Batch {
  const { eventTime } = source;
  if (eventTime === undefined || batch.columns.has(eventTime)) return batch;
  const instants = new BigInt64Array(batch.rows).fill(BigInt(Math.trunc(now)));
  const column: TimestampColumn = {
    kind: "timestamp",
    rows: batch.rows,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "time of arrival",
    words: new Int32Array(instants.buffer),
    unitMs: 1,
  };
  return { rows: batch.rows, columns: new Map([...batch.columns, [eventTime, column]]) };
}

/** Without a type that is known, the bytes tell. */
function formatOf(contentType: string): Format {
  if (/^application\/vnd\.apache\.arrow\./i.test(contentType)) return "arrow";
  return /json/i.test(contentType) ? "json" : "auto";
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

/** RFC 6901: `/3/user_location`, with `~` and `/` escaped. */
function pointerOf(row: number | undefined, field: string): string {
  const name = field.replaceAll("~", "~0").replaceAll("/", "~1");
  return row === undefined ? `/${name}` : `/${row}/${name}`;
}
