import type { EventTime, Window } from "../model/time.ts";
import type { BreakerStateName, BreakerTransition, VerdictStatus } from "../model/verdict.ts";
import type { WindowCell } from "./cells.ts";
import type { Series } from "./field-findings.ts";

/** Letters that name events in pictures; more events than these are listed, not drawn. */
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Something that happened at a time, from outside the statistics: a deployment, a value that was never seen before. */
export interface CourseEvent {
  readonly time: EventTime;
  readonly text: string;
}

export interface NamedEvent extends CourseEvent {
  readonly letter: string | undefined;
}

/** A stretch in which the breaker was not closed. */
export interface BreakerSpan extends Window {
  readonly state: Exclude<BreakerStateName, "closed">;
}

/** What all pictures over time of one run share. */
export interface Course {
  /** At least one. */
  readonly cells: readonly WindowCell[];
  readonly spans: readonly BreakerSpan[];
  readonly events: readonly NamedEvent[];
}

/** Undefined when no window closed. */
export function courseOf(
  cells: readonly WindowCell[],
  transitions: readonly Pick<BreakerTransition, "time" | "to">[],
  events: readonly CourseEvent[],
): Course | undefined {
  const last = cells.at(-1);
  if (last === undefined) return undefined;
  const spans = transitions.flatMap(({ time, to }, at): BreakerSpan[] => {
    const end = transitions[at + 1]?.time ?? Math.max(time, last.window.end);
    return to === "closed" ? [] : [{ start: time, end, state: to }];
  });
  const named = events
    .toSorted((a, b) => a.time - b.time)
    .map((event, at) => ({ ...event, letter: letters[at] }));
  return { cells, spans, events: named };
}

/** Neighbours of one kind as one, unless time without data lies between them. Undefined kinds are left out. */
export function runsOf<T>(
  cells: readonly { readonly window: Window }[],
  kinds: Series<T>,
): readonly (Window & { readonly kind: T })[] {
  const runs: { start: EventTime; end: EventTime; readonly kind: T }[] = [];
  cells.forEach(({ window: { start, end } }, at) => {
    const kind = kinds[at];
    if (kind === undefined) return;
    const last = runs.at(-1);
    if (last !== undefined && last.end === start && last.kind === kind) last.end = end;
    else runs.push({ start, end, kind });
  });
  return runs;
}

/**
 * The same course in at most `most` cells, for a picture that has no room for more; of neighbours that become one the later
 * in `order` is kept.
 */
export function coarser<T>(
  cells: readonly { readonly window: Window }[],
  kinds: Series<T>,
  most: number,
  order: readonly T[],
): { readonly cells: readonly { readonly window: Window }[]; readonly kinds: Series<T> } {
  const each = Math.ceil(cells.length / Math.max(1, Math.floor(most)));
  if (each <= 1) return { cells, kinds };
  const rank = (kind: T | undefined): number => (kind === undefined ? -1 : order.indexOf(kind));
  const joined: { window: Window }[] = [];
  const kept: (T | undefined)[] = [];
  for (let at = 0; at < cells.length; at += each) {
    const [first, last] = [cells[at], cells[Math.min(at + each, cells.length) - 1]];
    if (first === undefined || last === undefined) continue;
    joined.push({ window: { start: first.window.start, end: last.window.end } });
    kept.push(kinds.slice(at, at + each).reduce((a, b) => (rank(b) > rank(a) ? b : a), undefined));
  }
  return { cells: joined, kinds: kept };
}

/** Critical and warning only. */
export function troubles(statuses: Series<VerdictStatus>): Series<"critical" | "warning"> {
  return statuses.map((status) => (status === "critical" || status === "warning" ? status : undefined));
}
