import type { Elapsed } from "../model/time.ts";

/** When memory is short, and what is done then. Shares are of the limit, [0, 1]. */
export interface MemoryPolicy {
  /** Resident memory that the process may have. */
  readonly limitBytes: number;
  /** From here on nothing more is fetched, and details are shed. */
  readonly soft: number;
  /** From here on the process writes a checkpoint and ends: the kernel would be less kind. */
  readonly hard: number;
  /** How far below the soft line memory has to fall for fetching to go on, so that it does not flutter. */
  readonly calm: number;
  /** A pause lasts no longer: memory that does not fall by waiting is what the work needs. */
  readonly holdMs: number;
}

/** The 15% above the hard line are for the checkpoint, whose bytes stand beside the state that they are made from. */
export const memoryShares = { soft: 0.7, hard: 0.85, calm: 0.05, holdMs: 2_000 } as const;

export interface MemoryReading {
  readonly at: Elapsed;
  readonly residentBytes: number;
  /** Of JavaScript's own heap, and what the engine lets it have: it ends the process there, whatever the limit. */
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
}

export interface MemoryWatch {
  /** Whether fetching is paused. */
  readonly held: boolean;
  /** When the pause began. */
  readonly since: Elapsed;
  /** The share at which the next pause begins: `soft`, and half way to `hard` after a pause that changed nothing. */
  readonly line: number;
  /** Whether memory is short, fetching or not. */
  readonly short: boolean;
}

/** hold: stop fetching, shed details · release: memory is there again · yield: go on although it is short · end: checkpoint and exit 70 */
export type MemoryStep = "none" | "hold" | "release" | "yield" | "end";

export const memoryStart = ({ soft }: Pick<MemoryPolicy, "soft">): MemoryWatch => ({
  held: false,
  since: 0,
  line: soft,
  short: false,
});

/** The share of what it may have that the process has: of resident memory or of the heap, whichever is nearer its end. */
export function memoryShare(
  { residentBytes, heapBytes, heapLimitBytes }: MemoryReading,
  { limitBytes }: Pick<MemoryPolicy, "limitBytes">,
): number {
  return Math.max(residentBytes / limitBytes, heapBytes / heapLimitBytes);
}

/**
 * What one more reading means. Never a standstill: a pause ends after `holdMs`, and the line for the next one is half way
 * nearer to the hard limit, until memory is clearly below the soft one again.
 */
export function memoryStep(
  watch: MemoryWatch,
  reading: MemoryReading,
  policy: MemoryPolicy,
): { readonly watch: MemoryWatch; readonly step: MemoryStep } {
  const { soft, hard, calm, holdMs } = policy;
  const share = memoryShare(reading, policy);
  if (share >= hard) return { watch: { ...watch, held: true, short: true }, step: "end" };
  if (share < soft - calm)
    return {
      watch: { ...watch, held: false, line: soft, short: false },
      step: watch.short ? "release" : "none",
    };
  if (watch.held) {
    if (reading.at - watch.since < holdMs) return { watch, step: "none" };
    return {
      watch: { ...watch, held: false, line: (Math.max(share, watch.line) + hard) / 2 },
      step: "yield",
    };
  }
  if (share < watch.line) return { watch, step: "none" };
  return { watch: { ...watch, held: true, since: reading.at, short: true }, step: "hold" };
}
