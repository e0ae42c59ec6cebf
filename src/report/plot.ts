import { scaleUtc } from "d3-scale";
import type { Window } from "../model/time.ts";
import type { Course, NamedEvent } from "./course.ts";
import { label, px, rect, type Size, uprights } from "./figure.ts";
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
  return shades.join("") + eventMarks(events, x, roof, floor);
}

/** Room that a letter needs beside the next. */
const letterWidth = 9;

/** A line and a letter an event; letters that would stand on each other are told as `A–D`. */
export function eventMarks(events: readonly NamedEvent[], x: TimeScale, roof: number, floor: number): string {
  const [left = 0, right = 0] = x.range();
  const shown = events
    .flatMap(({ time, letter }) => (letter === undefined ? [] : [{ letter, at: x(time) }]))
    .filter(({ at }) => at >= left && at <= right);
  const groups: { at: number; letters: string[]; last: number }[] = [];
  for (const { letter, at } of shown.toSorted((a, b) => a.at - b.at)) {
    const group = groups.at(-1);
    if (group === undefined || at - group.last >= letterWidth)
      groups.push({ at, letters: [letter], last: at });
    else {
      group.letters.push(letter);
      group.last = at;
    }
  }
  const lines = new Set(shown.map(({ at }) => Math.round(at * 10) / 10));
  const letters = groups.map(({ at, letters: own }) => {
    const text = own.length === 1 ? `${own[0]}` : `${own[0]}–${own.at(-1)}`;
    return label(text, at + 3, roof + 9, "start", "event");
  });
  return (
    uprights(
      "event",
      [...lines].map((at) => ({ x: at, from: roof, to: floor })),
    ) + letters.join("")
  );
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
