import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { EventTime } from "../model/time.ts";
import { type BreakerStateName, segmentKey, type Verdict } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { type Course, type CourseEvent, courseOf } from "./course.ts";
import type { FieldFindings } from "./field-findings.ts";
import type { Findings } from "./findings.ts";
import { shiftText } from "./html.ts";
import { statusRank } from "./status.ts";

/** Everything that a report is made of, whatever its format. */
export interface ReportInput {
  readonly view: FeatureView;
  /** The breaker's line of the whole run, in place of each field's own. */
  readonly sigma: number | undefined;
  /** What the run was judged against; undefined without a baseline. */
  readonly baseline:
    | {
        readonly rows: number;
        readonly windows: number;
        readonly from: EventTime;
        readonly to: EventTime;
        readonly spec: string;
        readonly toolVersion: string;
      }
    | undefined;
  readonly baselineFields: ReadonlyMap<string, FieldProfile>;
  readonly findings: Findings;
  readonly summary: ReportSummary;
  /** What happened outside the data, as people say it. */
  readonly events: readonly CourseEvent[];
  /** Files that it was made from, as they were named, and the SHA-256 of the baseline. */
  readonly files: { readonly spec: string; readonly baseline: string; readonly baselineDigest: string };
  /** The command that makes the same report again, as a shell reads it. */
  readonly command: string;
  readonly toolVersion: string;
}

/** What is needed of `summary.json`; times in ISO 8601. */
export interface ReportSummary {
  /** The run was interrupted. */
  readonly partial: boolean;
  readonly rows: number;
  readonly profiled: number;
  readonly late: number;
  readonly rejected: number;
  readonly deadLettered: number;
  readonly windows: number;
  readonly alerts: { readonly warning: number; readonly critical: number };
  readonly breaker: {
    readonly state: BreakerStateName;
    readonly openedAt: string | null;
    readonly closedAt: string | null;
    readonly openings: number;
    readonly reasons: readonly { readonly summary: string }[];
  };
}

/** A field, or what was said of no field. */
export interface Subject {
  readonly name: string;
  /** Undefined for the stream itself. */
  readonly spec: FieldSpec | undefined;
  readonly sigma: number;
  readonly findings: FieldFindings;
}

/** The worst first; among the critical ones what broke first, because the others often follow from it. */
export function subjectsOf({ view, findings, sigma }: ReportInput): readonly Subject[] {
  const never = Number.POSITIVE_INFINITY;
  const subjects: Subject[] = view.fields.flatMap((spec) => {
    const found = findings.fields.get(spec.name);
    const line = sigma ?? spec.drift.sigma;
    return found === undefined ? [] : [{ name: spec.name, spec, sigma: line, findings: found }];
  });
  const { stream } = findings;
  if (isBad(stream))
    subjects.push({
      name: "the stream itself",
      spec: undefined,
      sigma: sigma ?? view.drift.sigma,
      findings: stream,
    });
  return subjects.sort(({ findings: a }, { findings: b }) => {
    const first =
      (a.firstCriticalAt ?? a.firstWarningAt ?? never) - (b.firstCriticalAt ?? b.firstWarningAt ?? never);
    return statusRank[b.status] - statusRank[a.status] || first || farthest(b) - farthest(a);
  });
}

export function isBad({ status }: Pick<FieldFindings, "status">): boolean {
  return statusRank[status] > statusRank.ok;
}

/** In all windows; 0 where nothing could be told. */
function farthest({ shifts }: FieldFindings): number {
  return shifts.reduce<number>((most, shift) => Math.max(most, shift ?? 0), 0);
}

/** How many of the fields are well, and how many could not be told. */
export function restOf(subjects: readonly Subject[]): string {
  const fields = subjects.filter(({ spec }) => spec !== undefined);
  const bad = fields.filter(({ findings }) => isBad(findings)).length;
  const untold = fields.filter(({ findings }) => findings.status === "insufficient").length;
  const more = untold > 0 ? `; ${untold} had too few rows to tell` : "";
  return `${fields.length - bad - untold} of ${fields.length} fields stood where they normally stand${more}.`;
}

/** The state in a few words. */
export function headline({ summary: { breaker } }: ReportInput): string {
  if (breaker.openedAt === null) return "the breaker stayed closed";
  return breaker.closedAt === null ? `breaker ${breaker.state}` : "the breaker opened, and closed again";
}

/** A hard rule is broken at any distance. */
export function distanceOf({ hard, shift }: Verdict, sigma: number): string {
  return hard && shift < sigma ? "hard rule" : shiftText(shift);
}

/** When it was first known to be as bad as it got. */
export function sinceOf({ status, firstCriticalAt, firstWarningAt }: FieldFindings): EventTime | undefined {
  return status === "critical" ? firstCriticalAt : firstWarningAt;
}

/** Rows of the windows that were critical; neighbours that share a cell with one are counted too. */
export function affectedOf({ cells }: Findings): { readonly windows: number; readonly rows: number } {
  const bad = cells.filter(({ status }) => status === "critical");
  return {
    windows: bad.reduce((sum, { windows }) => sum + windows, 0),
    rows: bad.reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** The whole view's breaker. */
export function transitionsOf({
  transitions,
}: Findings): readonly { time: EventTime; to: BreakerStateName }[] {
  return transitions.filter(({ breaker }) => breaker.segment === null).map(({ transition }) => transition);
}

/** Rows that should have been seen, at a value's own rate, in the time without it: below, it may be chance. */
const missedRowsMin = 10;
const valuesMax = 12;

/** The run over time, with what people said of it, and the segments' values that came or went: a deployment is one of them. */
export function runCourse({ findings, events }: ReportInput): Course | undefined {
  const [first, last] = [findings.cells[0], findings.cells.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const seen: CourseEvent[] = [];
  for (const { segment, rows, firstEvent, lastEvent } of findings.segments) {
    if (segment === null) continue;
    const rate = rows / Math.max(1, lastEvent - firstEvent);
    const name = segmentKey(segment);
    if (rate * (firstEvent - first.window.end) >= missedRowsMin)
      seen.push({ time: firstEvent, text: `first row of ${name}` });
    if (rate * (last.window.start - lastEvent) >= missedRowsMin)
      seen.push({ time: lastEvent, text: `last row of ${name}` });
  }
  return courseOf(findings.cells, transitionsOf(findings), [...events, ...seen.slice(0, valuesMax)]);
}
