import { rules } from "../check/table.ts";
import type { Cell, CellType, FileColumn } from "../decode/write-file.ts";
import {
  type Alert,
  type Breaker,
  type BreakerTransition,
  type Example,
  type JudgedWindow,
  type Segment,
  segmentKey,
  type Verdict,
} from "../model/verdict.ts";
import type { FieldProfile, RuleName, WindowProfile } from "../profile/profile.ts";
import { type Categories, top } from "../sketch/categories.ts";
import { type Distinct, estimateDistinct } from "../sketch/distinct.ts";
import { quantile } from "../sketch/histogram.ts";
import { deviation, type Moments } from "../sketch/moments.ts";

/** Values of a field that are told with their counts. */
const topValues = 20;

/** A table for notebooks: its columns, in order, and how each is read from a row. docs/notebooks.md describes them. */
export interface Table<Row> {
  readonly name: string;
  readonly columns: readonly TableColumn<Row>[];
}

export interface TableColumn<Row> extends FileColumn {
  readonly of: (row: Row) => Cell;
}

export interface VerdictRow {
  readonly judged: JudgedWindow;
  readonly verdict: Verdict;
}

export interface BreakerRow {
  readonly breaker: Breaker;
  readonly transition: BreakerTransition;
}

export interface ProfileRow {
  readonly judged: JudgedWindow;
  readonly profile: WindowProfile;
  readonly field: string;
  readonly body: FieldProfile;
}

type Numbers = Pick<Verdict, "observed" | "expected" | "unit" | "shift" | "evidence">;

/** Every verdict of every closed window, those that are ok too: the history of each statistic. */
export const verdictTable: Table<VerdictRow> = {
  name: "verdicts",
  columns: [
    time("time", ({ judged, verdict }) => verdict.decidedAt ?? judged.asOf),
    ...placeColumns<VerdictRow>(({ judged }) => judged),
    text("spec", ({ judged }) => judged.spec),
    text("field", ({ verdict }) => verdict.field),
    text("statistic", ({ verdict }) => verdict.statistic),
    text("status", ({ verdict }) => verdict.status),
    flag("hard", ({ verdict }) => verdict.hard),
    whole("rows", ({ verdict }) => verdict.rows),
    ...numberColumns<VerdictRow>(({ verdict }) => verdict),
    text("summary", ({ verdict }) => verdict.summary),
    time("since", ({ verdict }) => verdict.since),
    ...exampleColumns<VerdictRow>(({ verdict }) => verdict.example),
    whole("window_rows", ({ judged }) => judged.rows),
    whole("window_late", ({ judged }) => judged.late),
    flag("partial", ({ judged }) => judged.partial === true),
    whole("revision", ({ judged }) => judged.revision ?? 0),
  ],
};

export const alertTable: Table<Alert> = {
  name: "alerts",
  columns: [
    time("time", (alert) => alert.time),
    ...placeColumns<Alert>((alert) => alert),
    text("field", (alert) => alert.field),
    text("statistic", (alert) => alert.statistic),
    text("status", (alert) => alert.status),
    text("severity", (alert) => alert.severity),
    text("alertname", (alert) => alert.alertname),
    whole("rows", (alert) => alert.rows),
    ...numberColumns<Alert>((alert) => alert),
    text("summary", (alert) => alert.summary),
    time("starts_at", (alert) => alert.startsAt),
    time("since", (alert) => alert.since),
    ...exampleColumns<Alert>((alert) => alert.example),
    text("fingerprint", (alert) => alert.fingerprint),
  ],
};

export const breakerTable: Table<BreakerRow> = {
  name: "breaker",
  columns: [
    time("time", ({ transition }) => transition.time),
    text("feature_view", ({ breaker }) => breaker.featureView),
    text("segment", ({ breaker }) => keyOf(breaker.segment)),
    text("from_state", ({ transition }) => transition.from),
    text("to_state", ({ transition }) => transition.to),
    time("opened_at", ({ breaker }) => breaker.openedAt ?? undefined),
    whole("rows", ({ transition }) => transition.rows),
    text("reasons", ({ transition }) => JSON.stringify(transition.reasons)),
  ],
};

/** One row a field of every closed window, of the whole view and of each segment. */
export const profileTable: Table<ProfileRow> = {
  name: "profiles",
  columns: [
    ...placeColumns<ProfileRow>(({ judged }) => judged),
    text("spec", ({ profile }) => profile.spec),
    text("field", ({ field }) => field),
    text("type", ({ body }) => body.type),
    time("first_event", ({ profile }) => profile.firstEvent),
    time("last_event", ({ profile }) => profile.lastEvent),
    whole("window_rows", ({ profile }) => profile.rows),
    whole("window_late", ({ profile }) => profile.late),
    whole("rows", ({ body }) => body.rows),
    whole("nulls", ({ body }) => body.nulls),
    ...Object.keys(rules).map((rule) =>
      whole<ProfileRow>(`rule_${rule}`, ({ body }) => body.rules.get(rule as RuleName)?.count ?? 0),
    ),
    whole("nan", ({ body: { body } }) => ("nan" in body ? body.nan : undefined)),
    whole("positive_infinity", ({ body: { body } }) =>
      "positiveInfinity" in body ? body.positiveInfinity : undefined,
    ),
    whole("negative_infinity", ({ body: { body } }) =>
      "negativeInfinity" in body ? body.negativeInfinity : undefined,
    ),
    whole("count", ({ body }) => momentsOf(body)?.count),
    double("mean", ({ body }) => filled(body)?.mean),
    double("sd", ({ body }) => sdOf(body)),
    double("min", ({ body }) => filled(body)?.min),
    ...[1, 5, 25, 50, 75, 95, 99].map((percent) =>
      double<ProfileRow>(`p${String(percent).padStart(2, "0")}`, ({ body }) =>
        quantileOf(body, percent / 100),
      ),
    ),
    double("max", ({ body }) => filled(body)?.max),
    whole("distinct", ({ body }) => distinctOf(body)),
    whole("mapping_hits", ({ body: { body } }) => (body.kind === "string" ? body.mappingHits : undefined)),
    whole("mapping_misses", ({ body: { body } }) =>
      body.kind === "string" ? body.mappingMisses : undefined,
    ),
    text("top_values", ({ body: { body } }) => (body.kind === "string" ? topOf(body.categories) : null)),
    text("top_unknown", ({ body: { body } }) => (body.kind === "string" ? topOf(body.unknowns) : null)),
    whole("trues", ({ body: { body } }) => (body.kind === "bool" ? body.trues : undefined)),
    whole("falses", ({ body: { body } }) => (body.kind === "bool" ? body.falses : undefined)),
    whole("vectors", ({ body: { body } }) => (body.kind === "embedding" ? body.vectors : undefined)),
    double("norm_mean", ({ body: { body } }) =>
      body.kind === "embedding" && body.norms.count > 0 ? body.norms.mean : undefined,
    ),
    double("norm_sd", ({ body: { body } }) =>
      body.kind === "embedding" && body.norms.count > 1 ? deviation(body.norms) : undefined,
    ),
    doubles("dimension_means", ({ body: { body } }) =>
      body.kind === "embedding" && body.vectors > 0 ? Array.from(body.means) : null,
    ),
    doubles("dimension_sds", ({ body: { body } }) =>
      body.kind === "embedding" && body.vectors > 1
        ? Array.from(body.m2s, (m2) => Math.sqrt(m2 / (body.vectors - 1)))
        : null,
    ),
    whole("revision", ({ judged }) => judged.revision ?? 0),
  ],
};

/** The files' names without their extension. */
export const tableNames: readonly string[] = [verdictTable, alertTable, breakerTable, profileTable].map(
  ({ name }) => name,
);

function placeColumns<Row>(
  of: (row: Row) => Pick<JudgedWindow, "featureView" | "segment" | "window">,
): readonly TableColumn<Row>[] {
  return [
    time("window_start", (row) => of(row).window.start),
    time("window_end", (row) => of(row).window.end),
    text("feature_view", (row) => of(row).featureView),
    text("segment", (row) => keyOf(of(row).segment)),
  ];
}

function numberColumns<Row>(of: (row: Row) => Numbers): readonly TableColumn<Row>[] {
  return (["observed", "expected", "unit", "shift", "evidence"] as const).map((name) =>
    double(name, (row) => of(row)[name]),
  );
}

function exampleColumns<Row>(of: (row: Row) => Example | undefined): readonly TableColumn<Row>[] {
  return [
    text("example_value", (row) => of(row)?.value),
    text("example_request_id", (row) => of(row)?.requestId),
    text("example_position", (row) => of(row)?.position),
    time("example_event_time", (row) => of(row)?.eventTime),
  ];
}

function column<Row>(name: string, type: CellType, of: (row: Row) => Cell): TableColumn<Row> {
  return { name, type, of };
}

function text<Row>(name: string, of: (row: Row) => string | null | undefined): TableColumn<Row> {
  return column(name, "utf8", (row) => of(row) ?? null);
}

function flag<Row>(name: string, of: (row: Row) => boolean): TableColumn<Row> {
  return column(name, "bool", of);
}

/** Event times are whole milliseconds in a file; an infinite one, of an empty window, is none. */
function time<Row>(name: string, of: (row: Row) => number | undefined): TableColumn<Row> {
  return column(name, "timestamp[ms]", (row) => bigOf(of(row)));
}

function whole<Row>(name: string, of: (row: Row) => number | undefined): TableColumn<Row> {
  return column(name, "int64", (row) => bigOf(of(row)));
}

function double<Row>(name: string, of: (row: Row) => number | undefined): TableColumn<Row> {
  return column(name, "float64", (row) => of(row) ?? null);
}

function doubles<Row>(name: string, of: (row: Row) => readonly number[] | null): TableColumn<Row> {
  return column(name, "list<float64>", of);
}

function bigOf(value: number | undefined): bigint | null {
  return value === undefined || !Number.isFinite(value) ? null : BigInt(Math.floor(value));
}

function keyOf(segment: Segment | null): string | null {
  return segment === null ? null : segmentKey(segment);
}

function momentsOf({ body }: FieldProfile): Moments | undefined {
  return body.kind === "numeric" ? body.moments : undefined;
}

/** Undefined without a finite value: there is no mean of nothing. */
function filled(body: FieldProfile): Moments | undefined {
  const moments = momentsOf(body);
  return moments !== undefined && moments.count > 0 ? moments : undefined;
}

function sdOf(body: FieldProfile): number | undefined {
  const moments = filled(body);
  return moments !== undefined && moments.count > 1 ? deviation(moments) : undefined;
}

function quantileOf({ body }: FieldProfile, q: number): number | undefined {
  if (body.kind !== "numeric" || body.histogram.total === 0) return undefined;
  return quantile(body.histogram, q, body.moments);
}

function distinctOf({ body }: FieldProfile): number | undefined {
  const distinct: Distinct | undefined =
    body.kind === "numeric" || body.kind === "string" ? body.distinct : undefined;
  return distinct === undefined ? undefined : Math.round(estimateDistinct(distinct));
}

/** `[{"value":"US","count":412}]`, the most frequent first. */
function topOf(categories: Categories): string {
  return JSON.stringify(top(categories, topValues).map(({ value, count }) => ({ value, count })));
}
