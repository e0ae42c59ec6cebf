import { scaleSymlog } from "d3-scale";
import { line } from "d3-shape";
import type { Alert, VerdictStatus } from "../model/verdict.ts";
import { type Course, coarser, runsOf, troubles } from "./course.ts";
import type { Series } from "./field-findings.ts";
import { boxes, figure, label, rect, rule, type Size } from "./figure.ts";
import { count, number, shiftText, when } from "./html.ts";
import { backdrop, plotOf, pointer, type TimeScale, thinned, timeAxis, timeScale } from "./plot.ts";

/** Stretches of trouble that the text alternative names. */
const runsTold = 4;
/** Pixels of one column of the bars on the floor. */
const columnWidth = 3;
const rugOrder = ["warning", "critical"] as const;
const rugHeight = { critical: 6, warning: 3 } as const;

export interface StatisticLine {
  /** `default_rate of user_location`. */
  readonly name: string;
  readonly shifts: Series<number>;
  readonly statuses: Series<VerdictStatus>;
  /** The breaker's line. */
  readonly sigma: number;
  /** When alerts of it began to fire. */
  readonly alerts: readonly Pick<Alert, "time" | "severity">[];
}

/**
 * One statistic's distance from the baseline, window by window, even below the breaker's line and logarithmic above: 2 and 2,000 both
 * show. Behind it where the breaker was open, on top where the statistic was critical or warned.
 */
export function statisticLine(course: Course, statistic: StatisticLine, size: Size): string {
  const { shifts, statuses, sigma, alerts } = statistic;
  const { cells } = course;
  const known = shifts.filter((shift) => shift !== undefined);
  if (known.length === 0) return "";
  const worst = known.reduce((a, b) => Math.max(a, b));
  const { left, right, roof, floor } = plotOf(size);
  const x = timeScale(course.cells, left, right);
  const top = Math.max(sigma * 2, Math.min(worst, 9_999));
  const y = scaleSymlog([0, top], [floor, roof + 2])
    .constant(sigma)
    .clamp(true);
  const points = cells.map(({ window }, at) => ({
    x: x((window.start + window.end) / 2),
    y: shifts[at],
    alone: shifts[at - 1] === undefined && shifts[at + 1] === undefined,
  }));
  const path = line<(typeof points)[number]>(
    (point) => point.x,
    (point) => y(point.y ?? 0),
  )
    .defined((point) => point.y !== undefined)
    .digits(1);
  const alone = points.filter((point) => point.alone && point.y !== undefined);
  const dots = alone.map((point) => rect("dot", point.x - 1, y(point.y ?? 0) - 1, 2, 2));
  const limit = y(sigma);
  const parts = [
    backdrop(course, x, roof, floor),
    rug(course, statuses, x, floor),
    rule("limit", left, limit, right, limit),
    `<path class="shift" d="${path(thinned(points, (right - left) / 2)) ?? ""}"/>`,
    ...dots,
    ...alerts.map(({ time, severity }) => pointer(severity, x(time), roof - 7, `alert ${when(time)}`)),
    label(`${number(sigma)} SD`, left - 4, limit + 4, "end", "limit"),
    limit - roof > 16 ? label(number(top), left - 4, roof + 6, "end") : "",
    timeAxis(x, [left, right], floor),
  ];
  return figure(size, toldOf(course, statistic, worst), parts.join(""));
}

/** Where it was critical (tall) or warned (low), along the floor. */
function rug({ cells }: Course, statuses: Series<VerdictStatus>, x: TimeScale, floor: number): string {
  const [left = 0, right = 0] = x.range();
  const shown = coarser(cells, troubles(statuses), (right - left) / columnWidth, rugOrder);
  const runs = runsOf(shown.cells, shown.kinds);
  return rugOrder
    .map((kind) => {
      const height = rugHeight[kind];
      const own = runs.filter((run) => run.kind === kind);
      return boxes(
        `status-${kind}`,
        own.map(({ start, end }) => ({
          x: x(start),
          y: floor - height,
          width: Math.max(1, x(end) - x(start)),
          height,
        })),
      );
    })
    .join("");
}

function toldOf({ cells }: Course, { name, shifts, statuses, sigma }: StatisticLine, worst: number): string {
  const over = shifts.filter((shift) => shift !== undefined && shift >= sigma).length;
  const peak = cells[shifts.indexOf(worst)]?.window.start;
  const runs = runsOf(cells, troubles(statuses));
  const told = runs
    .slice(0, runsTold)
    .map(({ start, end, kind }) => `${kind} from ${when(start)} to ${when(end)}`);
  if (runs.length > told.length) told.push(`and ${runs.length - told.length} more times`);
  const at = peak === undefined ? "" : ` at ${when(peak)}`;
  return [
    `${name}, ${count(cells.length)} points in time: at most ${shiftText(worst)}${at}, in ${over} at or beyond ${number(sigma)} SD`,
    ...told,
  ].join("; ");
}
