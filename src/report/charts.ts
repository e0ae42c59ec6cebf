import { scaleLinear } from "d3-scale";
import { area, curveStep, line } from "d3-shape";
import type { JudgedWindow, VerdictStatus } from "../model/verdict.ts";
import { type Categories, countOf, top, total } from "../sketch/categories.ts";
import { bucketMiddle, buckets, type Histogram, quantile } from "../sketch/histogram.ts";
import { escapeHtml, number, percent } from "./html.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

const bins = 28;

/** Histogram of a window over that of the baseline, as shares, over the range that holds 99% of both. */
export function histogramOverlay(
  baseline: Histogram | undefined,
  current: Histogram | undefined,
  size: Size,
  name: string,
): string {
  const known = [baseline, current].filter((histogram) => histogram !== undefined && histogram.total > 0);
  if (known.length === 0) return "";
  const low = Math.min(...known.map((histogram) => quantile(histogram as Histogram, 0.005)));
  const high = Math.max(...known.map((histogram) => quantile(histogram as Histogram, 0.995)));
  const width = high > low ? high - low : 1;
  const shares = (histogram: Histogram): number[] => {
    const counts = new Array<number>(bins).fill(0);
    const { index, count } = buckets(histogram);
    for (let at = 0; at < index.length; at++) {
      const middle = bucketMiddle(histogram.frame, index[at] as number);
      const bin = Math.min(bins - 1, Math.max(0, Math.floor(((middle - low) / width) * bins)));
      counts[bin] = (counts[bin] as number) + (count[at] as number) / histogram.total;
    }
    return counts;
  };
  const [reference, seen] = [baseline, current].map((histogram) =>
    histogram === undefined || histogram.total === 0 ? [] : shares(histogram),
  );
  const x = scaleLinear([0, bins], [0, size.width]);
  const y = scaleLinear([0, Math.max(0.01, ...(reference ?? []), ...(seen ?? []))], [size.height - 1, 2]);
  const ends = (values: readonly number[]): readonly number[] => [...values, values.at(-1) ?? 0];
  const shape = area<number>(
    (_, bin) => x(bin),
    size.height - 1,
    (share) => y(share),
  ).curve(curveStep);
  const outline = line<number>(
    (_, bin) => x(bin),
    (share) => y(share),
  ).curve(curveStep);
  const title = `${name}: baseline and newest window from ${number(low)} to ${number(high)}`;
  return figure(
    size,
    title,
    `${reference === undefined || reference.length === 0 ? "" : `<path class="baseline" d="${shape(ends(reference)) ?? ""}"/>`}` +
      `${seen === undefined || seen.length === 0 ? "" : `<path class="current" d="${outline(ends(seen)) ?? ""}"/>`}`,
  );
}

/** The most frequent values, baseline behind the newest window; values that the mapping does not know are marked. */
export function categoryBars(
  baseline: Categories | undefined,
  current: Categories | undefined,
  knows: ((value: string) => boolean) | undefined,
  size: Size,
  name: string,
): string {
  const shareIn = (categories: Categories | undefined, value: string): number =>
    categories === undefined || total(categories) === 0 ? 0 : countOf(categories, value) / total(categories);
  const wanted = Math.max(1, Math.floor(size.height / 13));
  const candidates = new Set(
    [baseline, current].flatMap((some) =>
      some === undefined ? [] : top(some, wanted).map(({ value }) => value),
    ),
  );
  const rows = [...candidates]
    .map((value) => ({ value, before: shareIn(baseline, value), now: shareIn(current, value) }))
    .sort((a, b) => Math.max(b.now, b.before) - Math.max(a.now, a.before))
    .slice(0, wanted);
  if (rows.length === 0) return "";
  const labelWidth = Math.min(110, size.width * 0.45);
  const x = scaleLinear(
    [0, Math.max(0.01, ...rows.flatMap(({ before, now }) => [before, now]))],
    [0, size.width - labelWidth - 2],
  );
  const bars = rows.map(({ value, before, now }, row) => {
    const y = row * 13;
    const unknown = knows !== undefined && !knows(value);
    const label = value.length > 16 ? `${value.slice(0, 15)}…` : value;
    return (
      `<text class="${unknown ? "unknown" : "label"}" x="${labelWidth - 5}" y="${y + 10}" text-anchor="end">${escapeHtml(label)}</text>` +
      `<rect class="baseline" x="${labelWidth}" y="${y + 1}" width="${x(before).toFixed(1)}" height="11"/>` +
      `<rect class="${unknown ? "unknown" : "current"}" x="${labelWidth}" y="${y + 4}" width="${x(now).toFixed(1)}" height="5"/>`
    );
  });
  const first = rows[0];
  const title = `${name}: most frequent values${first === undefined ? "" : `, ${first.value} ${percent(first.now)}, was ${percent(first.before)}`}`;
  return figure({ width: size.width, height: rows.length * 13 }, title, bars.join(""));
}

/** A statistic's shift window by window, with the breaker's line. */
export function shiftLine(
  shifts: readonly (number | undefined)[],
  sigma: number,
  size: Size,
  name: string,
): string {
  const known = shifts.filter((shift) => shift !== undefined);
  if (known.length < 2) return "";
  const roof = Math.max(sigma * 1.6, Math.min(sigma * 5, Math.max(...known)) * 1.1);
  const x = scaleLinear([0, shifts.length - 1], [1, size.width - 1]);
  const y = scaleLinear([0, roof], [size.height - 2, 2]).clamp(true);
  const path = line<number | undefined>(
    (_, at) => x(at),
    (shift) => y(shift ?? 0),
  ).defined((shift) => shift !== undefined);
  const worst = Math.max(...known);
  return figure(
    size,
    `${name}: shift over ${shifts.length} windows, at most ${number(worst)} SD`,
    `<line class="limit" x1="0" x2="${size.width}" y1="${y(sigma).toFixed(1)}" y2="${y(sigma).toFixed(1)}"/><path class="shift" d="${path(shifts) ?? ""}"/>`,
  );
}

/** One cell a window, coloured by its status. */
export function windowStrip(
  windows: readonly (Pick<JudgedWindow, "window"> & { readonly status: VerdictStatus })[],
  size: Size,
): string {
  if (windows.length === 0) return "";
  const width = size.width / windows.length;
  const cells = windows.map(
    ({ status }, at) =>
      `<rect class="status-${status}" x="${(at * width).toFixed(2)}" y="0" width="${Math.max(0.6, width - (width > 4 ? 1 : 0)).toFixed(2)}" height="${size.height}"/>`,
  );
  const critical = windows.filter(({ status }) => status === "critical").length;
  return figure(size, `${windows.length} windows, ${critical} of them critical`, cells.join(""));
}

function figure({ width, height }: Size, title: string, content: string): string {
  return `<svg role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-label="${escapeHtml(title)}"><title>${escapeHtml(title)}</title>${content}</svg>`;
}
