/**
 * A level with a slope, both of which wander (a local linear trend, Harvey 1989), followed by Kalman's filter. For statistics
 * whose baseline is too short to show where they stay: it foretells the next window from the last ones, and how far off that
 * may be grows with every window that is missing.
 */
export interface Trend {
  readonly level: number;
  /** Per window. */
  readonly slope: number;
  /** Variances of level and slope, and their covariance between. */
  readonly covariance: readonly [number, number, number];
  /** Number of the window that this is the state after. */
  readonly window: number;
  /** Variance that level and slope gain from window to window. */
  readonly levelNoise: number;
  readonly slopeNoise: number;
}

/** Level, slope, and the three of the covariance: what a filter keeps in an array of its caller's. */
export const trendSize = 5;

/** A level that nobody vouches for any more is known to this many windows of noise. */
const gapMax = 10_000;

/** A surprise beyond this many SDs moves the level as if it were this many: a fault is not to be learnt in one window. */
export const surpriseMax = 3;

/** Moves the state on by `gap` windows. */
export function foretell(
  state: Float64Array,
  at: number,
  gap: number,
  noise: Pick<Trend, "levelNoise" | "slopeNoise">,
): void {
  const g = Math.min(gap, gapMax);
  const [variance, cross, slopeVariance] = [at + 2, at + 3, at + 4] as const;
  const [a, b, c] = [state[variance] as number, state[cross] as number, state[slopeVariance] as number];
  state[at] = (state[at] as number) + g * (state[at + 1] as number);
  state[variance] = a + 2 * g * b + g * g * c + g * noise.levelNoise + (g ** 3 / 3) * noise.slopeNoise;
  state[cross] = b + g * c + (g * g * noise.slopeNoise) / 2;
  state[slopeVariance] = c + g * noise.slopeNoise;
}

/** Takes in a window that was `surprise` off, with variance `noise` of its own. */
export function learn(state: Float64Array, at: number, surprise: number, noise: number): void {
  const [a, b, c] = [state[at + 2] as number, state[at + 3] as number, state[at + 4] as number];
  const total = a + noise;
  const limit = surpriseMax * Math.sqrt(total);
  const taken = Math.max(-limit, Math.min(limit, surprise)) / total;
  state[at] = (state[at] as number) + a * taken;
  state[at + 1] = (state[at + 1] as number) + b * taken;
  state[at + 2] = a - (a * a) / total;
  state[at + 3] = b - (a * b) / total;
  state[at + 4] = c - (b * b) / total;
}

/** A slope is followed over no more windows than these, nor than a quarter of the baseline: what it does later nobody has seen. */
const memoryMax = 20;

/** Windows that find the first level and slope, and are not judged. */
const burnIn = 8;

const levelNoises = [0, 1e-3, 1e-2, 0.05, 0.2, 1] as const;
const slopeNoises = [1, 10, 100] as const;

export interface FittedTrend {
  readonly trend: Trend;
  /** Variance of a window about its level. */
  readonly noise: number;
  /** −2 ln of the likelihood, but for a constant, of all windows after the first few. */
  readonly deviance: number;
}

/**
 * The trend that foretells a series best, window by window; undefined for fewer than 24 windows.
 * @param least  variance of a window about its level, and variance that the level gains from window to window (of the
 *   former), that it has at least
 */
export function fitTrend(
  values: Float64Array,
  windows: Float64Array,
  least: { readonly noise: number; readonly level: number } = { noise: 0, level: 0 },
): FittedTrend | undefined {
  if (values.length < 3 * burnIn) return undefined;
  const memory = Math.min(memoryMax, values.length / 4);
  let best: FittedTrend | undefined;
  for (const slope of slopeNoises) {
    for (const level of levelNoises) {
      if (level < least.level) continue;
      const fitted = filter(values, windows, { level, slope: slope / memory ** 4, least: least.noise });
      if (best === undefined || fitted.deviance < best.deviance) best = fitted;
    }
  }
  return best;
}

/** Noises are in units of the windows' own variance, which is found on the way. */
function filter(
  values: Float64Array,
  windows: Float64Array,
  { level: levelNoise, slope: slopeNoise, least }: { level: number; slope: number; least: number },
): FittedTrend {
  const state = Float64Array.of(values[0] as number, 0, 1e4, 0, 1e2);
  const noise = { levelNoise, slopeNoise };
  let [squares, logs, count] = [0, 0, 0];
  for (let t = 1; t < values.length; t++) {
    foretell(state, 0, (windows[t] as number) - (windows[t - 1] as number), noise);
    const surprise = (values[t] as number) - (state[0] as number);
    const total = (state[2] as number) + 1;
    if (t >= burnIn) {
      squares += surprise ** 2 / total;
      logs += Math.log(total);
      count += 1;
    }
    learnAll(state, surprise);
  }
  const variance = Math.max(squares / count, least, Number.MIN_VALUE);
  const [level, slope, a, b, c] = state as unknown as readonly [number, number, number, number, number];
  return {
    trend: {
      level,
      slope,
      covariance: [a * variance, b * variance, c * variance],
      window: windows[values.length - 1] as number,
      levelNoise: levelNoise * variance,
      slopeNoise: slopeNoise * variance,
    },
    noise: variance,
    deviance: count * Math.log(variance) + logs,
  };
}

/** `learn` without a limit: the scale is not known yet. */
function learnAll(state: Float64Array, surprise: number): void {
  const [a, b, c] = [state[2] as number, state[3] as number, state[4] as number];
  const total = a + 1;
  state[0] = (state[0] as number) + (a / total) * surprise;
  state[1] = (state[1] as number) + (b / total) * surprise;
  state[2] = a - (a * a) / total;
  state[3] = b - (a * b) / total;
  state[4] = c - (b * b) / total;
}
