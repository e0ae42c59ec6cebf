import { type EventTime, isoTime } from "../model/time.ts";
import type { Io } from "./io.ts";
import { count, paintFor } from "./paint.ts";

/** Fast enough to look alive, slow enough to cost nothing. */
const redrawEveryMs = 100;

/** One line at the foot of a terminal that says how far the reading is; silent anywhere else. */
export interface Progress {
  /** @param read  asked only when the line is drawn: rows read so far, and the event time reached */
  update(read: () => { readonly rows: number; readonly eventTime: EventTime | undefined }): void;
  /** Wipes the line, so that what is printed next stands in its place. */
  clear(): void;
}

export function createProgress(io: Io, what: string): Progress {
  const paint = paintFor(io);
  const startedAt = io.now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = false;
  return {
    update(read) {
      const now = io.now();
      if (!io.isTTY || now - drawnAt < redrawEveryMs) return;
      drawnAt = now;
      drawn = true;
      const { rows, eventTime } = read();
      const perSecond = Math.round((rows * 1_000) / Math.max(now - startedAt, 1));
      const reached =
        eventTime === undefined ? "" : ` · ${isoTime(eventTime).slice(0, 19).replace("T", " ")}`;
      io.stderr(
        `\r\u001b[2K${paint.dim(`${what} · ${count(rows)} rows · ${count(perSecond)} rows/s${reached}`)}`,
      );
    },
    clear() {
      if (drawn) io.stderr("\r\u001b[2K");
      drawn = false;
      drawnAt = Number.NEGATIVE_INFINITY;
    },
  };
}
