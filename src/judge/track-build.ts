import { type Autoregression, fitAutoregression } from "./autoregression.ts";
import { rounded } from "./history.ts";
import { fitSeason, middleOf, missingCycles, type Season, seasonAt } from "./season.ts";
import type { Series } from "./series.ts";
import type { Signal } from "./signal.ts";
import { tailOf } from "./tail.ts";
import type { Track } from "./track.ts";
import { type FittedTrend, fitTrend, type Trend } from "./trend.ts";

/** Fewer windows do not show what a statistic does from one to the next; its mean and SD are all there is. */
const windowsMin = 16;

/** Stretches of the baseline whose means are compared. */
const stretches = 6;

/** χ² with 5 degrees of freedom is beyond this once in 1,000 baselines. */
const wanderMax = 20.5;

/** Memory of this sum and more is that of something that does not come back. */
const memoryMax = 0.9;

/** What moves with a cycle that nobody has seen yet moves at least so much a window: of its windows' variance. */
const wanderingLevel = 1e-3;

/** −2 ln of the likelihood ratio by which a trend has to beat a mean that stays. */
const trendGain = 6;

/** Learns from the baseline's windows how a signal goes; undefined when it was never measured. */
export function toTrack(
  { kind, hits: unseen, wanders: wandering }: Pick<Signal, "kind" | "hits" | "wanders">,
  series: Series,
  options: { readonly windowMs: number; readonly seasonality: "auto" | "off" },
): Track | undefined {
  const count = series.values.length;
  if (count === 0) return undefined;
  const windows = Float64Array.from(series.windows);
  const mean = kind === "count" ? series.hits / Math.max(1, series.rows) : meanOf(series.values);
  const centred = Float64Array.from(series.values, (value) => value - mean);
  const error = kind === "count" ? countError(mean, series, count) : rootMeanSquare(series.errors);
  const season = options.seasonality === "auto" ? fitSeason(centred, windows, options.windowMs) : undefined;
  for (let t = 0; t < count; t++)
    centred[t] = (centred[t] as number) - seasonAt(season, middleOf(windows[t] as number, options.windowMs));
  const sd = Math.sqrt(squaresOf(centred) / Math.max(1, count - 1));
  const known = {
    windows: count,
    mean: rounded(mean),
    error: rounded(error),
    sd: rounded(sd),
    ...(season === undefined ? {} : { season, reach: rounded(reachOf(centred)) }),
    ...(kind === "count" ? { counts: countsOf(series, sd, error, unseen ?? 0) } : {}),
  };
  const memory = count < windowsMin ? none(sd) : fitAutoregression(centred, windows);
  const unseenCycle = wandering === true && !holdsCycles(windows, options.windowMs);
  const trend =
    unseenCycle || wanders(centred, windows, memory, season)
      ? fitTrend(centred, windows, unseenCycle ? { noise: error ** 2, level: wanderingLevel } : undefined)
      : undefined;
  if (trend !== undefined && (unseenCycle || isBetter(trend, memory, count))) {
    return {
      ...known,
      innovation: rounded(Math.sqrt(trend.noise)),
      memory: [],
      heavy: false,
      trend: roundedTrend(trend.trend),
    };
  }
  const left = leftOver(centred, windows, memory.coefficients);
  const heavy = isHeavy(left);
  const tail = heavy && kind === "number" ? tailOf(left, Math.sqrt(memory.variance)) : undefined;
  return {
    ...known,
    innovation: rounded(
      Math.sqrt(memory.variance * (count / Math.max(1, count - 1 - memory.coefficients.length))),
    ),
    memory: memory.coefficients.map(rounded),
    heavy,
    ...(tail === undefined ? {} : { tail: tail.map(rounded) }),
  };
}

/** Whether two days and two weeks are there. */
function holdsCycles(windows: Float64Array, windowMs: number): boolean {
  const [first, last] = [windows[0] as number, windows[windows.length - 1] as number];
  return missingCycles(first * windowMs, (last + 1) * windowMs).length === 0;
}

const none = (sd: number): Autoregression => ({ coefficients: [], variance: sd * sd });

/** Whether the means of stretches differ by more than windows that remember so much would make them. */
function wanders(
  values: Float64Array,
  windows: Float64Array,
  { coefficients, variance }: Autoregression,
  season: Season | undefined,
): boolean {
  const count = values.length;
  if (count < 2 * windowsMin || !(variance > 0)) return false;
  const remembered = coefficients.reduce((sum, a) => sum + a, 0);
  if (remembered > memoryMax) return true;
  const first = windows[0] as number;
  const span = (windows[count - 1] as number) - first + 1;
  const sums = new Float64Array(stretches);
  const counts = new Float64Array(stretches);
  for (let t = 0; t < count; t++) {
    const stretch = Math.min(
      stretches - 1,
      Math.floor((((windows[t] as number) - first) * stretches) / span),
    );
    sums[stretch] = (sums[stretch] as number) + (values[t] as number);
    counts[stretch] = (counts[stretch] as number) + 1;
  }
  const longRun = variance / (1 - Math.max(-1, remembered)) ** 2;
  let statistic = 0;
  for (let stretch = 0; stretch < stretches; stretch++) {
    const n = counts[stretch] as number;
    if (n > 0) statistic += (sums[stretch] as number) ** 2 / (n * longRun);
  }
  return statistic > wanderMax * (season === undefined ? 1 : 1.5) || leans(values, windows, variance);
}

/** A line through the whole baseline that is steeper than chance makes it, were windows independent. */
function leans(values: Float64Array, windows: Float64Array, variance: number): boolean {
  const middle = meanOf(Array.from(windows));
  let [cross, squares] = [0, 0];
  for (let t = 0; t < values.length; t++) {
    const d = (windows[t] as number) - middle;
    cross += d * (values[t] as number);
    squares += d * d;
  }
  return cross ** 2 > 16 * variance * squares;
}

/** Deviances over the same windows; a mean that stays is what is believed until a trend foretells clearly better. */
function isBetter({ deviance, noise }: FittedTrend, memory: Autoregression, count: number): boolean {
  const judged = count - 8;
  const staying = judged * Math.log(memory.variance) + memory.coefficients.length * Math.log(count);
  return noise > 0 && deviance + trendGain + Math.log(count) < staying;
}

function leftOver(values: Float64Array, windows: Float64Array, memory: readonly number[]): Float64Array {
  const order = memory.length;
  const left: number[] = [];
  for (let t = order; t < values.length; t++) {
    if ((windows[t] as number) - (windows[t - order] as number) !== order) continue;
    let x = values[t] as number;
    for (let k = 0; k < order; k++) x -= (memory[k] as number) * (values[t - 1 - k] as number);
    left.push(x);
  }
  return Float64Array.from(left);
}

/** Kurtosis above normal by 1 and three standard errors. */
function isHeavy(left: Float64Array): boolean {
  if (left.length < windowsMin) return true;
  let [squares, fourths] = [0, 0];
  for (const x of left) {
    squares += x * x;
    fourths += x ** 4;
  }
  if (squares === 0) return true;
  return (fourths * left.length) / squares ** 2 - 3 > 1 + 3 * Math.sqrt(24 / left.length);
}

function countsOf(
  { hits, rows, windows }: Series,
  sd: number,
  error: number,
  unseen: number,
): NonNullable<Track["counts"]> {
  const ratio = error > 0 ? (sd / error) ** 2 : 1;
  const chance = 1 + 2.5 * Math.sqrt(2 / Math.max(2, windows.length));
  return { hits: hits + unseen, rows, dispersion: ratio <= chance ? 1 : rounded(ratio) };
}

function countError(rate: number, { rows }: Series, count: number): number {
  const likely = Math.min(Math.max(rate, 0.5 / Math.max(1, rows)), 1 - 1e-6);
  return Math.sqrt((likely * (1 - likely)) / Math.max(1, rows / count));
}

function roundedTrend({ level, slope, covariance, window, levelNoise, slopeNoise }: Trend): Trend {
  const [a, b, c] = covariance;
  return {
    level: rounded(level),
    slope: rounded(slope),
    covariance: [rounded(a), rounded(b), rounded(c)],
    window,
    levelNoise: rounded(levelNoise),
    slopeNoise: rounded(slopeNoise),
  };
}

function reachOf(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function squaresOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
}
