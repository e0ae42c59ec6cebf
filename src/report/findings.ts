import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, Window } from "../model/time.ts";
import type {
  Alert,
  Breaker,
  BreakerTransition,
  JudgedWindow,
  Verdict,
  VerdictStatus,
} from "../model/verdict.ts";
import type { FieldProfile, RuleCount, RuleName, WindowProfile } from "../profile/profile.ts";
import { isWorse, statusOf, statusRank } from "./status.ts";

/** Cells of a timeline: beyond it, neighbours become one, so that a month costs what a day does. */
const cellsMax = 720;
const alertsMax = 200;
const transitionsMax = 200;

/** What a report needs of a whole run: bounded by fields, not by time. */
export interface Findings {
  readonly cells: readonly WindowCell[];
  /** By name, every field of the spec in its order. */
  readonly fields: ReadonlyMap<string, FieldFindings>;
  /** The first 200, in order, as they were when they began or ended. */
  readonly alerts: readonly Alert[];
  readonly alertsLeftOut: number;
  readonly transitions: readonly { readonly breaker: Breaker; readonly transition: BreakerTransition }[];
}

/** One closed window of the whole view, or several neighbours. */
export interface WindowCell {
  readonly window: Window;
  readonly status: VerdictStatus;
  readonly rows: number;
  readonly windows: number;
}

export interface FieldFindings {
  /** The largest shift in each cell; NaN where nothing could be told. */
  readonly shifts: readonly number[];
  /** The worst verdict of all closed windows, with the window's profile. */
  readonly worst:
    | {
        readonly verdict: Verdict;
        readonly window: Window;
        readonly rows: number;
        readonly profile: FieldProfile | undefined;
      }
    | undefined;
  readonly status: VerdictStatus;
  /** When it was first known, by an early verdict too. */
  readonly firstCriticalAt: EventTime | undefined;
  /** Closed windows in which it was critical. */
  readonly criticalWindows: number;
  /** Over all closed windows. */
  readonly rows: number;
  readonly nulls: number;
  readonly rules: ReadonlyMap<RuleName, RuleCount>;
}

/** Gathers findings as a run passes by. */
export interface FindingsCollector {
  judged(judged: JudgedWindow, profile: WindowProfile): void;
  alert(alert: Alert): void;
  breaker(breaker: Breaker, transition: BreakerTransition): void;
  findings(): Findings;
}

interface Draft {
  shifts: number[];
  worst: FieldFindings["worst"];
  status: VerdictStatus;
  firstCriticalAt: EventTime | undefined;
  criticalWindows: number;
  rows: number;
  nulls: number;
  readonly rules: Map<RuleName, RuleCount>;
}

export function collectFindings(view: FeatureView): FindingsCollector {
  const fields = new Map<string, Draft>(view.fields.map(({ name }) => [name, emptyDraft()]));
  const alerts: Alert[] = [];
  const transitions: { breaker: Breaker; transition: BreakerTransition }[] = [];
  let cells: WindowCell[] = [];
  let alertsLeftOut = 0;
  /** Windows that make one cell. */
  let perCell = 1;

  const addFinal = (judged: JudgedWindow, profile: WindowProfile): void => {
    const last = cells.at(-1);
    const joins = last !== undefined && last.windows < perCell;
    const cell = { window: judged.window, status: statusOf(judged), rows: judged.rows, windows: 1 };
    if (joins) cells[cells.length - 1] = joinCells(last, cell);
    else cells.push(cell);
    for (const [name, field] of profile.fields) {
      const draft = fields.get(name);
      if (draft !== undefined) addQuality(draft, field);
    }
    for (const [name, verdicts] of Map.groupBy(judged.verdicts, ({ field }) => field)) {
      const draft = name === null ? undefined : fields.get(name);
      if (draft === undefined || name === null) continue;
      addVerdicts(draft, verdicts, judged, profile.fields.get(name), cells.length);
    }
    if (cells.length < cellsMax) return;
    cells = pairs(cells).map(([a, b]) => (b === undefined ? a : joinCells(a, b)));
    for (const draft of fields.values())
      draft.shifts = pairs(padded(draft.shifts, cellsMax)).map(([a, b]) => larger(a, b ?? Number.NaN));
    perCell *= 2;
  };

  return {
    judged(judged, profile) {
      if (judged.segment !== null) return;
      for (const { field, status, decidedAt } of judged.verdicts) {
        const draft = field === null || status !== "critical" ? undefined : fields.get(field);
        if (draft === undefined) continue;
        const at = decidedAt ?? judged.asOf;
        draft.firstCriticalAt = Math.min(draft.firstCriticalAt ?? at, at);
      }
      if (judged.final) addFinal(judged, profile);
    },
    alert(alert) {
      if (alerts.length < alertsMax) alerts.push(alert);
      else alertsLeftOut += 1;
    },
    breaker(breaker, transition) {
      if (transitions.length < transitionsMax) transitions.push({ breaker, transition });
    },
    findings: () => ({
      cells,
      fields: new Map(
        [...fields].map(([name, draft]) => [name, { ...draft, shifts: padded(draft.shifts, cells.length) }]),
      ),
      alerts,
      alertsLeftOut,
      transitions,
    }),
  };
}

function emptyDraft(): Draft {
  return {
    shifts: [],
    worst: undefined,
    status: "insufficient",
    firstCriticalAt: undefined,
    criticalWindows: 0,
    rows: 0,
    nulls: 0,
    rules: new Map(),
  };
}

function addVerdicts(
  draft: Draft,
  verdicts: readonly Verdict[],
  { window, rows }: JudgedWindow,
  profile: FieldProfile | undefined,
  cells: number,
): void {
  draft.shifts = padded(draft.shifts, cells);
  const status = statusOf({ verdicts });
  if (status === "critical") draft.criticalWindows += 1;
  if (statusRank[status] > statusRank[draft.status]) draft.status = status;
  for (const verdict of verdicts) {
    if (verdict.status === "insufficient") continue;
    draft.shifts[cells - 1] = larger(draft.shifts[cells - 1] ?? Number.NaN, verdict.shift);
    if (draft.worst === undefined || isWorse(verdict, draft.worst.verdict))
      draft.worst = { verdict, window, rows, profile };
  }
}

function addQuality(draft: Draft, field: FieldProfile): void {
  draft.rows += field.rows;
  draft.nulls += field.nulls;
  for (const [rule, { count, example }] of field.rules) {
    const total = getOrInsert<RuleName, RuleCount>(draft.rules, rule, () => ({ count: 0, example }));
    total.count += count;
  }
}

/** Neighbours as one cell: the whole time, the worse status. */
function joinCells(a: WindowCell, b: WindowCell): WindowCell {
  return {
    window: { start: a.window.start, end: b.window.end },
    status: statusRank[b.status] > statusRank[a.status] ? b.status : a.status,
    rows: a.rows + b.rows,
    windows: a.windows + b.windows,
  };
}

function pairs<T>(items: readonly T[]): [T, T | undefined][] {
  const result: [T, T | undefined][] = [];
  for (let at = 0; at < items.length; at += 2) result.push([items[at] as T, items[at + 1]]);
  return result;
}

function padded(shifts: number[], length: number): number[] {
  while (shifts.length < length) shifts.push(Number.NaN);
  return shifts;
}

/** NaN only when both are. */
function larger(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b);
}
