import { forecast, type Point } from "../judge/forecast.ts";
import type { WallTime } from "../model/time.ts";

export interface GuardPolicy {
  readonly limitBytes: number;
  /** Share of the limit at which it is announced, (0, 1]. */
  readonly warnAt: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

/** Memory of the guarded processes at a time. */
export interface Reading {
  readonly at: WallTime;
  readonly bytes: number;
}

export interface Watch {
  /** Whether the warning stands. */
  readonly warned: boolean;
  /** The reading that SIGTERM was sent at. */
  readonly ending: Reading | undefined;
  readonly killed: boolean;
  /** The last 96 readings, oldest first. */
  readonly points: readonly Point[];
}

/**
 * warn: the limit is near; `leftMs` until it is reached when the memory rises steadily · calm: it is not near any more ·
 * end: SIGTERM now · kill: SIGKILL now
 */
export type GuardStep =
  | { readonly kind: "none" | "calm" | "end" }
  | { readonly kind: "warn"; readonly leftMs: number | undefined }
  | { readonly kind: "kill"; readonly why: "grace" | "overshoot" };

export const watchStart: Watch = { warned: false, ending: undefined, killed: false, points: [] };

/** As many as a forecast looks at. */
const pointsMax = 96;
/** A warning is over when the memory is this share of the limit below where it began, so that it does not flutter. */
const calmBelow = 0.05;
/** What is being ended and still grows by this factor has no grace: the kernel's own limit may be as near. */
export const overshoot = 1.1;

/** What one more reading means. Once the command is being ended nothing takes that back. */
export function guardStep(
  watch: Watch,
  reading: Reading,
  policy: GuardPolicy,
): { readonly watch: Watch; readonly step: GuardStep } {
  const { limitBytes, warnAt, graceMs } = policy;
  const { at, bytes } = reading;
  const points = [...watch.points.slice(1 - pointsMax), { time: at, value: bytes }];
  const next = { ...watch, points };
  if (watch.killed) return { watch: next, step: { kind: "none" } };
  if (watch.ending !== undefined) {
    const late = at - watch.ending.at >= graceMs;
    const over = bytes > Math.max(watch.ending.bytes, limitBytes) * overshoot;
    if (!late && !over) return { watch: next, step: { kind: "none" } };
    return { watch: { ...next, killed: true }, step: { kind: "kill", why: late ? "grace" : "overshoot" } };
  }
  if (bytes >= limitBytes) return { watch: { ...next, ending: reading }, step: { kind: "end" } };
  const share = bytes / limitBytes;
  if (!watch.warned && share >= warnAt)
    return {
      watch: { ...next, warned: true },
      step: { kind: "warn", leftMs: forecast(points, limitBytes)?.leftMs },
    };
  if (watch.warned && share < warnAt - calmBelow)
    return { watch: { ...next, warned: false }, step: { kind: "calm" } };
  return { watch: next, step: { kind: "none" } };
}
