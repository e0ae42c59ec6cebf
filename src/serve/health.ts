import type { Clock, Elapsed } from "../model/time.ts";
import type { Board } from "../pipeline/board.ts";

/** When the process is no longer what a balancer should send traffic by. */
export interface HealthThresholds {
  /** p99 of event → profiled. */
  readonly eventToProfileMs: number;
  /** Since the source last handed something over; Infinity where silence is normal. */
  readonly pollAgeMs: number;
  /** Since Kafka last answered a reader, with records or without: tainted, and dead. */
  readonly unansweredMs: number;
  readonly unansweredDeadMs: number;
  /** Since the first record that no checkpoint holds. */
  readonly unsavedMs: number;
  /** Resident memory; Infinity without a limit. */
  readonly memoryBytes: number;
  /** An event "from the future" by more than this shows a clock that is off. */
  readonly clockSkewMs: number;
}

export const defaultThresholds: HealthThresholds = {
  eventToProfileMs: 30_000,
  pollAgeMs: Number.POSITIVE_INFINITY,
  unansweredMs: 30_000,
  unansweredDeadMs: 120_000,
  unsavedMs: 60_000,
  memoryBytes: Number.POSITIVE_INFINITY,
  clockSkewMs: 5 * 60_000,
};

export interface Health {
  /** tainted: it works, but what it says may be late or not reach anybody · dead: it does not work. */
  readonly status: "ok" | "tainted" | "dead";
  readonly reasons: readonly string[];
  readonly checks: Readonly<Record<string, number | string | null>>;
}

/**
 * Deep health: looks at the work, not at whether a port answers. ok is HTTP 200; tainted and dead are 503, because the
 * balancer of the incident kept sending traffic to a node that answered 200 and did nothing.
 */
export function healthOf(
  board: Board,
  clock: Clock,
  memoryBytes: number,
  thresholds: HealthThresholds,
  readers: ReadonlyMap<string, Elapsed> = new Map(),
): Health {
  const durations = board.eventToProfileSeconds();
  const p99 = quantile(durations, 0.99);
  const lastPollAt = board.lastPollAt();
  const pollAgeMs = lastPollAt === undefined ? null : clock.elapsed() - lastPollAt;
  const skewMs = durations.length === 0 ? 0 : Math.max(0, -1_000 * Math.min(...durations));
  const unsavedSince = board.unsavedSince();
  const unsavedMs = unsavedSince === undefined ? 0 : clock.elapsed() - unsavedSince;
  const tainted: string[] = [];
  const dead = board.ready() ? [] : ["the state has not been restored yet"];
  for (const [reader, answeredAt] of readers) {
    const ageMs = clock.elapsed() - answeredAt;
    if (ageMs <= thresholds.unansweredMs) continue;
    const into = ageMs > thresholds.unansweredDeadMs ? dead : tainted;
    into.push(`Kafka has not answered the ${reader} for ${Math.round(ageMs / 1_000)} s`);
  }
  if (unsavedMs > thresholds.unsavedMs)
    tainted.push(`what was read is in no checkpoint for ${Math.round(unsavedMs / 1_000)} s`);
  if (p99 !== null && p99 * 1_000 > thresholds.eventToProfileMs) {
    tainted.push(
      `p99 of event to profile is ${p99.toFixed(1)} s, above ${thresholds.eventToProfileMs / 1_000} s`,
    );
  }
  if (pollAgeMs !== null && pollAgeMs > thresholds.pollAgeMs)
    tainted.push(`nothing was read for ${Math.round(pollAgeMs / 1_000)} s`);
  if (memoryBytes > thresholds.memoryBytes)
    tainted.push(`memory ${memoryBytes} bytes, above ${thresholds.memoryBytes}`);
  if (skewMs > thresholds.clockSkewMs)
    tainted.push(`records from ${Math.round(skewMs / 1_000)} s in the future: a clock is off`);
  for (const [name, text] of board.troubles()) tainted.push(`${name}: ${text}`);
  const status = dead.length > 0 ? "dead" : tainted.length > 0 ? "tainted" : "ok";
  return {
    status,
    reasons: [...dead, ...tainted],
    checks: {
      eventToProfileP99Seconds: p99,
      pollAgeMs,
      unsavedMs,
      ...Object.fromEntries(
        [...readers].map(([reader, answeredAt]) => [`${reader}AgeMs`, clock.elapsed() - answeredAt]),
      ),
      memoryBytes,
      clockSkewMs: skewMs,
      troubles: board.troubles().size,
    },
  };
}

/** Nearest rank; null when there is nothing. */
function quantile(values: Readonly<Float64Array>, share: number): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}
