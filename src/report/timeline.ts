import { scaleSymlog, scaleUtc } from "d3-scale";
import { line } from "d3-shape";
import type { EventTime, Window } from "../model/time.ts";
import type { BreakerTransition, VerdictStatus } from "../model/verdict.ts";
import { figure, label, px, rect, rule, type Size } from "./figure.ts";
import { number, when } from "./html.ts";

const axisHeight = 15;
/** Pixels that a time needs below an axis. */
const tickWidth = 90;

export interface StripCell {
  readonly window: Window;
  readonly status: VerdictStatus;
}

/** Status is told by height as well as by colour. */
const heights: Readonly<Record<VerdictStatus, number>> = {
  insufficient: 0.25,
  ok: 0.45,
  warning: 0.75,
  critical: 1,
};

/** One cell a window, in its place in time: a gap is time without data. Marks stand where the breaker moved. */
export function windowStrip(
  cells: readonly StripCell[],
  transitions: readonly Pick<BreakerTransition, "time" | "to">[],
  { width, height }: Size,
): string {
  const [first, last] = [cells[0], cells.at(-1)];
  if (first === undefined || last === undefined) return "";
  const x = scaleUtc([first.window.start, last.window.end], [0, width]);
  const [roof, floor] = [9, height - axisHeight];
  const bars = cells.map(({ window, status }) => {
    const from = x(window.start);
    const whole = x(window.end) - from;
    const tall = (floor - roof) * heights[status];
    return rect(`status-${status}`, from, floor - tall, Math.max(0.7, whole - (whole > 4 ? 1 : 0)), tall);
  });
  const marks = transitions
    .filter(({ time }) => time >= first.window.start && time <= last.window.end)
    .map(({ time, to }) => {
      const at = x(time);
      const shape = `M${px(at - 4)} 1H${px(at + 4)}L${px(at)} 8Z`;
      return `${rule(`mark ${to}`, at, 6, at, floor)}<path class="mark ${to}" d="${shape}"><title>${to} ${when(time)}</title></path>`;
    });
  const critical = cells.filter(({ status }) => status === "critical").length;
  const moved = transitions.map(({ time, to }) => `${to} at ${when(time)}`).join(", ");
  const told = `${cells.length} windows from ${when(first.window.start)} to ${when(last.window.end)}, ${critical} of them critical${moved === "" ? "" : `; breaker ${moved}`}`;
  const axis = timeAxis(x, width, floor, height);
  return figure({ width, height }, told, bars.join("") + marks.join("") + axis);
}

type TimeScale = ReturnType<typeof scaleUtc<number>>;

function timeAxis(x: TimeScale, width: number, floor: number, height: number): string {
  const ticks = x.ticks(Math.max(2, Math.floor(width / tickWidth)));
  let taken = Number.NEGATIVE_INFINITY;
  const texts = ticks.map((tick) => {
    const at = x(tick);
    const midnight = tick.getTime() % 86_400_000 === 0;
    const text = midnight ? when(tick.getTime()).replace(" 00:00", "") : tick.toISOString().slice(11, 16);
    const room = text.length * 6;
    const left = Math.min(Math.max(at - room / 2, 0), width - room);
    const mark = rule("axis", at, floor, at, floor + 3);
    if (left < taken + 6) return mark;
    taken = left + room;
    return mark + label(text, left + room / 2, height - 2, "middle");
  });
  return rule("axis", 0, floor, width, floor) + texts.join("");
}

export interface ShiftPoint {
  /** Start of its window. */
  readonly time: EventTime;
  /** In standard deviations; undefined where nothing could be told. */
  readonly shift: number | undefined;
}

export interface ShiftLineOptions {
  readonly name: string;
  /** The breaker's line. */
  readonly sigma: number;
  readonly size: Size;
  /** With times below and distances at the side, for large pictures. */
  readonly axis: boolean;
}

/** A field's worst shift, window by window, with the breaker's line. Even below it, logarithmic above: 2 and 2,000 both show. */
export function shiftLine(points: readonly ShiftPoint[], options: ShiftLineOptions): string {
  const { name, sigma, size, axis } = options;
  const known = points.map(({ shift }) => shift).filter((shift) => shift !== undefined);
  const [first, last] = [points[0], points.at(-1)];
  if (known.length < 2 || first === undefined || last === undefined) return "";
  const worst = known.reduce((a, b) => Math.max(a, b));
  const left = axis ? 34 : 0;
  const floor = size.height - (axis ? axisHeight : 2);
  const roof = Math.max(sigma * 2, Math.min(worst, 9_999));
  const x = scaleUtc([first.time, last.time], [left + 1, size.width - 1]);
  const y = scaleSymlog([0, roof], [floor, 3]).constant(sigma).clamp(true);
  const path = line<ShiftPoint>(
    ({ time }) => x(time),
    ({ shift }) => y(shift ?? 0),
  )
    .defined(({ shift }) => shift !== undefined)
    .digits(1);
  const at = y(sigma);
  const parts = [
    axis ? rect("over", left, 0, size.width - left, at) : "",
    rule("limit", left, at, size.width, at),
    `<path class="shift" d="${path(points) ?? ""}"/>`,
  ];
  if (axis) {
    parts.push(label(`${number(sigma)} SD`, left - 4, at + 4, "end", "limit"));
    if (at > 26) parts.push(label(number(roof), left - 4, 11, "end"));
    parts.push(timeAxis(x, size.width, floor, size.height));
  }
  const over = known.filter((shift) => shift >= sigma).length;
  const told = `${name}: shift over ${points.length} windows, at most ${number(worst)} SD, in ${over} at or beyond ${number(sigma)} SD`;
  return figure(size, told, parts.join(""));
}

/** How far one window is from the baseline, against the breaker's line. */
export function shiftBar(shift: number, sigma: number, { width, height }: Size): string {
  const x = scaleSymlog([0, sigma * 40], [0, width])
    .constant(sigma)
    .clamp(true);
  const name = shift >= sigma ? "far" : "near";
  return figure(
    { width, height },
    `${number(shift)} SD, the line is ${number(sigma)} SD`,
    rect("track", 0, 3, width, height - 6) +
      rect(name, 0, 3, x(shift), height - 6) +
      rule("limit", x(sigma), 0, x(sigma), height),
  );
}
