import { alertLabels } from "../judge/alert-labels.ts";
import { type Batch, type Column, cellOf } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { EventTime } from "../model/time.ts";
import { type Alert, type Breaker, type BreakerTransition, segmentKey } from "../model/verdict.ts";
import type { Outcome } from "../pipeline/ports.ts";
import type { StoryEvent } from "./incident.ts";
import { count, number, type Paint, printable, span } from "./paint.ts";

/** Rows kept to show what values looked like before. */
const memoryRows = 200;
const shownValues = 6;
/** Alerts told one by one after each turn of the story; the rest is counted. */
const alertsTold = 4;
const indent = " ".repeat(13);
const lineMax = 110;
const arrow = "  →  ";

export interface StoryOptions {
  readonly view: FeatureView;
  readonly events: readonly StoryEvent[];
  readonly paint: Paint;
  readonly say: (line: string) => void;
  /** What the gate answers now: `GET … → 503`. */
  readonly askGate: () => Promise<string>;
}

/** What the demo knows of its own when it ends. */
export interface Telling {
  /** Rows that were read from the first turn of the story to the breaker's opening; null when it never opened. */
  readonly eventsUntilOpen: number | null;
  readonly eventTimeUntilOpenMs: number | null;
}

/** Tells what passes, as it passes: rows before they are profiled, outcomes after. */
export interface Story {
  rows(batch: Batch): void;
  outcomes(outcomes: readonly Outcome[]): Promise<void>;
  /** Whether something was told since the last call that a reader wants time for. */
  takeTold(): boolean;
  telling(): Telling;
}

export function createStory({ view, events, paint, say, askGate }: StoryOptions): Story {
  const memories = new Map<string, string[]>();
  const pending = [...events];
  const switchAt = events[0]?.at;
  let [windows, rowsRead, rowsSinceSwitch] = [0, 0, 0];
  let telling: Telling = { eventsUntilOpen: null, eventTimeUntilOpenMs: null };
  let [toldAlerts, untoldAlerts] = [0, 0];
  let [alertShown, told] = [false, false];

  const line = (time: EventTime, sign: string, text: string): void =>
    say(`${paint.dim(clock(time))}  ${sign} ${text}`);
  const detail = (name: string, text: string): void =>
    say(`${indent}${paint.dim(name.padEnd(10))} ${cut(text, roomAfter(name))}`);

  const tellTurn = (event: StoryEvent, after: readonly string[]): void => {
    told = true;
    tellUntold();
    say("");
    if (event === events[0]) {
      line(
        event.at,
        paint.green("·"),
        `${count(rowsRead)} events in ${count(windows)} windows so far: nothing moves`,
      );
      say("");
    }
    line(event.at, paint.yellow("▲"), paint.bold(event.what));
    if (event.look !== undefined) {
      const half = Math.floor((roomAfter(event.look) - arrow.length) / 2);
      const [before, now] = [memories.get(event.look) ?? [], after].map((values) => sampled(values, half));
      say(`${indent}${paint.dim(event.look.padEnd(10))} ${before}${paint.yellow(arrow)}${now}`);
    }
    [toldAlerts, untoldAlerts] = [0, 0];
  };

  const tellUntold = (): void => {
    if (untoldAlerts > 0)
      detail("", paint.dim(`and ${count(untoldAlerts)} more alerts, of other fields, versions and nodes`));
    untoldAlerts = 0;
  };

  const tellTransition = async (
    breaker: Breaker,
    { time, to, reasons, rows }: BreakerTransition,
  ): Promise<void> => {
    if (breaker.segment !== null) return;
    told = true;
    if (to === "open") {
      const [first, ...more] = reasons;
      if (switchAt !== undefined && time >= switchAt && telling.eventsUntilOpen === null) {
        telling = { eventsUntilOpen: rowsSinceSwitch, eventTimeUntilOpenMs: time - switchAt };
      }
      const { eventsUntilOpen, eventTimeUntilOpenMs } = telling;
      const after =
        eventsUntilOpen === null || eventTimeUntilOpenMs === null
          ? ""
          : `  ${eventsUntilOpen} events and ${span(eventTimeUntilOpenMs)} after the change`;
      say("");
      line(time, paint.red("✖"), `${paint.bold(paint.red("BREAKER OPEN"))}${after}`);
      if (first !== undefined) detail("because", first.summary);
      for (const reason of more.slice(0, 2)) detail("", reason.summary);
      if (more.length > 2) detail("", paint.dim(`and ${more.length - 2} more reasons`));
      detail("known from", `${count(rows)} rows of a window that is still open`);
      detail("gate", await askGate());
      return;
    }
    tellUntold();
    say("");
    if (to === "half-open") {
      line(
        time,
        paint.yellow("◐"),
        `${paint.bold("breaker half-open")}  one clean window; ${view.breaker.closeAfter} in a row will close it`,
      );
      return;
    }
    const opened = breaker.history.findLast((past) => past.to === "open" && past.from === "closed");
    const after = opened === undefined ? "" : `  after ${span(time - opened.time)}, by itself`;
    line(time, paint.green("✔"), `${paint.bold(paint.green("breaker closed"))}${after}`);
    detail("gate", await askGate());
  };

  const tellAlert = (alert: Alert): void => {
    if (alert.status === "resolved") return;
    if (!alertShown) {
      alertShown = true;
      toldAlerts += 1;
      tellWholeAlert(alert);
      return;
    }
    if (alert.alertname === "TidemarkBreakerOpen" || toldAlerts >= alertsTold) {
      untoldAlerts += 1;
      return;
    }
    toldAlerts += 1;
    const segment = alert.segment === null ? "" : `${segmentKey(alert.segment)} `;
    line(
      alert.startsAt,
      paint.red("!"),
      `${alert.alertname}  ${paint.bold(`${segment}${alert.field ?? ""}`)}`,
    );
    detail("", printable(alert.summary));
  };

  /** The first one in full, as Alertmanager keys and shows it. */
  const tellWholeAlert = (alert: Alert): void => {
    const labels = Object.entries(alertLabels(alert, view)).map(
      ([name, value]) => `${name}=${printable(value)}`,
    );
    say(`${indent}${paint.dim("the page that Alertmanager sends:")}`);
    for (const [index, text] of wrap(labels, lineMax - indent.length - 11).entries())
      detail(index === 0 ? "labels" : "", text);
    detail("summary", printable(alert.summary));
    detail(
      "how far",
      `${number(alert.observed)} seen, ${number(alert.expected)} expected: ${number(alert.shift)} standard deviations`,
    );
    const { example } = alert;
    if (example !== undefined) {
      const request = example.requestId === undefined ? "" : ` in request ${printable(example.requestId)}`;
      detail("example", `"${printable(example.value)}"${request}`);
    }
  };

  return {
    rows(batch) {
      const times = batch.columns.get(view.source.eventTime ?? "");
      const timeOf = (row: number): number => (times === undefined ? 0 : Number(cellOf(times, row)));
      const [next] = pending;
      if (next !== undefined) {
        const after = rowsWhere(batch, (row) => timeOf(row) >= next.at);
        if (after.length >= Math.min(3, batch.rows)) {
          const column = next.look === undefined ? undefined : batch.columns.get(next.look);
          tellTurn(next, column === undefined ? [] : after.map((row) => shown(column, row)));
          pending.shift();
        }
      }
      rowsRead += batch.rows;
      if (switchAt !== undefined)
        rowsSinceSwitch += rowsWhere(batch, (row) => timeOf(row) >= switchAt).length;
      for (const { look } of pending) {
        const column = look === undefined ? undefined : batch.columns.get(look);
        if (look === undefined || column === undefined) continue;
        const known = memories.get(look) ?? [];
        for (let row = 0; row < batch.rows; row++) known.push(shown(column, row));
        memories.set(look, known.slice(-memoryRows));
      }
    },
    async outcomes(outcomes) {
      let resolved = 0;
      let at = 0;
      for (const outcome of outcomes) {
        if (outcome.kind === "judged" && outcome.judged.final && outcome.judged.segment === null)
          windows += 1;
        if (outcome.kind === "breaker") await tellTransition(outcome.breaker, outcome.transition);
        if (outcome.kind !== "alert") continue;
        tellAlert(outcome.alert);
        if (outcome.alert.status === "resolved") [resolved, at] = [resolved + 1, outcome.alert.time];
      }
      if (resolved > 0)
        line(at, paint.green("✔"), `${count(resolved)} ${resolved === 1 ? "alert" : "alerts"} resolved`);
    },
    takeTold() {
      const was = told;
      told = false;
      return was;
    },
    telling: () => telling,
  };
}

function rowsWhere(batch: Batch, holds: (row: number) => boolean): number[] {
  return Array.from({ length: batch.rows }, (_, row) => row).filter(holds);
}

/** A value in a few characters; of a vector its mean, which is what the incident's reporter wanted to see. */
function shown(column: Column, row: number): string {
  const cell = cellOf(column, row);
  if (cell === null) return "null";
  if (typeof cell === "number") return number(cell);
  if (typeof cell !== "object") return printable(String(cell));
  const mean = cell.reduce((sum, value) => sum + value, 0) / Math.max(cell.length, 1);
  return `mean ${Number.isFinite(mean) && Math.abs(mean) < 10 ? mean.toFixed(2) : number(mean)}`;
}

/** The first few of the latest values, each once, and no more than fit. */
function sampled(values: readonly string[], width: number): string {
  const distinct = [...new Set(values.toReversed())].slice(0, shownValues);
  while (distinct.length > 1 && distinct.join(", ").length > width) distinct.pop();
  return cut(distinct.join(", "), width);
}

/** What is left of a line after its indent and a detail's name. */
function roomAfter(name: string): number {
  return lineMax - indent.length - Math.max(name.length, 10) - 1;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `Tue 04:15:22` */
function clock(time: EventTime): string {
  const date = new Date(time);
  return `${days[date.getUTCDay()]} ${date.toISOString().slice(11, 19)}`.slice(0, 9).padEnd(9);
}

function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
