import { scaleSymlog, scaleUtc } from "d3-scale";
import { line } from "d3-shape";
import type { EventTime, Window } from "../model/time.ts";
import type { BreakerTransition, VerdictStatus } from "../model/verdict.ts";
import { coarser, type NamedEvent, runsOf } from "./course.ts";
import { figure, ornament, rect, rule, type Size } from "./figure.ts";
import { number, when } from "./html.ts";
import { axisHeight, eventMarks, pointer, timeAxis, timeScale } from "./plot.ts";

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

/** The worse status is shown where there is no room for all. */
const strip: readonly VerdictStatus[] = ["insufficient", "ok", "warning", "critical"];

/** One cell a window, in its place in time: a gap is time without data. Marks stand where the breaker moved, letters where something happened. */
export function windowStrip(
  cells: readonly StripCell[],
  transitions: readonly Pick<BreakerTransition, "time" | "to">[],
  { width, height }: Size,
  events: readonly NamedEvent[] = [],
): string {
  const [first, last] = [cells[0], cells.at(-1)];
  if (first === undefined || last === undefined) return "";
  const x = timeScale(cells, 0, width);
  const [top, floor] = [events.length > 0 ? 12 : 0, height - axisHeight];
  const roof = top + 9;
  const apart = x(first.window.end) - x(first.window.start) > 4;
  const statuses = cells.map(({ status }) => status);
  const cut = coarser(cells, statuses, width / 2, strip);
  const runs = apart
    ? cells.map(({ window, status }) => ({ ...window, kind: status }))
    : runsOf(cut.cells, cut.kinds);
  const bars = runs.map(({ start, end, kind }) => {
    const tall = (floor - roof) * heights[kind];
    const wide = Math.max(0.7, x(end) - x(start) - (apart ? 1 : 0));
    return rect(`status-${kind}`, x(start), floor - tall, wide, tall);
  });
  const inside = (time: EventTime): boolean => time >= first.window.start && time <= last.window.end;
  const marks = transitions
    .filter(({ time }) => inside(time))
    .map(({ time, to }) => {
      const told = `${to} ${when(time)}`;
      return `${rule(`mark ${to}`, x(time), top + 6, x(time), floor)}${pointer(to, x(time), top + 1, told)}`;
    });
  const named = eventMarks(events, x, 0, floor);
  const critical = cells.filter(({ status }) => status === "critical").length;
  const moved = transitions.map(({ time, to }) => `${to} at ${when(time)}`).join(", ");
  const told = `${cells.length} windows from ${when(first.window.start)} to ${when(last.window.end)}, ${critical} of them critical${moved === "" ? "" : `; breaker ${moved}`}`;
  const axis = timeAxis(x, [0, width], floor);
  return figure({ width, height }, told, bars.join("") + marks.join("") + named + axis);
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
}

/** A field's worst shift, window by window, with the breaker's line. Even below it, logarithmic above: 2 and 2,000 both show. */
export function shiftLine(points: readonly ShiftPoint[], { name, sigma, size }: ShiftLineOptions): string {
  const known = points.map(({ shift }) => shift).filter((shift) => shift !== undefined);
  const [first, last] = [points[0], points.at(-1)];
  if (known.length < 2 || first === undefined || last === undefined) return "";
  const worst = known.reduce((a, b) => Math.max(a, b));
  const roof = Math.max(sigma * 2, Math.min(worst, 9_999));
  const x = scaleUtc([first.time, last.time], [1, size.width - 1]);
  const y = scaleSymlog([0, roof], [size.height - 2, 3])
    .constant(sigma)
    .clamp(true);
  const path = line<ShiftPoint>(
    ({ time }) => x(time),
    ({ shift }) => y(shift ?? 0),
  )
    .defined(({ shift }) => shift !== undefined)
    .digits(1);
  const over = known.filter((shift) => shift >= sigma).length;
  const told = `${name}: shift over ${points.length} windows, at most ${number(worst)} SD, in ${over} at or beyond ${number(sigma)} SD`;
  const limit = rule("limit", 0, y(sigma), size.width, y(sigma));
  return figure(size, told, `${limit}<path class="shift" d="${path(points) ?? ""}"/>`);
}

/** How far something is from the baseline, against the breaker's line, beside the number. */
export function shiftBar(shift: number, sigma: number, { width, height }: Size): string {
  const x = scaleSymlog([0, sigma * 40], [0, width])
    .constant(sigma)
    .clamp(true);
  const name = shift >= sigma ? "far" : "near";
  return ornament(
    { width, height },
    rect("track", 0, 3, width, height - 6) +
      rect(name, 0, 3, x(shift), height - 6) +
      rule("limit", x(sigma), 0, x(sigma), height),
  );
}
