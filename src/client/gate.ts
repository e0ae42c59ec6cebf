import type { BreakerReason, BreakerStateName } from "../model/verdict.ts";
import { httpFeed } from "./gate-http.ts";
import { type KafkaFeed, kafkaFeed } from "./gate-kafka.ts";

export interface GateOptions {
  /** Feature view whose breaker is watched. */
  readonly view: string;
  /** Base URL of `tidemark run`. Either this or `kafka`. */
  readonly url?: string | URL;
  /** The compacted topic of breakers, read directly: no tidemark needs to answer. */
  readonly kafka?: KafkaFeed;
  /**
   * What an unknown state means, before the first answer and when the feed has been lost for `staleAfterMs`: as a door, `open` lets
   * calls through, `closed` sends them to the fallback.
   */
  readonly fail: "open" | "closed";
  /** Default 15,000. */
  readonly staleAfterMs?: number;
  /** Told of every change of state and of a feed that is lost (`undefined` state). */
  readonly onChange?: (state: BreakerStateName | undefined, reasons: readonly BreakerReason[]) => void;
}

/** A feed keeps a book of breakers fresh until it is closed. */
export type Feed = (book: GateBook, view: string) => { close(): Promise<void> };

/** What a feed tells the gate. */
export interface GateBook {
  /** State of the whole view (`""`) or of a segment (`node:a7`). */
  set(segment: string, state: BreakerStateName, reasons: readonly BreakerReason[]): void;
  /** Everything known so far is set; from now on it is fresh. */
  alive(): void;
  /** Nothing that was known before counts any more. */
  clear(): void;
  /** Why the feed does not come. */
  lost(why: string): void;
}

export interface GateCounts {
  readonly primary: number;
  readonly fallback: number;
  /** Of the fallbacks: because the breaker was open, or because its state was not known. */
  readonly open: number;
  readonly unknown: number;
}

export interface Gate {
  /** Whether the view, and the segment, may be used now. Answers from memory, in well under a microsecond. */
  allows(segment?: string): boolean;
  /** `undefined` when it is not known. */
  state(segment?: string): BreakerStateName | undefined;
  readonly reasons: readonly BreakerReason[];
  /** Calls `primary`, or `fallback` while the gate does not allow it; what either throws is passed on. */
  run<T, F = T>(
    primary: () => T,
    fallback: (reasons: readonly BreakerReason[]) => F,
    segment?: string,
  ): T | F;
  /** Calls of `run` since the start. */
  readonly counts: GateCounts;
  /** The counts as Prometheus text, to append to a service's own metrics. */
  metrics(): string;
  /** Why the feed does not come: an address that does not answer, a view that it does not know. Undefined while it does. */
  readonly trouble: string | undefined;
  /** Resolves when the state is first known; false when that takes longer than `timeoutMs`: then `trouble` says why. */
  ready(timeoutMs?: number): Promise<boolean>;
  close(): Promise<void>;
}

const [staleAfterDefault, readyDefault] = [15_000, 5_000];

/**
 * Keeps the breaker of a view in this process's memory: by server-sent events of `tidemark run`, or from Kafka.
 * @throws TypeError when neither or both of `url` and `kafka` are given, or an option is none
 */
export function createGate(options: GateOptions): Gate {
  const { view, url, kafka, fail } = options;
  if (typeof view !== "string" || view === "")
    throw new TypeError("createGate: view is the name of a feature view");
  if (url !== undefined && !URL.canParse(String(url)))
    throw new TypeError(`createGate: url ${String(url)} is no URL`);
  if ((url === undefined) === (kafka === undefined))
    throw new TypeError("createGate: give either url or kafka");
  if (fail !== "open" && fail !== "closed")
    throw new TypeError('createGate: fail is "open" (let calls through) or "closed" (use the fallback)');
  const staleAfterMs = options.staleAfterMs ?? staleAfterDefault;
  const states = new Map<string, BreakerStateName>();
  const waiting = new Set<() => void>();
  const counts = { primary: 0, fallback: 0, open: 0, unknown: 0 };
  let reasons: readonly BreakerReason[] = [];
  let known = false;
  let trouble: string | undefined;
  let told: BreakerStateName | undefined;

  const tell = (): void => {
    const now = known ? (states.get("") ?? "closed") : undefined;
    if (now === told) return;
    told = now;
    options.onChange?.(now, reasons);
  };
  // a timer a gate, so that `allows` need not ask for the time
  let stale: NodeJS.Timeout | undefined;
  const expire = (): void => {
    known = false;
    tell();
  };
  const book: GateBook = {
    set(segment, state, why) {
      if (state === "closed") states.delete(segment);
      else states.set(segment, state);
      if (segment === "") reasons = state === "closed" ? [] : why;
      if (known) tell();
    },
    alive() {
      clearTimeout(stale);
      stale = setTimeout(expire, staleAfterMs);
      stale.unref();
      trouble = undefined;
      if (known) return;
      known = true;
      tell();
      for (const done of waiting) done();
    },
    clear() {
      states.clear();
      reasons = [];
    },
    lost(why) {
      trouble = why;
    },
  };
  const feed = url === undefined ? kafkaFeed(kafka as KafkaFeed) : httpFeed(new URL(url), staleAfterMs);
  const { close } = feed(book, view);

  const stateOf = (segment: string | undefined): BreakerStateName | undefined => {
    if (!known) return undefined;
    const whole = states.get("") ?? "closed";
    if (segment === undefined || whole === "open") return whole;
    const own = states.get(segment);
    return own === "open" || (own !== undefined && whole === "closed") ? own : whole;
  };
  const allows = (segment?: string): boolean => {
    if (!known) return fail === "open";
    if (states.size === 0) return true;
    return stateOf(segment) !== "open";
  };
  return {
    allows,
    state: stateOf,
    get reasons() {
      return reasons;
    },
    get trouble() {
      return trouble;
    },
    run(primary, fallback, segment) {
      if (typeof fallback !== "function")
        throw new TypeError("gate.run: no fallback: it would be missed on the day of the incident");
      if (allows(segment)) {
        counts.primary += 1;
        return primary();
      }
      counts.fallback += 1;
      counts[known ? "open" : "unknown"] += 1;
      return fallback(reasons);
    },
    get counts() {
      return { ...counts };
    },
    metrics() {
      const labels = `feature_view="${view.replace(/[\\"\n]/g, "_")}"`;
      return [
        "# HELP tidemark_client_calls_total Calls of gate.run by what served them and why.",
        "# TYPE tidemark_client_calls_total counter",
        `tidemark_client_calls_total{${labels},served="primary",reason=""} ${counts.primary}`,
        `tidemark_client_calls_total{${labels},served="fallback",reason="open"} ${counts.open}`,
        `tidemark_client_calls_total{${labels},served="fallback",reason="unknown"} ${counts.unknown}`,
        "",
      ].join("\n");
    },
    ready(timeoutMs = readyDefault) {
      if (known) return Promise.resolve(true);
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve(known);
        };
        const timer = setTimeout(done, timeoutMs);
        waiting.add(done);
      });
    },
    async close() {
      clearTimeout(stale);
      await close();
      expire();
    },
  };
}
