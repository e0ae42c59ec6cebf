import { scaleSymlog } from "d3-scale";
import { area, line } from "d3-shape";
import type { EmbeddingBody, FieldProfile } from "../profile/profile.ts";
import { deviation, type Moments } from "../sketch/moments.ts";
import type { Course } from "./course.ts";
import type { Series } from "./field-findings.ts";
import { figure, label, rect, type Size } from "./figure.ts";
import { count, number, when } from "./html.ts";
import { backdrop, plotOf, thinned, timeAxis, timeScale } from "./plot.ts";

/** Standard deviations of one vector's length around the mean that count as usual. */
const usual = 2;
const tickHeight = 6;

export interface NormLine {
  readonly name: string;
  readonly norms: Series<Moments>;
  /** NaN and infinities. */
  readonly nonFinite: Series<number> | undefined;
  readonly baseline: FieldProfile | undefined;
}

/** The mean length of an embedding's vectors, window by window, before the band of two standard deviations that the baseline has. */
export function normLine(course: Course, { name, norms, nonFinite, baseline }: NormLine, size: Size): string {
  const points = course.cells.flatMap(({ window }, at) => {
    const cell = norms[at];
    return cell === undefined ? [] : [{ time: (window.start + window.end) / 2, y: cell.mean, at }];
  });
  if (points.length === 0) return "";
  const usualRange = rangeOf(baseline?.body.kind === "embedding" ? baseline.body : undefined);
  const { left, right, roof, floor } = plotOf(size);
  const x = timeScale(course.cells, left, right);
  const lowest = Math.min(...points.map(({ y }) => y));
  const peak = points.reduce((a, b) => (b.y > a.y ? b : a));
  const top = Math.max(peak.y, usualRange?.[1] ?? 0);
  const scale = scaleSymlog([0, top], [floor, roof + 2]).constant(
    Math.max(usualRange?.[1] ?? lowest, top / 1e6, 1e-300),
  );
  const band =
    usualRange === undefined
      ? ""
      : rect(
          "baseline",
          left,
          scale(usualRange[1]),
          right - left,
          scale(Math.max(0, usualRange[0])) - scale(usualRange[1]),
        );
  const shown = thinned(points, (right - left) / 2);
  const around = area<(typeof points)[number]>(
    ({ time }) => x(time),
    ({ at }) => scale(Math.max(0, edge(norms[at], -usual))),
    ({ at }) => scale(Math.min(top, edge(norms[at], usual))),
  ).digits(1);
  const middle = line<(typeof points)[number]>(
    ({ time }) => x(time),
    ({ y }) => scale(y),
  ).digits(1);
  const broken = course.cells.flatMap(({ window }, at) =>
    (nonFinite?.[at] ?? 0) > 0
      ? [
          rect(
            "unknown",
            x(window.start),
            floor - tickHeight,
            Math.max(1, x(window.end) - x(window.start)),
            tickHeight,
          ),
        ]
      : [],
  );
  const total = (nonFinite ?? []).reduce<number>((sum, each) => sum + (each ?? 0), 0);
  const parts = [
    backdrop(course, x, roof, floor),
    band,
    `<path class="around" d="${around(shown) ?? ""}"/><path class="current" d="${middle(shown) ?? ""}"/>`,
    ...broken,
    label(number(top), left - 4, roof + 8, "end"),
    label("0", left - 4, floor, "end"),
    timeAxis(x, [left, right], floor),
  ];
  const was =
    usualRange === undefined
      ? "unknown"
      : `${number(Math.max(0, usualRange[0]))} to ${number(usualRange[1])}`;
  const told = `length of ${name}, ${points.length} points in time: mean from ${number(lowest)} to ${number(peak.y)} at ${when(peak.time)}; two standard deviations of the baseline are ${was}; ${count(total)} vectors with NaN or infinity`;
  return figure(size, told, parts.join(""));
}

function rangeOf(body: EmbeddingBody | undefined): readonly [number, number] | undefined {
  if (body === undefined || body.norms.count === 0) return undefined;
  return [edge(body.norms, -usual), edge(body.norms, usual)];
}

function edge(moments: Moments | undefined, deviations: number): number {
  return moments === undefined ? 0 : moments.mean + deviations * (deviation(moments) || 0);
}
