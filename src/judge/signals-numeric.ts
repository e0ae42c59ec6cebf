import type { FieldProfile, NumericBody } from "../profile/profile.ts";
import { estimateDistinct } from "../sketch/distinct.ts";
import { cdf, type Frame, quantile } from "../sketch/histogram.ts";
import { type ScoreTable, scoreMoments, scoreTable } from "./scores.ts";
import { createBins, tiltedMisfit } from "./shape.ts";
import type { Signal } from "./signal.ts";
import { percent, short } from "./statistic.ts";

/** Rows a window below which shapes are not compared. */
const rowsMin = 40;

/** A field whose rows differ this often in the whole baseline is continuous: then they have to differ. */
const distinctMin = 0.5;

/** Beyond this mean score most values are out of the baseline's sight, and their scores all alike. */
const saturated = 2;

/** ln(SD ratio) below this says "no spread at all". */
const narrowest = -4;

/** Fewer rows a window than this are samples of a metric: each is its own news. */
const sampledRows = 3;

/** Rows a window that lie in both tails of the baseline together, and the shares that this may be. */
const tailRows = 1;
const tailShare = { least: 1e-4, most: 0.01 };

/** A side is a tail when it is so many interquartile ranges long: a normal one has 2.4 at one row in 2,000, 1.9 at one in 200. */
const tailWidths = 1.8;

/** A median is a place where so few equal values stand at it; else it jumps. */
const medianShareMax = 0.05;

/** Widths from the median beyond which further ones add nothing. */
const levelMax = 30;

/** Interquartile range of a standard normal. */
const iqrOfNormal = 1.349;

/** What is followed of a field of numbers: where they lie, how wide, in which shape, and whether they differ. */
export function numericSignals(
  name: string,
  reference: FieldProfile,
  rowsPerWindow: number,
): readonly Signal[] {
  const { body } = reference;
  if (body.kind !== "numeric") return [];
  const table = scoreTable(body.histogram);
  if (table === undefined || !(table.sd > 1e-6)) return [];
  if (rowsPerWindow < sampledRows) return [level(name, body.histogram.frame)];
  const { count, m2 } = body.moments;
  const signals: Signal[] = [location(name, table, Math.sqrt(m2 / Math.max(1, count - 1)))];
  if (rowsPerWindow < rowsMin) return signals;
  signals.push(spread(name, table));
  const bins = createBins(table, rowsPerWindow);
  if (bins !== undefined) {
    signals.push({
      name: "shape",
      statistic: "shape",
      score: true,
      weight: 2,
      kind: "number",
      sides: "up",
      unit: 1,
      read(seen) {
        const { body: own } = seen.profile;
        if (own.kind !== "numeric" || own.moments.count < rowsMin) return undefined;
        const misfit = tiltedMisfit(bins, own.histogram, seen.buckets());
        return misfit === undefined ? undefined : { value: misfit, error: 1, rows: own.moments.count };
      },
      say: (observed) =>
        `values of ${name} are distributed differently, beyond place and width (${short(observed)} standard errors)`,
    });
  }
  signals.push(...tails(name, body, rowsPerWindow));
  if (estimateDistinct(body.distinct) > distinctMin * body.moments.count) {
    signals.push({
      name: "distinct",
      statistic: "distinct",
      weight: 1,
      kind: "number",
      sides: "both",
      unit: 0.1,
      read({ profile: { body: own } }) {
        if (own.kind !== "numeric" || own.moments.count < rowsMin) return undefined;
        const share = estimateDistinct(own.distinct) / own.moments.count;
        return { value: Math.log(share), error: 0.016, rows: own.moments.count };
      },
      say: (observed, expected) =>
        `${percent(Math.min(1, Math.exp(observed)))} of ${name} are different values, ${percent(Math.min(1, Math.exp(expected)))} are usual`,
    });
  }
  return signals;
}

/**
 * Rows far out, further than all but one row of a usual window: scores and shapes are blind to how far "far" is, so that five values
 * of a thousand may be fifty times too large without them. Measured from the window's own median, because a field that moves
 * through its day takes its tails along. A short side (of prices, below) has no tail: it ends near where most values are.
 */
function tails(name: string, body: NumericBody, rowsPerWindow: number): readonly Signal[] {
  const { histogram, moments } = body;
  const share = Math.min(tailShare.most, Math.max(tailShare.least, tailRows / rowsPerWindow));
  const at = (q: number): number => quantile(histogram, q, moments);
  const [middle, width] = [at(0.5), at(0.75) - at(0.25)];
  const [low, high] = [at(share / 2), at(1 - share / 2)];
  const nearby = width * 1e-9;
  const atMedian = cdf(histogram, middle + nearby, moments) - cdf(histogram, middle - nearby, moments);
  const [hasLow, hasHigh] = [middle - low, high - middle].map((length) => length > tailWidths * width);
  if (!(width > 0) || atMedian > medianShareMax || !(hasLow || hasHigh)) return [];
  return [
    {
      name: "tails",
      statistic: "tails",
      weight: 1,
      kind: "count",
      sides: "up",
      unit: 0.01,
      read({ profile: { body: own } }) {
        if (own.kind !== "numeric" || own.histogram.total < rowsMin) return undefined;
        const moved = quantile(own.histogram, 0.5, own.moments) - middle;
        const below = hasLow ? cdf(own.histogram, low + moved, own.moments) : 0;
        const above = hasHigh ? 1 - cdf(own.histogram, high + moved, own.moments) : 0;
        return { value: Math.min(1, below + above), error: 0, rows: own.histogram.total };
      },
      say: (observed, expected) =>
        `${percent(observed)} of ${name} lie further out than ${percent(expected)} usually do`,
    },
  ];
}

function location(name: string, table: ScoreTable, sd: number): Signal {
  return {
    name: "location",
    statistic: "location",
    weight: 4,
    kind: "number",
    sides: "both",
    unit: 1,
    scale: sd,
    read(seen) {
      const scores = scoreMoments(table, seen);
      if (scores === undefined) return undefined;
      return { value: scores.mean, error: table.sd / Math.sqrt(scores.count), rows: scores.count };
    },
    say: (observed, expected) =>
      `${name} lies ${short(Math.abs(observed - expected))} standard deviations ${observed < expected ? "below" : "above"} what is usual`,
  };
}

/**
 * The level of a metric that is sampled once or so a window: the mean itself, from the baseline's median, in its own width. A
 * score would saturate here: the largest of 200 values has a score of 2.8, and so has one ten times as large.
 */
function level(name: string, { centre, scale }: Frame): Signal {
  const deviation = scale / iqrOfNormal;
  return {
    name: "level",
    statistic: "location",
    weight: 1,
    kind: "number",
    sides: "both",
    unit: 1,
    scale: deviation,
    read({ profile: { body } }) {
      if (body.kind !== "numeric" || body.moments.count === 0) return undefined;
      const value = (body.moments.mean - centre) / deviation;
      return { value: Math.max(-levelMax, Math.min(levelMax, value)), error: 0, rows: body.moments.count };
    },
    say: (observed, expected) =>
      `${name} is ${short(centre + observed * deviation)}, where ${short(centre + expected * deviation)} is usual`,
  };
}

function spread(name: string, table: ScoreTable): Signal {
  return {
    name: "spread",
    statistic: "spread",
    weight: 2,
    kind: "number",
    sides: "both",
    unit: 0.5,
    read(seen) {
      const scores = scoreMoments(table, seen);
      if (scores === undefined || scores.count < rowsMin || Math.abs(scores.mean) > saturated)
        return undefined;
      const value = Math.max(narrowest, Math.log(Math.sqrt(scores.variance) / table.sd));
      return { value, error: 1 / Math.sqrt(2 * scores.count), rows: scores.count };
    },
    say: (observed, expected) =>
      `${name} spreads ${short(Math.exp(observed - expected))} times as widely as usual`,
  };
}
