import { type Course, coarser, runsOf } from "./course.ts";
import type { Series } from "./field-findings.ts";
import { boxes, figure, label, rect, type Size } from "./figure.ts";
import { axisHeight, timeAxis, timeScale } from "./plot.ts";

const [rowHeight, gap] = [16, 3];
/** Pixels of one column. */
const columnWidth = 3;

export interface HeatRow {
  readonly name: string;
  /** Class of each cell; undefined where there is nothing to say. */
  readonly kinds: Series<string>;
  /** At the right: `100%`. */
  readonly note: string;
}

export interface HeatStrip {
  /** What the picture says, as a sentence. */
  readonly told: string;
  readonly width: number;
  /** Every kind, the more telling later: it is kept where there is no room for all. */
  readonly order: readonly string[];
  /** Share of the row that a kind fills; all of it when it is not named. */
  readonly heights?: Readonly<Record<string, number>>;
}

/** Fields × windows: one row a field, one cell a window, coloured by what it was; below it the time. */
export function heatStrip(
  { cells }: Pick<Course, "cells">,
  rows: readonly HeatRow[],
  { told, width, order, heights = {} }: HeatStrip,
): string {
  if (rows.length === 0) return "";
  const [left, right] = [Math.min(170, width * 0.36), width - 40];
  const floor = rows.length * (rowHeight + gap);
  const size: Size = { width, height: floor + axisHeight };
  const x = timeScale(cells, left, right);
  const letters = Math.floor((left - 8) / 6.6);
  const lines = rows.map(({ name, kinds, note }, row) => {
    const y = row * (rowHeight + gap);
    const shown = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
    const cut = coarser(cells, kinds, (right - left) / columnWidth, order);
    const runs = runsOf(cut.cells, cut.kinds);
    const parts = order.map((kind) => {
      const height = rowHeight * (heights[kind] ?? 1);
      const own = runs.filter((run) => run.kind === kind);
      return boxes(
        kind,
        own.map(({ start, end }) => ({
          x: x(start),
          y: y + rowHeight - height,
          width: Math.max(0.7, x(end) - x(start)),
          height,
        })),
      );
    });
    return [
      rect("track", left, y, right - left, rowHeight),
      ...parts,
      label(shown, left - 6, y + 12, "end", "name"),
      label(note, width, y + 12, "end"),
    ].join("");
  });
  return figure(size, told, lines.join("") + timeAxis(x, [left, right], floor));
}

/** Upper ends of the shares that one colour stands for. */
const heats = [0.01, 0.05, 0.2, 0.5, 1];

export const heatOrder: readonly string[] = ["heat-0", ...heats.map((_, at) => `heat-${at + 1}`)];

/** `heat-0` for none, `heat-1` up to 1%, … `heat-5` above half. */
export function heatOf(share: number): string {
  return `heat-${share <= 0 ? 0 : 1 + heats.findIndex((most) => share <= most)}`;
}
