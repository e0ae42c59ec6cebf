import { type EventTime, isoTime } from "../model/time.ts";
import type { Io } from "./io.ts";
import { count, paintFor, span } from "./paint.ts";

/** Fast enough to look alive, slow enough to cost nothing. */
const redrawEveryMs = 100;

/** One line at the foot of a terminal that says how far the reading is; silent anywhere else. */
export interface Progress {
  /** @param read  asked only when the line is drawn */
  update(read: () => Reached): void;
  /** Wipes the line, so that what is printed next stands in its place. */
  clear(): void;
}

export interface Reached {
  /** Read so far. */
  readonly rows: number;
  readonly eventTime: EventTime | undefined;
  /** Share of the whole input, 0 to 1; undefined when the whole is not known. */
  readonly share?: number | undefined;
}

const barWidth = 20;

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
      const { rows, eventTime, share } = read();
      const perSecond = Math.round((rows * 1_000) / Math.max(now - startedAt, 1));
      const reached =
        eventTime === undefined ? "" : ` · ${isoTime(eventTime).slice(0, 19).replace("T", " ")}`;
      io.stderr(
        `\r\u001b[2K${paint.dim(`${what} ${bar(share)}· ${count(rows)} rows · ${count(perSecond)} rows/s${reached}${left(share, now - startedAt)}`)}`,
      );
    },
    clear() {
      if (drawn) io.stderr("\r\u001b[2K");
      drawn = false;
      drawnAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** `━━━━━────── 45% ` */
function bar(share: number | undefined): string {
  if (share === undefined) return "";
  const full = Math.round(share * barWidth);
  return `${"━".repeat(full)}${"─".repeat(barWidth - full)} ${Math.floor(share * 100)}% `;
}

/** What is left takes as long as what is done did; no guess from the first few percent. */
function left(share: number | undefined, elapsedMs: number): string {
  if (share === undefined || share < 0.02 || share >= 1) return "";
  return ` · ${span((elapsedMs * (1 - share)) / share)} left`;
}
