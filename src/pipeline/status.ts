import { getOrInsert } from "../model/maps.ts";
import { addCounts, emptyCounts } from "../model/record.ts";
import type { Elapsed, EventTime } from "../model/time.ts";
import type { Alert, Example } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import type { Board, ViewStatus } from "./board.ts";
import { type Cell, isGate } from "./cell.ts";
import type { Judging } from "./judging.ts";
import type { Outcome } from "./ports.ts";
import { staleAfterMs } from "./silence.ts";

export interface BoardParts {
  readonly cells: ReadonlyMap<string, Cell>;
  /** The cell's own, or a judge's elsewhere. */
  readonly judgingOf: (cell: Cell) => Judging;
  readonly active: () => readonly Alert[];
  readonly troubles: ReadonlyMap<string, string>;
  readonly durations: readonly number[];
  readonly durationListeners: Set<(seconds: number) => void>;
  readonly isReady: () => boolean;
  readonly lastPollAt: () => Elapsed | undefined;
  readonly unsavedSince: () => Elapsed | undefined;
  /** For how long this process has been there. */
  readonly watchedMs: () => number;
  readonly queuedBytes: () => number;
  readonly listeners: Set<(outcomes: readonly Outcome[]) => void>;
}

/** The loop's state as others may see it: computed when asked, never stored twice. */
export function createBoard(parts: BoardParts): Board {
  const nonFinite = new Map<string, Map<string, NonFinite>>();
  parts.listeners.add((outcomes) => {
    for (const outcome of outcomes) {
      if (outcome.kind === "profile" && outcome.profile.segment === null) {
        const fields = getOrInsert(nonFinite, outcome.profile.featureView, () => new Map());
        addNonFinite(fields, outcome.profile.fields);
      }
    }
  });

  const statusOf = (cell: Cell): ViewStatus => {
    const counts = emptyCounts();
    const sources = { stream: emptyCounts(), gate: emptyCounts() };
    const deadLetters = new Map<string, number>();
    const sinceStart = new Map(
      [...(nonFinite.get(cell.view.name) ?? [])].map(([name, count]) => [name, { ...count }]),
    );
    let lastEvent: EventTime | undefined;
    for (const lane of cell.lanes.values()) {
      addCounts(counts, lane.counts);
      addCounts(sources[isGate(lane.partition) ? "gate" : "stream"], lane.counts);
      for (const [reason, count] of lane.deadLetters)
        deadLetters.set(reason, (deadLetters.get(reason) ?? 0) + count);
      if (lane.state.lastEvent !== undefined)
        lastEvent = Math.max(lastEvent ?? lane.state.lastEvent, lane.state.lastEvent);
      for (const open of cell.profiler.open(lane.state))
        if (open.segment === null) addNonFinite(sinceStart, open.fields);
    }
    const { baseline } = cell;
    const judging = parts.judgingOf(cell);
    let lost = 0;
    let rejectedExample: Example | undefined;
    for (const lane of cell.lanes.values()) {
      lost += lane.lost;
      rejectedExample ??= lane.rejected;
    }
    return {
      view: cell.view,
      baseline:
        baseline === undefined ? undefined : { rows: baseline.rows, from: baseline.from, to: baseline.to },
      silent:
        judging.stale ||
        judging.active().some(({ statistic }) => statistic === "silence") ||
        // nothing has ever come
        (lastEvent === undefined &&
          judging.latest === undefined &&
          judging.windows.length === 0 &&
          parts.watchedMs() > staleAfterMs(cell.view, baseline)),
      silenced: judging.silenced,
      breaker: judging.breaker,
      segments: judging.segments,
      counts,
      sources,
      lastEvent,
      latest: judging.latest,
      recent: judging.recent,
      windows: judging.windows,
      fields: judging.fields,
      baselineFields: new Map([...(baseline?.fields ?? [])].map(([name, { profile }]) => [name, profile])),
      nonFinite: sinceStart,
      deadLetters,
      rejectedExample,
      lost,
    };
  };

  return {
    views: () => [...parts.cells.values()].map(statusOf),
    view: (name) => {
      const cell = parts.cells.get(name);
      return cell === undefined ? undefined : statusOf(cell);
    },
    activeAlerts: parts.active,
    partitions: () =>
      [...parts.cells.values()].flatMap((cell) =>
        [...cell.lanes.values()].map(
          ({ partition, view, counts, lost, resets, tombstones, nextOffset, state }) => ({
            partition,
            featureView: view.name,
            counts,
            lost,
            resets,
            tombstones,
            nextOffset,
            watermark: state.watermark,
          }),
        ),
      ),
    subscribe(listener) {
      parts.listeners.add(listener);
      return () => parts.listeners.delete(listener);
    },
    eventToProfileSeconds: () => Float64Array.from(parts.durations),
    onProfiled(listener) {
      parts.durationListeners.add(listener);
      return () => parts.durationListeners.delete(listener);
    },
    lastPollAt: parts.lastPollAt,
    unsavedSince: parts.unsavedSince,
    ready: parts.isReady,
    troubles: () => parts.troubles,
    queuedBytes: parts.queuedBytes,
  };
}

interface NonFinite {
  nan: number;
  positiveInfinity: number;
  negativeInfinity: number;
}

function addNonFinite(into: Map<string, NonFinite>, fields: ReadonlyMap<string, FieldProfile>): void {
  for (const [name, { body }] of fields) {
    if (body.kind !== "numeric" && body.kind !== "embedding") continue;
    const total = into.get(name) ?? { nan: 0, positiveInfinity: 0, negativeInfinity: 0 };
    total.nan += body.nan;
    total.positiveInfinity += body.positiveInfinity;
    total.negativeInfinity += body.negativeInfinity;
    into.set(name, total);
  }
}
