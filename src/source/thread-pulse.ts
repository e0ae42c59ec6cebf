const beatEveryMs = 1_000;
/** Beats of ours without one of theirs, after which a thread is taken for dead. */
const missedMax = 60;

export interface PulseOptions {
  /** Says to the other thread that this one is there. */
  readonly beat: () => void;
  /** The other one was heard before, and has said nothing for a minute. */
  readonly onDead: () => void;
  /** 1 s by default. */
  readonly everyMs?: number;
}

/**
 * Two threads that hear of each other once a second. Silence is counted in beats of our own, not by the clock: in a process that
 * was frozen, or a machine that slept, neither has missed anything.
 */
export interface Pulse {
  /** The other one has said that it is there. */
  heard(): void;
  end(): void;
}

export function createPulse({ beat, onDead, everyMs = beatEveryMs }: PulseOptions): Pulse {
  let missed: number | undefined;
  const timer = setInterval(() => {
    beat();
    if (missed === undefined) return;
    missed += 1;
    if (missed === missedMax) onDead();
  }, everyMs);
  return {
    heard: () => {
      missed = 0;
    },
    end: () => clearInterval(timer),
  };
}
