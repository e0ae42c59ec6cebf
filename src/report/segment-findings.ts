import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, Window } from "../model/time.ts";
import {
  type Breaker,
  type BreakerStateName,
  type BreakerTransition,
  type JudgedWindow,
  type Segment,
  segmentKey,
  type Verdict,
} from "../model/verdict.ts";
import { mergeFields } from "../profile/merge.ts";
import type { FieldProfile, WindowProfile } from "../profile/profile.ts";
import { worstOf } from "./status.ts";

/** Fields that are compared over segments: the first ones to go bad. */
const comparedMax = 8;
/** Bad windows of a field that are put together; what comes after them changes the picture little. */
const windowsMax = 500;

/** What one value of a segment field, for example one node, had of what went wrong. `segment` is null for the whole view. */
export interface SegmentFindings {
  readonly segment: Segment | null;
  /** Over all closed windows. */
  readonly rows: number;
  readonly firstEvent: EventTime;
  readonly lastEvent: EventTime;
  /** Its own breaker at the end, and when that first opened. */
  readonly state: BreakerStateName;
  readonly openedAt: EventTime | undefined;
  /** By field: its rows of the bad windows as one window, judged. */
  readonly compared: ReadonlyMap<string, Verdict>;
}

/** Judges a profile that was put together from several windows, as the run judged each of them. */
export type JudgeProfile = (profile: WindowProfile) => readonly Verdict[];

export interface SegmentsDraft {
  /** A closed window: the whole view, then its segments. */
  closed(judged: JudgedWindow, profile: WindowProfile): void;
  breaker(breaker: Breaker, transition: BreakerTransition): void;
  /** The whole view first, then by segment field and rows. */
  findings(): readonly SegmentFindings[];
}

interface Draft {
  readonly segment: Segment | null;
  rows: number;
  firstEvent: EventTime;
  lastEvent: EventTime;
  state: BreakerStateName;
  openedAt: EventTime | undefined;
  /** Of the bad windows only. */
  readonly fields: Map<string, FieldProfile>;
}

/**
 * Which model version, which node? A segment has too few rows in one window to be judged by; all windows in which a field was bad
 * together have enough. Bounded by 8 fields × segments.
 */
export function draftSegments(view: FeatureView, judge: JudgeProfile): SegmentsDraft {
  const drafts = new Map<string, Draft>();
  const bad = new Map<string, { windows: number; first: Window; last: Window }>();
  let gathered: WindowProfile[] = [];
  const badNow = new Set<string>();

  const draftOf = (segment: Segment | null): Draft =>
    getOrInsert(drafts, segmentKey(segment), () => ({
      segment,
      rows: 0,
      firstEvent: Number.POSITIVE_INFINITY,
      lastEvent: Number.NEGATIVE_INFINITY,
      state: "closed",
      openedAt: undefined,
      fields: new Map(),
    }));

  /** A segment may be the first to know that a field is bad: only when the window is complete are its profiles added up. */
  const closeWindow = (): void => {
    const [first] = gathered;
    if (first === undefined) return;
    for (const name of badNow) {
      const known = bad.get(name);
      if ((known === undefined && bad.size >= comparedMax) || known?.windows === windowsMax) continue;
      bad.set(name, {
        windows: (known?.windows ?? 0) + 1,
        first: known?.first ?? first.window,
        last: first.window,
      });
      for (const profile of gathered) {
        const field = profile.fields.get(name);
        if (field === undefined) continue;
        const { fields } = draftOf(profile.segment);
        const before = fields.get(name);
        fields.set(name, before === undefined ? field : mergeFields(before, field));
      }
    }
    gathered = [];
    badNow.clear();
  };

  const compare = ({ segment, fields, rows }: Draft): ReadonlyMap<string, Verdict> => {
    const compared = new Map<string, Verdict>();
    for (const [name, profile] of fields) {
      const span = bad.get(name);
      if (span === undefined) continue;
      const window = { start: span.first.start, end: span.last.end };
      const verdicts = judge({
        featureView: view.name,
        spec: view.fingerprint,
        segment,
        window,
        rows: Math.min(rows, profile.rows),
        late: 0,
        firstEvent: window.start,
        lastEvent: window.end - 1,
        fields: new Map([[name, profile]]),
      });
      const worst = worstOf(verdicts.filter(({ field }) => field === name));
      if (worst !== undefined) compared.set(name, worst);
    }
    return compared;
  };

  return {
    closed(judged, profile) {
      if (judged.segment === null || gathered[0]?.window.start !== judged.window.start) closeWindow();
      gathered.push(profile);
      for (const { field, status } of judged.verdicts)
        if (field !== null && status === "critical") badNow.add(field);
      const draft = draftOf(judged.segment);
      draft.rows += judged.rows;
      draft.firstEvent = Math.min(draft.firstEvent, profile.firstEvent);
      draft.lastEvent = Math.max(draft.lastEvent, profile.lastEvent);
    },
    breaker({ segment }, { to, time }) {
      const draft = draftOf(segment);
      draft.state = to;
      if (to === "open") draft.openedAt ??= time;
    },
    findings() {
      closeWindow();
      const order = (segment: Segment | null): number =>
        segment === null ? -1 : view.segments.indexOf(segment.field);
      return [...drafts.values()]
        .map(({ fields, ...draft }) => ({ ...draft, compared: compare({ ...draft, fields }) }))
        .sort((a, b) => order(a.segment) - order(b.segment) || byValue(a.segment, b.segment));
    },
  };
}

function byValue(a: Segment | null, b: Segment | null): number {
  const [left, right] = [a?.value ?? "", b?.value ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}
