import { scaleLinear } from "d3-scale";
import { area, curveStepAfter, line } from "d3-shape";
import type { FieldSpec } from "../model/feature-view.ts";
import type { BoolBody, EmbeddingBody, FieldProfile, NumericBody, StringBody } from "../profile/profile.ts";
import { countOf, top, total } from "../sketch/categories.ts";
import { bucketBounds, buckets, type Histogram, quantile } from "../sketch/histogram.ts";
import { boxes, figure, label, px, rect, rule, type Size, uprights } from "./figure.ts";
import { number, percent, when } from "./html.ts";

const bins = 32;
const groupsMax = 64;
const rowHeight = 14;
const axisHeight = 15;
/** Of a value in a text alternative; the numbers beside the picture have it whole. */
const toldLetters = 30;

export interface Picture {
  readonly size: Size;
  /** With a scale below, for large pictures. */
  readonly axis: boolean;
}

/** What a field looked like and what it looks like: the baseline in grey, the window in front of it. Empty when nothing is known. */
export function distributionChart(
  field: FieldSpec,
  baseline: FieldProfile | undefined,
  current: FieldProfile | undefined,
  picture: Picture,
): string {
  const [before, now] = [baseline?.body, current?.body];
  const kind = now?.kind ?? before?.kind;
  const is = <K extends FieldProfile["body"]["kind"]>(body: FieldProfile["body"] | undefined, wanted: K) =>
    body?.kind === wanted ? (body as Extract<FieldProfile["body"], { kind: K }>) : undefined;
  switch (kind) {
    case "numeric":
      return histogramChart(field, is(before, kind), is(now, kind), picture);
    case "string": {
      const rows = categoryRows(field, is(before, kind), is(now, kind), rowsIn(picture));
      return barChart(`most frequent values of ${field.name}`, rows, picture);
    }
    case "bool":
      return barChart(field.name, boolRows(is(before, kind), is(now, kind)), picture);
    case "embedding":
      return dimensionChart(field, is(before, kind), is(now, kind), picture);
    case undefined:
      return "";
  }
}

/** Shares per bin, over the range that holds 99% of either. */
function histogramChart(
  { name, type }: FieldSpec,
  baseline: NumericBody | undefined,
  current: NumericBody | undefined,
  { size, axis }: Picture,
): string {
  const filled = [baseline, current].map((body) => (body?.histogram.total === 0 ? undefined : body));
  const drawn = filled.map((body) => body?.histogram);
  const known = filled.filter((body) => body !== undefined);
  if (known.length === 0) return "";
  const low = Math.min(...known.map((body) => within(body, quantile(body.histogram, 0.005))));
  const high = Math.max(...known.map((body) => within(body, quantile(body.histogram, 0.995))));
  const floor = size.height - (axis ? axisHeight : 1);
  const range: [number, number] = high > low ? [low, high] : [low - 0.5, low + 0.5];
  const x = scaleLinear([0, bins], [0, size.width]);
  const [before, now] = drawn.map((histogram) =>
    histogram === undefined ? undefined : sharesOf(histogram, range),
  );
  const y = scaleLinear([0, Math.max(0.01, ...(before ?? []), ...(now ?? []))], [floor, 2]);
  const ends = (shares: readonly number[]): readonly number[] => [...shares, shares.at(-1) ?? 0];
  const shape = area<number>(
    (_, bin) => x(bin),
    floor,
    (share) => y(share),
  )
    .curve(curveStepAfter)
    .digits(1);
  const outline = line<number>(
    (_, bin) => x(bin),
    (share) => y(share),
  )
    .curve(curveStepAfter)
    .digits(1);
  const text = type === "timestamp" ? when : number;
  const parts = [
    before === undefined ? "" : `<path class="baseline" d="${shape(ends(before)) ?? ""}"/>`,
    now === undefined ? "" : `<path class="current" d="${outline(ends(now)) ?? ""}"/>`,
  ];
  if (axis) {
    parts.push(
      rule("axis", 0, floor, size.width, floor),
      label(text(range[0]), 0, size.height - 2),
      label(text(range[1]), size.width, size.height - 2, "end"),
    );
  }
  const medians = drawn.map((histogram) =>
    histogram === undefined ? "unknown" : text(quantile(histogram, 0.5)),
  );
  return figure(size, `${name}: median ${medians[1]}, baseline ${medians[0]}`, parts.join(""));
}

/** A sketch may overshoot the extremes by its error; the extremes themselves are exact. */
function within({ moments }: NumericBody, value: number): number {
  return Math.min(Math.max(value, moments.min), moments.max);
}

/** Counts of buckets dealt to equal bins by overlap; what lies outside counts in the outermost bin. */
function sharesOf(histogram: Histogram, [low, high]: readonly [number, number]): number[] {
  const shares = new Array<number>(bins).fill(0);
  const { index, count } = buckets(histogram);
  const place = (value: number): number => Math.min(bins, Math.max(0, ((value - low) / (high - low)) * bins));
  for (let at = 0; at < index.length; at++) {
    const bounds = bucketBounds(histogram.frame, index[at] as number);
    const [from, to] = [place(bounds[0]), place(bounds[1])];
    const share = (count[at] as number) / histogram.total;
    const first = Math.min(bins - 1, Math.floor(from));
    if (to - from < 1e-9) {
      shares[first] = (shares[first] as number) + share;
      continue;
    }
    for (let bin = first; bin < to && bin < bins; bin++) {
      const overlap = Math.min(to, bin + 1) - Math.max(from, bin);
      shares[bin] = (shares[bin] as number) + (share * overlap) / (to - from);
    }
  }
  return shares;
}

export interface BarRow {
  readonly value: string;
  /** Share in the baseline; undefined when there is none. */
  readonly before: number | undefined;
  readonly now: number | undefined;
  /** Outside the model's mapping: a default case. */
  readonly unknown: boolean;
}

/** The most frequent values of either, the larger share first. */
export function categoryRows(
  field: FieldSpec,
  baseline: StringBody | undefined,
  current: StringBody | undefined,
  rows: number,
): readonly BarRow[] {
  const isDefaultCase = defaultCases(field, [baseline, current]);
  const shareIn = (body: StringBody | undefined, value: string): number | undefined =>
    body === undefined || total(body.categories) === 0
      ? undefined
      : countOf(body.categories, value) / total(body.categories);
  const values = new Set(
    [baseline, current].flatMap((body) =>
      body === undefined ? [] : top(body.categories, rows).map(({ value }) => value),
    ),
  );
  const share = ({ before, now }: BarRow): number => Math.max(before ?? 0, now ?? 0);
  return [...values]
    .map((value) => ({
      value,
      before: shareIn(baseline, value),
      now: shareIn(current, value),
      unknown: isDefaultCase(value),
    }))
    .sort((a, b) => share(b) - share(a))
    .slice(0, rows);
}

/** Tells the values that the model does not know; of a redacted field, by what was counted: what stands for them is in no mapping. */
export function defaultCases(
  { mapping, redact }: FieldSpec,
  bodies: readonly (StringBody | undefined)[],
): (value: string) => boolean {
  if (mapping === undefined) return () => false;
  if (redact === true)
    return (value) => bodies.some((body) => body !== undefined && countOf(body.unknowns, value) > 0);
  const known = new Set(mapping.values);
  return (value) => !known.has(value);
}

function boolRows(baseline: BoolBody | undefined, current: BoolBody | undefined): readonly BarRow[] {
  const share = (body: BoolBody | undefined, of: "trues" | "falses"): number | undefined =>
    body === undefined || body.trues + body.falses === 0 ? undefined : body[of] / (body.trues + body.falses);
  return (["trues", "falses"] as const).map((of) => ({
    value: of === "trues" ? "true" : "false",
    before: share(baseline, of),
    now: share(current, of),
    unknown: false,
  }));
}

function rowsIn({ size }: Picture): number {
  return Math.max(1, Math.floor(size.height / rowHeight));
}

/** A bar a value; values that the model does not know are red and crossed out with ✕. */
function barChart(what: string, rows: readonly BarRow[], { size }: Picture): string {
  const [first] = rows;
  if (first === undefined) return "";
  const labelWidth = Math.min(130, size.width * 0.42);
  const right = size.width - 34;
  const letters = Math.floor(labelWidth / 6.4);
  const largest = Math.max(0.01, ...rows.flatMap(({ before, now }) => [before ?? 0, now ?? 0]));
  const x = scaleLinear([0, largest], [0, right - labelWidth]);
  const bars = rows.map(({ value, before, now, unknown }, row) => {
    const y = row * rowHeight;
    const shown = `${unknown ? "✕ " : ""}${value}`;
    return [
      label(cutTo(letters, shown), labelWidth - 5, y + 11, "end", unknown ? "unknown" : "label"),
      before === undefined ? "" : rect("baseline", labelWidth, y + 1.5, x(before), rowHeight - 3),
      now === undefined
        ? ""
        : rect(unknown ? "unknown" : "current", labelWidth, y + 5, x(now), rowHeight - 10),
      now === undefined ? "" : label(percent(now), size.width, y + 11, "end"),
    ].join("");
  });
  const told = rows
    .map(({ value, before, now, unknown }) => {
      const was = before === undefined ? "" : `, was ${percent(before)}`;
      return `${cutTo(toldLetters, value)}${unknown ? " (not in the mapping)" : ""} ${percent(now ?? 0)}${was}`;
    })
    .join("; ");
  return figure({ width: size.width, height: rows.length * rowHeight }, `${what}: ${told}`, bars.join(""));
}

/** Never in the middle of a character. */
function cutTo(letters: number, text: string): string {
  return text.length <= letters ? text : `${text.slice(0, letters - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

interface Dimension {
  readonly mean: number;
  readonly sd: number;
}

/** Mean ± SD of every dimension; more than 64 are drawn as the means of neighbours. */
function dimensionChart(
  { name }: FieldSpec,
  baseline: EmbeddingBody | undefined,
  current: EmbeddingBody | undefined,
  { size, axis }: Picture,
): string {
  const [before, now] = [dimensionsOf(baseline), dimensionsOf(current)];
  const all = [...before, ...now];
  if (all.length === 0) return "";
  const left = axis ? 42 : 0;
  const y = scaleLinear(
    [Math.min(...all.map(({ mean, sd }) => mean - sd)), Math.max(...all.map(({ mean, sd }) => mean + sd))],
    [size.height - 3, 3],
  );
  const step = (size.width - left) / Math.max(before.length, now.length);
  const at = (dimension: number): number => left + dimension * step;
  const bands = boxes(
    "baseline",
    before.map(({ mean, sd }, dimension) => ({
      x: at(dimension),
      y: y(mean + sd) - 0.5,
      width: Math.max(1, step - 1),
      height: y(mean - sd) - y(mean + sd) + 1,
    })),
  );
  const middle = (dimension: number): number => at(dimension) + step / 2;
  const reach = uprights(
    "current",
    now.map(({ mean, sd }, dimension) => ({ x: middle(dimension), from: y(mean - sd), to: y(mean + sd) })),
  );
  const means = now.map(
    ({ mean }, dimension) =>
      `<circle class="current" cx="${px(middle(dimension))}" cy="${px(y(mean))}" r="2"/>`,
  );
  const scale = axis
    ? [
        label(number(y.domain()[1] ?? 0), left - 5, 11, "end"),
        label(number(y.domain()[0] ?? 0), left - 5, size.height - 3, "end"),
      ]
    : [];
  const centre = (dimensions: readonly Dimension[]): string =>
    dimensions.length === 0
      ? "unknown"
      : number(dimensions.reduce((sum, { mean }) => sum + mean, 0) / dimensions.length);
  const told = `${name}: mean over dimensions ${centre(now)}, baseline ${centre(before)}`;
  return figure(size, told, [bands, reach, ...means, ...scale].join(""));
}

function dimensionsOf(body: EmbeddingBody | undefined): readonly Dimension[] {
  if (body === undefined || body.vectors === 0) return [];
  const each = Array.from(body.means, (mean, at) => ({
    mean,
    sd: Math.sqrt((body.m2s[at] as number) / Math.max(1, body.vectors - 1)),
  }));
  const size = Math.ceil(each.length / groupsMax);
  if (size <= 1) return each;
  return Array.from({ length: Math.ceil(each.length / size) }, (_, group) => {
    const part = each.slice(group * size, (group + 1) * size);
    const average = (of: keyof Dimension): number =>
      part.reduce((sum, dimension) => sum + dimension[of], 0) / part.length;
    return { mean: average("mean"), sd: average("sd") };
  });
}
