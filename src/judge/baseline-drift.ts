import type { EventTime } from "../model/time.ts";
import type { StatisticName } from "../model/verdict.ts";
import { normalLogSf } from "../statistics/special.ts";
import { middleOf, seasonAt } from "./season.ts";
import type { Series } from "./series.ts";
import type { Signal } from "./signal.ts";
import type { Track } from "./track.ts";

/** A change within the data that were to say what is normal. */
export interface BaselineDrift {
  /** null: of a pair of fields. */
  readonly field: string | null;
  readonly statistic: StatisticName;
  /** `step`: from one level to another at `since`. `slope`: all the way. `episode`: another level from `since` until `until`. */
  readonly kind: "step" | "slope" | "episode";
  readonly since: EventTime;
  /** Half-open; the end of the data, but for an episode. */
  readonly until: EventTime;
  /** Levels, in the statistic's own unit. */
  readonly before: number;
  readonly after: number;
  /** |after − before| in standard deviations as alerts call them. */
  readonly shift: number;
  readonly summary: string;
}

/** Ends of an episode are looked for among so many places: their pairs are all tried. */
const placesMax = 400;
/** Fewer windows do not tell a change from luck. */
const windowsMin = 24;
/** A stretch shorter than this share of the baseline is an outlier, not another level. */
const stretchMin = 0.05;
/** The farthest windows at either end count as if they were no farther than this share: a spike is no drift. */
const clippedShare = 0.025;
/** Smaller changes are told of by nobody. */
const shiftMin = 0.2;
/** Of baselines that stay where they are, one in a hundred is warned of. */
const falseWarnings = 0.01;
/** Windows that remember more than this are taken to remember this much. */
const memoryMax = 0.95;

/**
 * The one change that explains a signal's windows best: another level from some window on, or between two, or a line through all of
 * them, against a level that stays. The likelihood ratio is deflated by the memory of what the change leaves over, and paid for by the number of windows and
 * of signals that were looked at (Bonferroni).
 *
 * @param signals  how many series of the baseline are looked at
 * @see Bai, "Least squares estimation of a shift in linear processes" (1994), for steps under memory
 */
export function findDrift(
  field: string | null,
  signal: Pick<Signal, "statistic" | "unit" | "say">,
  { windows, values }: Series,
  track: Track,
  { windowMs, signals }: { readonly windowMs: number; readonly signals: number },
): BaselineDrift | undefined {
  const n = values.length;
  if (n < windowsMin) return undefined;
  const x = clipped(
    Float64Array.from(
      values,
      (value, t) => value - seasonAt(track.season, middleOf(windows[t] as number, windowMs)),
    ),
  );
  const mean = meanOf(x);
  const total = squaresAbout(x, () => mean);
  const looks = n + Math.min(n, placesMax) ** 2 / 2 + 1;
  let best: BaselineDrift | undefined;
  let least = Math.log(falseWarnings / (Math.max(1, signals) * looks));
  for (const { kind, from, to, level, before, after } of changesOf(x, windows, mean)) {
    const left = squaresAbout(x, level);
    if (!(left > 0) || left >= total) continue;
    const memory = memoryOf(x, level, windows);
    const ratio = ((total - left) / (left / (n - 2))) * ((1 - memory) / (1 + memory));
    // Student's t as a normal score (Wallace 1959)
    const score = Math.sqrt((n - 2) * Math.log1p(ratio / (n - 2))) * (1 - 3 / (4 * n));
    const logTail = Math.LN2 + normalLogSf(score);
    const shift = Math.abs(after - before) / signal.unit;
    if (logTail > least) continue;
    least = logTail;
    best = {
      field,
      statistic: signal.statistic,
      kind,
      since: (windows[from] as number) * windowMs,
      until: ((windows[to - 1] as number) + 1) * windowMs,
      before,
      after,
      shift,
      summary: signal.say(after, before),
    };
  }
  return best !== undefined && best.shift >= shiftMin ? best : undefined;
}

/** A level for each window, by its place. */
type Level = (t: number) => number;

interface Change {
  readonly kind: BaselineDrift["kind"];
  /** Places of the windows that are not as before, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly level: Level;
  readonly before: number;
  readonly after: number;
}

/** The best of each kind, by least squares. */
function changesOf(x: Float64Array, windows: readonly number[], mean: number): readonly Change[] {
  const n = x.length;
  const shortest = Math.max(4, Math.ceil(n * stretchMin));
  const sums = new Float64Array(n + 1);
  for (let t = 0; t < n; t++) sums[t + 1] = (sums[t] as number) + (x[t] as number) - mean;
  const levels = (kind: Change["kind"], from: number, to: number): Change => {
    const inner = (sums[to] as number) - (sums[from] as number);
    const after = settled(mean + inner / (to - from), mean);
    const before = settled(mean - inner / (n - (to - from)), mean);
    return { kind, from, to, before, after, level: (t) => (t >= from && t < to ? after : before) };
  };
  /** What another level in `[from, to)` takes from the squares. */
  const gain = (from: number, to: number): number => {
    const inner = (sums[to] as number) - (sums[from] as number);
    const size = to - from;
    return (inner * inner * n) / (size * (n - size));
  };
  let step = shortest;
  for (let k = shortest; k <= n - shortest; k++) if (gain(k, n) > gain(step, n)) step = k;
  const stride = Math.ceil(n / placesMax);
  let [from, to] = [shortest, n - shortest];
  for (let a = shortest; a <= n - 2 * shortest; a += stride)
    for (let b = a + shortest; b <= n - shortest; b += stride)
      if (gain(a, b) > gain(from, to)) [from, to] = [a, b];
  const line = fitLine(x, windows, mean);
  const [before, after] = [line(windows[0] as number), line(windows[n - 1] as number)];
  const slope: Change = {
    kind: "slope",
    from: 0,
    to: n,
    before,
    after,
    level: (t) => line(windows[t] as number),
  };
  return [levels("step", step, n), levels("episode", from, to), slope];
}

/** What rounding leaves of a zero is none. */
function settled(level: number, mean: number): number {
  return Math.abs(level) < 1e-9 * Math.abs(mean) ? 0 : level;
}

function fitLine(x: Float64Array, windows: readonly number[], mean: number): (window: number) => number {
  const middle = windows.reduce((sum, window) => sum + window, 0) / windows.length;
  let [cross, squares] = [0, 0];
  for (let t = 0; t < x.length; t++) {
    const d = (windows[t] as number) - middle;
    cross += d * (x[t] as number);
    squares += d * d;
  }
  const slope = squares === 0 ? 0 : cross / squares;
  return (window) => mean + slope * (window - middle);
}

function squaresAbout(x: Float64Array, level: Level): number {
  let squares = 0;
  for (let t = 0; t < x.length; t++) squares += ((x[t] as number) - level(t)) ** 2;
  return squares;
}

/** First autocorrelation of what is left, a standard error added: memory that is not seen for want of windows is there all the same. */
function memoryOf(x: Float64Array, level: Level, windows: readonly number[]): number {
  let [cross, squares, last] = [0, 0, 0];
  for (let t = 0; t < x.length; t++) {
    const own = (x[t] as number) - level(t);
    squares += own * own;
    if (t > 0 && (windows[t] as number) - (windows[t - 1] as number) === 1) cross += own * last;
    last = own;
  }
  const seen = squares === 0 ? 0 : cross / squares;
  return Math.min(memoryMax, Math.max(0, seen + 1 / Math.sqrt(x.length)));
}

function clipped(values: Float64Array): Float64Array {
  const sorted = values.toSorted();
  const cut = Math.max(1, Math.floor(values.length * clippedShare));
  const [low, high] = [sorted[cut] as number, sorted[sorted.length - 1 - cut] as number];
  return values.map((value) => Math.min(Math.max(value, low), high));
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
