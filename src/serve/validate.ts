import { type RowError, validateBatch } from "../check/validate.ts";
import { createDecoder, type Decoder } from "../decode/decode.ts";
import type { Batch, TimestampColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { getOrInsert } from "../model/maps.ts";
import type { Clock, WallTime } from "../model/time.ts";
import type { Intake } from "../pipeline/board.ts";
import { Problem } from "./problem.ts";

const openBrace = 0x7b;
/** Errors named in one answer. */
const errorsMax = 100;

type Format = "arrow" | "json" | "auto";

/** The answer to rows that were let through. */
export interface Validated {
  readonly featureView: string;
  readonly rows: number;
  readonly mode: "enforce" | "shadow";
  /** Of a view in shadow mode: rows that `enforce` would have refused, and why. */
  readonly rejectedRows: number;
  readonly errorCount?: number;
  readonly errors?: readonly RequestError[];
}

/** One failing field. `pointer` is of RFC 6901, from the root of the body: `/3/user_location`. */
export type RequestError = { readonly pointer: string } & Pick<
  RowError,
  "code" | "detail" | "expected" | "hint" | "value"
>;

/** Rows that came to the gate of one view since the start: let through, refused, or let through although they break the spec. */
export interface GateCounts {
  readonly rows: Readonly<Record<"accepted" | "refused" | "shadowed", number>>;
  /** Cells that broke a rule, by field and code as `field|code`. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Validates request bodies of one view by the rules of its spec, the very ones of the stream. */
export interface Validator {
  /** @throws Problem 400 with the failing fields, or 413 */
  validate(body: Uint8Array, contentType: string): Promise<Validated>;
  readonly counts: GateCounts;
}

export interface ValidatorOptions {
  readonly view: FeatureView;
  readonly intake: Intake;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** A validator a view, made when it is first asked for. */
export interface Validators {
  of(view: FeatureView): Validator;
  /** By view. */
  counts(): ReadonlyMap<string, GateCounts>;
}

export function createValidators(options: Omit<ValidatorOptions, "view">): Validators {
  const made = new Map<string, Validator>();
  return {
    of: (view) => getOrInsert(made, view.name, () => createValidator({ ...options, view })),
    counts: () => new Map([...made].map(([name, { counts }]) => [name, counts])),
  };
}

function createValidator({ view, intake, limits, clock }: ValidatorOptions): Validator {
  const mode = view.validate?.mode ?? "enforce";
  const counts = { rows: { accepted: 0, refused: 0, shadowed: 0 }, errors: new Map<string, number>() };
  const decoders = new Map<Format, Decoder>();
  const decoderOf = (format: Format): Decoder =>
    getOrInsert(decoders, format, () => createDecoder({ hints: hintsOf(view), format, limits }));
  return {
    counts,
    async validate(body, contentType) {
      const batches = decode(decoderOf(formatOf(contentType)), body);
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      const single = rows === 1 && body.find((byte) => byte > 0x20) === openBrace;
      const { errors, errorCount, rejectedRows } = check(view, batches, single, counts.errors);
      if (rejectedRows > 0 && mode === "enforce") {
        counts.rows.refused += rows;
        await intake.refuse(view.name, rows);
        const broken = rejectedRows === 1 ? "breaks" : "break";
        const detail =
          rows === 1
            ? `the row breaks the spec of ${view.name}`
            : `${rejectedRows} of ${rows} rows ${broken} the spec of ${view.name}`;
        const members = { featureView: view.name, rows, rejectedRows, errorCount, errors };
        throw new Problem(400, "rows break the spec", detail, members);
      }
      for (const batch of batches) await intake.offer(view.name, withEventTime(batch, view, clock.now()));
      counts.rows.accepted += rows - rejectedRows;
      counts.rows.shadowed += rejectedRows;
      const answer = { featureView: view.name, rows, mode, rejectedRows };
      return rejectedRows === 0 ? answer : { ...answer, errorCount, errors };
    },
  };
}

function check(
  view: FeatureView,
  batches: readonly Batch[],
  single: boolean,
  counts: Map<string, number>,
): { errors: readonly RequestError[]; errorCount: number; rejectedRows: number } {
  const errors: RequestError[] = [];
  let [rejectedRows, errorCount, before] = [0, 0, 0];
  for (const batch of batches) {
    const result = validateBatch(view, batch, { maxErrors: errorsMax - errors.length });
    rejectedRows += result.rejectedRows;
    errorCount += result.errorCount;
    for (const { row, field, ...rest } of result.errors)
      errors.push({ pointer: pointerOf(single ? undefined : before + row, field), ...rest });
    for (const [key, count] of result.counts) counts.set(key, (counts.get(key) ?? 0) + count);
    before += batch.rows;
  }
  return { errors, errorCount, rejectedRows };
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
