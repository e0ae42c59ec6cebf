import { scaleUtc } from "d3-scale";
import type { Window } from "../model/time.ts";
import type { Course } from "./course.ts";
import { label, px, rect, rule, type Size } from "./figure.ts";
import { when } from "./html.ts";

export const axisHeight = 15;
/** Left of a plot, for the numbers of its vertical axis. */
export const gutter = 38;
/** Pixels that a time needs below an axis. */
const tickWidth = 90;

export type TimeScale = ReturnType<typeof scaleUtc<number>>;

/** Times from the first window's start to the last one's end. */
export function timeScale(
  cells: readonly { readonly window: Window }[],
  from: number,
  to: number,
): TimeScale {
  const start = cells[0]?.window.start ?? 0;
  return scaleUtc([start, Math.max(start + 1, cells.at(-1)?.window.end ?? 0)], [from, to]);
}

/** Behind everything: where the breaker was open or on probation, and lettered events. */
export function backdrop({ spans, events }: Course, x: TimeScale, roof: number, floor: number): string {
  const inside = (at: number): number => Math.min(Math.max(at, x.range()[0] ?? 0), x.range()[1] ?? 0);
  const shades = spans.map(({ start, end, state }) => {
    const [from, to] = [inside(x(start)), inside(x(end))];
    return rect(`span ${state}`, from, roof, to - from, floor - roof);
  });
  const lines = events.flatMap(({ time, letter }) => {
    const at = x(time);
    if (letter === undefined || at !== inside(at)) return [];
    return [rule("event", at, roof, at, floor) + label(letter, at + 3, roof + 9, "start", "event")];
  });
  return shades.join("") + lines.join("");
}

export function timeAxis(x: TimeScale, [left, right]: readonly [number, number], floor: number): string {
  const ticks = x.ticks(Math.max(2, Math.floor((right - left) / tickWidth)));
  let taken = Number.NEGATIVE_INFINITY;
  const texts = ticks.map((tick) => {
    const at = x(tick);
    const midnight = tick.getTime() % 86_400_000 === 0;
    const text = midnight ? when(tick.getTime()).replace(" 00:00", "") : tick.toISOString().slice(11, 16);
    const room = text.length * 6;
    const start = Math.min(Math.max(at - room / 2, left), right - room);
    if (start < taken + 6) return "";
    taken = start + room;
    return label(text, start + room / 2, floor + axisHeight - 2, "middle");
  });
  const marks = ticks.map((tick) => `M${px(x(tick))} ${floor}v3`);
  return `<path class="axis" d="M${px(left)} ${floor}H${px(right)}${marks.join("")}"/>${texts.join("")}`;
}

/** A triangle that points down, its tip 7 below `y`. */
export function pointer(name: string, x: number, y: number, told: string): string {
  return `<path class="mark ${name}" d="M${px(x - 4)} ${px(y)}H${px(x + 4)}L${px(x)} ${px(y + 7)}Z"><title>${told}</title></path>`;
}

/** As many points as there are pixels to show them by, the largest of neighbours kept. */
export function thinned<T extends { readonly y: number | undefined }>(
  points: readonly T[],
  most: number,
): readonly T[] {
  const each = Math.ceil(points.length / most);
  if (each <= 1) return points;
  const kept: T[] = [];
  for (let at = 0; at < points.length; at += each) {
    const part = points.slice(at, at + each);
    kept.push(
      part.reduce((a, b) => ((b.y ?? Number.NEGATIVE_INFINITY) > (a.y ?? Number.NEGATIVE_INFINITY) ? b : a)),
    );
  }
  return kept;
}

export function plotOf(size: Size): { left: number; right: number; roof: number; floor: number } {
  return { left: gutter, right: size.width - 2, roof: 8, floor: size.height - axisHeight };
}
