import type { FeatureView } from "../model/feature-view.ts";
import type { Alert, Breaker, BreakerTransition, JudgedWindow } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { createTimeline, type WindowCell } from "./cells.ts";
import { draftField, type FieldDraft, type FieldFindings } from "./field-findings.ts";
import { draftSegments, type JudgeProfile, type SegmentFindings } from "./segment-findings.ts";
import { statusOf } from "./status.ts";

/** Cells of a timeline, and of all fields' timelines together: a spec of 2,000 fields has coarser ones, of 36 cells at least. */
const [cellsMax, cellsOfAllFields, cellsMin] = [720, 144_000, 36];
const alertsMax = 200;
const transitionsMax = 200;

/** What a report needs of a whole run: bounded by fields and segments, not by time. */
export interface Findings {
  readonly cells: readonly WindowCell[];
  /** By name, every field of the spec in its order. */
  readonly fields: ReadonlyMap<string, FieldFindings>;
  /** What was said of no field: volume, duplicates, silence, versions, correlations. */
  readonly stream: FieldFindings;
  /** The whole view first, then its segments. */
  readonly segments: readonly SegmentFindings[];
  /** The first 200, in order, as they were when they began or ended. */
  readonly alerts: readonly Alert[];
  readonly alertsLeftOut: number;
  readonly transitions: readonly { readonly breaker: Breaker; readonly transition: BreakerTransition }[];
}

/** Gathers findings as a run passes by. */
export interface FindingsCollector {
  judged(judged: JudgedWindow, profile: WindowProfile): void;
  alert(alert: Alert): void;
  breaker(breaker: Breaker, transition: BreakerTransition): void;
  findings(): Findings;
}

/** @param judge  what the run judges by, for segments over many windows at once */
export function collectFindings(view: FeatureView, judge: JudgeProfile): FindingsCollector {
  const most = Math.floor(cellsOfAllFields / Math.max(1, view.fields.length) / 2) * 2;
  const timeline = createTimeline(Math.min(cellsMax, Math.max(cellsMin, most)));
  const fields = new Map(view.fields.map((field) => [field.name, draftField(timeline, field)]));
  const stream = draftField(timeline, undefined);
  const segments = draftSegments(view, judge);
  const alerts: Alert[] = [];
  const transitions: { breaker: Breaker; transition: BreakerTransition }[] = [];
  let alertsLeftOut = 0;
  const draftOf = (field: string | null): FieldDraft | undefined =>
    field === null ? stream : fields.get(field);

  const addFinal = (judged: JudgedWindow, profile: WindowProfile): void => {
    timeline.add({ window: judged.window, status: statusOf(judged), rows: judged.rows });
    const told = Map.groupBy(judged.verdicts, ({ field }) => field);
    stream.closed(told.get(null) ?? [], judged, undefined);
    for (const [name, draft] of fields) draft.closed(told.get(name) ?? [], judged, profile.fields.get(name));
  };

  return {
    judged(judged, profile) {
      const again = judged.revision !== undefined && judged.revision > 0; // stands in its cell already
      if (judged.final && !again) segments.closed(judged, profile);
      if (judged.segment !== null) return;
      for (const verdict of judged.verdicts) draftOf(verdict.field)?.known(verdict, judged.asOf);
      if (judged.final && !again) addFinal(judged, profile);
    },
    alert(alert) {
      if (alerts.length < alertsMax) alerts.push(alert);
      else alertsLeftOut += 1;
    },
    breaker(breaker, transition) {
      segments.breaker(breaker, transition);
      if (transitions.length < transitionsMax) transitions.push({ breaker, transition });
    },
    findings: () => ({
      cells: timeline.cells,
      fields: new Map([...fields].map(([name, draft]) => [name, draft.findings()])),
      stream: stream.findings(),
      segments: segments.findings(),
      alerts,
      alertsLeftOut,
      transitions,
    }),
  };
}
