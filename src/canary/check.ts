import type { Output } from "./outputs.ts";

export interface CanaryOptions {
  /** The gate: KL divergence in nats above which a candidate is aborted. */
  readonly maxKl: number;
  /** Fewer answered queries than this and nothing is decided. */
  readonly minQueries: number;
  /** Median and p95 may be so many times production's. */
  readonly maxLatencyRatio: number;
  /** Rate of failures and of empty answers may be above production's by so much. */
  readonly maxIncrease: number;
  /** Mean rank-biased overlap of ranked lists below which a candidate is aborted; undefined: told, not judged. */
  readonly minRbo: number | undefined;
  readonly seed: number;
}

/** One question, and what the answer means for the deployment. */
export interface Check {
  readonly name: "queries" | "status" | "empty" | "nonfinite" | "schema" | "latency" | "kl" | "overlap";
  /** warn: told, and does not decide. */
  readonly result: "pass" | "warn" | "inconclusive" | "abort";
  /** One sentence for people, with numbers. */
  readonly summary: string;
}

/** A pair of answers to one query. */
export interface Pair {
  readonly production: Output;
  readonly candidate: Output;
}

export function isSuccess({ status }: Output): boolean {
  return status >= 200 && status < 300;
}
