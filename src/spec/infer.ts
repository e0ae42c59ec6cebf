import type { FieldType } from "../model/feature-view.ts";
import { inferWindow, type Pace } from "./pace.ts";
import { scalar } from "./scalar.ts";
import { apiVersion, fieldNameSchema, kind } from "./schema.ts";

/** What data showed of one column: as much as inference asks for. */
export interface ColumnFacts {
  readonly name: string;
  /** null: a type that no spec has. */
  readonly type: FieldType | null;
  readonly rows: number;
  readonly nulls: number;
  readonly misfits: number;
  readonly missing: number;
  readonly distinct: number | null;
  readonly numeric?: {
    readonly nan: number;
    readonly infinite: number;
    readonly min: number | null;
    readonly max: number | null;
  };
  readonly embedding?: { readonly dimensions: number; readonly nan: number; readonly infinite: number };
  readonly top?: readonly { readonly value: string; readonly count: number }[];
  /** Whether `top`'s counts are exact. */
  readonly exact?: boolean;
}

export interface InferOptions {
  readonly name: string;
  readonly eventTime: string;
  /** `1m`; undefined: what the rows' pace asks for. */
  readonly window: string | undefined;
  readonly pace: Pace;
  readonly topic: string | undefined;
  /** For the header: what was read. */
  readonly source: string;
}

/** A mapping of more values than this is a list that somebody else should keep. */
export const mappingValuesMax = 200;
/** Fewer rows than this per value, and values not seen yet are likely. */
const rowsPerValue = 20;
/** Share of rows whose value was seen once: by Good and Turing, what values not seen yet will come to. */
const unseenMax = 0.001;
/** Strings and whole numbers with more distinct values than this share of the rows are ids or counters. */
const idShare = 0.9;
/** What may still be right: this many times the width of what was seen, on either side. */
const rangeMargin = 10;
/** Numbers whose least lies within this share of their width above 0 have 0 for a floor. */
const floorShare = 0.01;
/** A view of no more fields than this, all numbers, may be a sampled metric. */
const metricFieldsMax = 3;

/**
 * A spec that says what the data showed, as YAML for people to go through. Values become a mapping when they are few and
 * all well supported; floats are `finite` when none was not; ranges are ten times as wide as what was seen, so that only a
 * wrong unit or a broken number lies outside. A metric with one sample a window gets a wider budget of false alarms.
 */
export function inferSpec(columns: readonly ColumnFacts[], options: InferOptions): string {
  const { name, eventTime, topic, source } = options;
  const requestId = columns.find((column) => isId(column) && /(^|_)(id|uuid|key)$/i.test(column.name));
  const fields = columns.filter((column) => column.name !== eventTime);
  const sampled = fields.length <= metricFieldsMax && fields.every(({ numeric }) => numeric !== undefined);
  const { size, lateness, minRows } = inferWindow(options.pace, sampled, options.window);
  const lines = [
    `# Inferred from ${source}. Go through it: what the data showed is not always what is right.`,
    "# Worth adding: owner, models, segments (model version, node), narrower ranges, patterns, maxEmptyRate.",
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    `name: ${scalar(name)}`,
    "version: 1",
    `source: { ${[topic === undefined ? undefined : `topic: ${scalar(topic)}`, "format: auto", `eventTime: ${scalar(eventTime)}`, requestId === undefined ? undefined : `requestId: ${scalar(requestId.name)}`].filter((part) => part !== undefined).join(", ")} }`,
    `window: { size: ${size}, lateness: ${lateness}, minRows: ${minRows} }`,
    "fields:",
    ...fields.flatMap(fieldLines),
    ...(minRows === 1 ? [sampledDrift] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** A window of one sample shows little: with the budget of a view of many rows, no spike of a few samples is told of. */
const sampledDrift = "drift: { falseAlarmsPerMonth: 10 }  # one sample a window: 1 tells of what lasts only";

function fieldLines(column: ColumnFacts): string[] {
  const { name, type, nulls, missing } = column;
  const shown = name.replace(/\p{Cc}/gu, " ");
  if (type === null) return [`  # ${shown}: left out, its type is one that no spec has`];
  if (!fieldNameSchema.safeParse(name).success) return [`  # ${shown}: left out, no spec takes such a name`];
  const parts = [`type: ${type}`];
  if (nulls === 0 && missing === 0) parts.push("nullable: false");
  const values = mappingOf(column);
  if (values !== undefined)
    parts.push(`mapping: { values: [${values.map(scalar).join(", ")}], maxDefaultRate: 0.01 }`);
  if (column.embedding !== undefined && column.embedding.dimensions > 0)
    parts.push(`dimensions: ${column.embedding.dimensions}`);
  const range = rangeOf(column);
  if (range !== undefined) parts.push(`range: [${range.join(", ")}]`);
  if (neverNonFinite(column)) parts.push("finite: true");
  return [`  ${scalar(name)}: { ${parts.join(", ")} }`];
}

/** Undefined for what has no width, and for ids, counters and instants, which go on growing. */
function rangeOf(column: ColumnFacts): readonly [number, number] | undefined {
  const { type, numeric, distinct, rows } = column;
  if (numeric === undefined || type === "timestamp") return undefined;
  const { min, max } = numeric;
  if (min === null || max === null || !(max > min)) return undefined;
  const whole = type !== "float32" && type !== "float64";
  if (whole && (distinct ?? 0) > idShare * rows) return undefined;
  const width = max - min;
  const floored = min >= 0 && min <= floorShare * width;
  const low = floored ? 0 : outward(min - rangeMargin * width, -1);
  const high = outward(max + rangeMargin * width, 1);
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : undefined;
}

/** The nearest number of two significant digits that is not nearer to 0 on the way outward: 1465 → 1500. */
function outward(value: number, direction: 1 | -1): number {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  const steps = direction > 0 ? Math.ceil(value / step) : Math.floor(value / step);
  return Number((steps * step).toPrecision(3));
}

function neverNonFinite({ type, numeric, embedding }: ColumnFacts): boolean {
  if (type === "embedding") return embedding !== undefined && embedding.nan + embedding.infinite === 0;
  return (
    (type === "float32" || type === "float64") &&
    numeric !== undefined &&
    numeric.nan + numeric.infinite === 0
  );
}

function valuesSeen({ rows, nulls, misfits, missing }: ColumnFacts): number {
  return rows - nulls - misfits - missing;
}

function isId(column: ColumnFacts): boolean {
  return column.type === "string" && column.nulls === 0 && (column.distinct ?? 0) > idShare * column.rows;
}

/** The values, the most frequent first, when they are few and each is well supported. */
function mappingOf(column: ColumnFacts): readonly string[] | undefined {
  const { type, top, exact } = column;
  if (
    type !== "string" ||
    top === undefined ||
    exact !== true ||
    top.length === 0 ||
    top.length > mappingValuesMax
  )
    return undefined;
  const seen = valuesSeen(column);
  const counted = top.reduce((sum, { count }) => sum + count, 0);
  const once = top.filter(({ count }) => count === 1).length;
  if (counted < seen || seen < rowsPerValue * top.length || once > unseenMax * seen) return undefined;
  return top.map(({ value }) => value);
}
