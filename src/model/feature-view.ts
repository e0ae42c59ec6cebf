import type { ClassicalName } from "./verdict.ts";

/** The field types of a spec. `category` in a spec is read as `string`. */
export type FieldType =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float32"
  | "float64"
  | "string"
  | "timestamp"
  | "embedding";

/** One feature view as its spec declares it, every default filled in, every file it names read in. Plain data. */
export interface FeatureView {
  readonly name: string;
  readonly version: number;
  readonly owner: string | undefined;
  readonly models: readonly ModelLink[];
  readonly source: SourceSpec;
  readonly window: WindowSpec;
  /** Names of the segment fields, for example `["model_version", "node"]`. */
  readonly segments: readonly string[];
  /** In the spec's order. Derived fields stand among them. */
  readonly fields: readonly FieldSpec[];
  readonly drift: ViewDriftPolicy;
  readonly breaker: BreakerPolicy;
  /** What the HTTP gate does with rows that break the spec; `enforce` when absent. */
  readonly validate?: ValidatePolicy;
  /** `sha256:…` of the spec's canonical form. */
  readonly fingerprint: string;
}

export interface ValidatePolicy {
  /** enforce: such a request is refused · shadow: it is let through, and what would have been refused is said and counted. */
  readonly mode: "enforce" | "shadow";
}

export interface ModelLink {
  readonly name: string;
  readonly version: string | undefined;
  readonly gitSha: string | undefined;
  readonly weights: string | undefined;
  /** Fingerprint of the spec that the model was trained with. */
  readonly fingerprint: string | undefined;
}

export type SourceFormat = "auto" | "arrow" | "json" | "avro" | "cloudevents" | "feast";

export interface SourceSpec {
  readonly topic: string | undefined;
  /** `auto`: told apart message by message. */
  readonly format: SourceFormat;
  /** Column with the event time; `undefined`: the record's own timestamp. */
  readonly eventTime: string | undefined;
  readonly requestId: string | undefined;
}

export interface WindowSpec {
  readonly sizeMs: number;
  readonly latenessMs: number;
  /** For so long after it has closed, late rows make a window be judged again; absent: late rows are counted, no more. */
  readonly reviseMs?: number;
  /** Fewer rows than this and a statistical verdict is `insufficient`. */
  readonly minRows: number;
}

export interface FieldSpec {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly mapping: MappingRule | undefined;
  /** Source text of a linear-time regular expression that the whole value is searched for. */
  readonly pattern: string | undefined;
  /** Inclusive at both ends. */
  readonly range: readonly [number, number] | undefined;
  /** True: any NaN or infinity opens the breaker at once. */
  readonly finite: boolean;
  /** Values above it violate `max`. */
  readonly max: number | undefined;
  /** Segment field that a `max` violation taints, for example `node`. */
  readonly taints: string | undefined;
  /** A hard limit: one value above it opens the breaker. */
  readonly limit: number | undefined;
  /** Warn when the trend reaches `limit` within this time. */
  readonly trendWarnBeforeMs: number | undefined;
  /** Share of empty values (0, "" or an empty list) above which the breaker opens. */
  readonly maxEmptyRate: number | undefined;
  /** Number of elements of an embedding. */
  readonly dimensions: number | undefined;
  /** Values are never shown: not in answers, not as examples of alerts. */
  readonly redact?: boolean;
  /** The value is `to − from`, in milliseconds, of two timestamp columns of the batch. */
  readonly derive: { readonly from: string; readonly to: string } | undefined;
  /** The view's policy, overridden by the field's own `drift:`. */
  readonly drift: FieldDriftPolicy;
}

/** A field that asks for nothing but its type. */
export const bareField: Omit<FieldSpec, "name" | "type" | "drift"> = {
  nullable: true,
  mapping: undefined,
  pattern: undefined,
  range: undefined,
  finite: false,
  max: undefined,
  taints: undefined,
  limit: undefined,
  trendWarnBeforeMs: undefined,
  maxEmptyRate: undefined,
  dimensions: undefined,
  derive: undefined,
};

/** What the serving model's lookup knows; any other value is a default case. */
export interface MappingRule {
  readonly values: readonly string[];
  readonly maxDefaultRate: number;
}

export interface DriftPolicy {
  /** The breaker's line, in baseline standard deviations. */
  readonly sigma: number;
  /** Budget of the warning layer, over all fields of the view. */
  readonly falseAlarmsPerMonth: number;
  readonly seasonality: "auto" | "off";
}

export interface ViewDriftPolicy extends DriftPolicy {
  /** Pairs of numeric fields whose correlation is watched before any that the baseline shows. */
  readonly correlations?: readonly (readonly [string, string])[] | undefined;
}

export interface FieldDriftPolicy extends DriftPolicy {
  /** Opens the breaker in place of the judge's own distances between distributions; absent: those do. */
  readonly statistic?: ChosenStatistic | undefined;
  /** Which changes open the breaker or warn; absent: both. */
  readonly direction?: "up" | "down" | "both" | undefined;
  /** A change of the mean (of a number) or of a share (of anything else) that is too small to matter. */
  readonly ignoreBelow?: number | undefined;
  /** Smallest "standard deviation" of the field's shares, in place of each statistic's own. */
  readonly floor?: number | undefined;
  /** In place of the window's. */
  readonly minRows?: number | undefined;
}

/** A classical statistic as a field's line: by the size of its value, or by its p-value. Exactly one of the two is given. */
export interface ChosenStatistic {
  readonly name: ClassicalName;
  /** > 0; reached is broken, if the evidence is there. */
  readonly threshold?: number | undefined;
  /** In (0, 1); as small as this is broken. */
  readonly pValue?: number | undefined;
}

export interface BreakerPolicy {
  /** Breaching windows in a row that open it. */
  readonly openAfter: number;
  /** Clean closed windows in a row that close it again. */
  readonly closeAfter: number;
  readonly minRows: number;
}

/** Columns in which an event says which view version and model it belongs to. */
export const linkColumns: ReadonlyMap<string, FieldType> = new Map([
  ["feature_view_version", "int32"],
  ["model_git_sha", "string"],
  ["model_weights", "string"],
]);

/** Every column that the view reads, by type: its fields, its event time and request id, and what derived fields come from. */
export function hintsOf(view: FeatureView): ReadonlyMap<string, FieldType> {
  const hints = new Map<string, FieldType>();
  for (const field of view.fields) {
    if (field.derive === undefined) hints.set(field.name, field.type);
    else
      for (const from of [field.derive.from, field.derive.to])
        if (!hints.has(from)) hints.set(from, "timestamp");
  }
  const { eventTime, requestId } = view.source;
  if (eventTime !== undefined && !hints.has(eventTime)) hints.set(eventTime, "timestamp");
  if (requestId !== undefined && !hints.has(requestId)) hints.set(requestId, "string");
  for (const segment of view.segments) if (!hints.has(segment)) hints.set(segment, "string");
  if (view.models.length > 0) {
    for (const [column, type] of linkColumns) if (!hints.has(column)) hints.set(column, type);
  }
  return hints;
}
