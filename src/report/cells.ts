import type { Window } from "../model/time.ts";
import type { VerdictStatus } from "../model/verdict.ts";
import { statusRank } from "./status.ts";

/** One closed window of the whole view, or several neighbours. */
export interface WindowCell {
  readonly window: Window;
  readonly status: VerdictStatus;
  readonly rows: number;
  readonly windows: number;
}

/** Cells of a timeline, of which neighbours become one when it is full: a month costs what a day does. */
export interface Timeline {
  readonly cells: readonly WindowCell[];
  /** Adds a window, in order of time. */
  add(window: Omit<WindowCell, "windows">): void;
  /** Values in step with the cells. `join` makes one of two that fall into the same cell. */
  track<T>(join: (a: T, b: T) => T): Track<T>;
}

export interface Track<T> {
  /** Puts a value into the newest cell. */
  add(value: T): void;
  /** As many as there are cells; undefined where nothing was put. */
  read(): readonly (T | undefined)[];
}

/** @param most  cells at most, even */
export function createTimeline(most: number): Timeline {
  let cells: WindowCell[] = [];
  /** Windows that make one cell. */
  let perCell = 1;
  const halvers: (() => void)[] = [];
  return {
    get cells() {
      return cells;
    },
    add(window) {
      if (cells.length === most && cells.at(-1)?.windows === perCell) {
        cells = halved(cells, joinCells);
        for (const halve of halvers) halve();
        perCell *= 2;
      }
      const last = cells.at(-1);
      const cell = { ...window, windows: 1 };
      if (last !== undefined && last.windows < perCell) cells[cells.length - 1] = joinCells(last, cell);
      else cells.push(cell);
    },
    track<T>(join: (a: T, b: T) => T): Track<T> {
      let values: (T | undefined)[] = [];
      const joined = (a: T | undefined, b: T | undefined): T | undefined =>
        a === undefined ? b : b === undefined ? a : join(a, b);
      const pad = (length: number): void => {
        while (values.length < length) values.push(undefined);
      };
      halvers.push(() => {
        pad(most);
        values = halved(values, joined);
      });
      return {
        add(value) {
          pad(cells.length);
          values[cells.length - 1] = joined(values[cells.length - 1], value);
        },
        read() {
          pad(cells.length);
          return values;
        },
      };
    },
  };
}

/** @param items  an even number of them */
function halved<T>(items: readonly T[], join: (a: T, b: T) => T): T[] {
  const result: T[] = [];
  for (let at = 0; at < items.length; at += 2) result.push(join(items[at] as T, items[at + 1] as T));
  return result;
}

/** Neighbours as one cell: the whole time, the worse status. */
export function joinCells(a: WindowCell, b: WindowCell): WindowCell {
  return {
    window: { start: a.window.start, end: b.window.end },
    status: worseOf(a.status, b.status),
    rows: a.rows + b.rows,
    windows: a.windows + b.windows,
  };
}

export function worseOf(a: VerdictStatus, b: VerdictStatus): VerdictStatus {
  return statusRank[b] > statusRank[a] ? b : a;
}
