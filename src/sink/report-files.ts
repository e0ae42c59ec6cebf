import { type FileHandle, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../model/fault.ts";
import { jsonNumber } from "../model/json-number.ts";
import { isoTime, type Window } from "../model/time.ts";
import type { Alert, Breaker, BreakerTransition, JudgedWindow, Verdict } from "../model/verdict.ts";
import type { Outcome, Sink } from "../pipeline/ports.ts";
import type { Summary } from "../pipeline/summary.ts";
import { reportFormats } from "../report/formats.ts";
import { tableNames } from "./tables.ts";

/** Characters that wait in memory before they are appended. */
const bufferMax = 256 * 1024;

/** What an earlier run may have written that this one does not: it would be taken for this one's. */
const written: readonly string[] = [
  "summary.json",
  ...Object.values(reportFormats).map(({ file }) => file),
  ...tableNames.flatMap((name) => [`${name}.parquet`, `${name}.arrow`]),
];

/**
 * The files of `replay --out DIR`. The three `.jsonl` grow as outcomes come; `summary.json` and the reports are written
 * at the end, whole or not at all, so a directory without a summary is a run that did not end.
 */
export interface ReportFiles extends Sink {
  /** Writes what is left, then the reports, by their files' names, and the summary. */
  finish(summary: Summary, reports: ReadonlyMap<string, string>): Promise<void>;
}

export interface ReportFilesOptions {
  /** Made when it is not there. Files of an earlier run in it are replaced. */
  readonly dir: string;
  /**
   * Which `insufficient` verdicts of segments stand in `verdicts.jsonl`: the `first` of each stretch of windows in which that
   * statistic of that segment had too few rows, or `all` of them. Those of the whole view always do.
   */
  readonly insufficient?: "first" | "all";
}

/** @throws Fault `store.full` or `sink.rejected` when the directory cannot be written */
export async function createReportFiles({
  dir,
  insufficient = "first",
}: ReportFilesOptions): Promise<ReportFiles> {
  const seen = new WeakSet<Outcome>();
  const repeats = insufficient === "all" ? () => false : createStretches();
  const lines = await guardFiles(dir, async () => {
    await mkdir(dir, { recursive: true });
    await Promise.all(written.map((name) => rm(join(dir, name), { force: true })));
    return {
      alerts: await openLines(join(dir, "alerts.jsonl")),
      verdicts: await openLines(join(dir, "verdicts.jsonl")),
      breaker: await openLines(join(dir, "breaker.jsonl")),
    };
  });
  const files = Object.values(lines);

  /** Those that are not ok; of a window that is judged again all, because what was said before may be over. */
  const addVerdicts = (judged: JudgedWindow): void => {
    const again = (judged.revision ?? 0) > 0;
    for (const verdict of judged.verdicts)
      if (again || (!repeats(judged, verdict) && verdict.status !== "ok"))
        lines.verdicts.add(verdictLine(judged, verdict));
  };

  const add = (outcome: Outcome): void => {
    switch (outcome.kind) {
      case "alert":
        lines.alerts.add(alertLine(outcome.alert));
        return;
      case "breaker":
        lines.breaker.add(breakerLine(outcome.breaker, outcome.transition));
        return;
      case "judged":
        if (outcome.judged.final) addVerdicts(outcome.judged);
        return;
      case "dead-letter":
      case "profile":
      case "signal":
        return;
    }
  };
  const flush = (): Promise<unknown> =>
    guardFiles(dir, () => Promise.all(files.map((file) => file.flush(0))));
  const close = async (): Promise<void> => {
    await flush();
    await Promise.all(files.map((file) => file.close()));
  };

  return {
    name: "report-files",
    async accept(outcomes) {
      for (const outcome of outcomes) {
        if (seen.has(outcome)) continue; // handed over again after another sink had refused it
        seen.add(outcome);
        add(outcome);
      }
      await guardFiles(dir, () => Promise.all(files.map((file) => file.flush(bufferMax))));
    },
    async finish(summary, reports) {
      await close();
      await guardFiles(dir, async () => {
        for (const [name, text] of reports) await writeWhole(join(dir, name), text);
        await writeWhole(join(dir, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
      });
    },
    close,
  };
}

/** One line of `alerts.jsonl` (contract): these keys, in this order. */
export function alertLine(alert: Alert): object {
  return {
    time: isoTime(alert.time),
    status: alert.status,
    severity: alert.severity,
    alertname: alert.alertname,
    featureView: alert.featureView,
    field: alert.field,
    statistic: alert.statistic,
    segment: alert.segment,
    window: isoWindow(alert.window),
    rows: alert.rows,
    ...numbersOf(alert),
    summary: alert.summary,
    fingerprint: alert.fingerprint,
  };
}

export function verdictLine(judged: JudgedWindow, verdict: Verdict): object {
  const { example, decidedAt } = verdict;
  const { revision = 0 } = judged;
  return {
    time: isoTime(decidedAt ?? judged.asOf),
    status: verdict.status,
    featureView: judged.featureView,
    field: verdict.field,
    statistic: verdict.statistic,
    segment: judged.segment,
    window: isoWindow(judged.window),
    ...(revision > 0 ? { revision } : {}),
    hard: verdict.hard,
    rows: verdict.rows,
    ...numbersOf(verdict),
    summary: verdict.summary,
    ...(example === undefined
      ? {}
      : {
          example: {
            ...example,
            ...(example.eventTime === undefined ? {} : { eventTime: isoTime(example.eventTime) }),
          },
        }),
  };
}

export function breakerLine(breaker: Breaker, transition: BreakerTransition): object {
  return {
    time: isoTime(transition.time),
    featureView: breaker.featureView,
    segment: breaker.segment,
    from: transition.from,
    to: transition.to,
    openedAt: breaker.openedAt === null ? null : isoTime(breaker.openedAt),
    rows: transition.rows,
    reasons: transition.reasons,
  };
}

/**
 * Says whether a verdict only repeats that a segment still has too few rows for a statistic: nine lines in ten of a view with
 * thin segments. Memory: one entry a statistic of a field of a segment, and those are bounded.
 */
function createStretches(): (judged: JudgedWindow, verdict: Verdict) => boolean {
  const insufficient = new Set<string>();
  return ({ segment }, { field, statistic, status }) => {
    if (segment === null) return false;
    const key = JSON.stringify([segment.field, segment.value, field, statistic]);
    if (status !== "insufficient") {
      insufficient.delete(key);
      return false;
    }
    if (insufficient.has(key)) return true;
    insufficient.add(key);
    return false;
  };
}

function numbersOf(of: Pick<Verdict, "observed" | "expected" | "unit" | "shift" | "evidence">): object {
  return {
    observed: jsonNumber(of.observed),
    expected: jsonNumber(of.expected),
    unit: jsonNumber(of.unit),
    shift: jsonNumber(of.shift),
    evidence: jsonNumber(of.evidence),
  };
}

function isoWindow({ start, end }: Window): object {
  return { start: isoTime(start), end: isoTime(end) };
}

interface Lines {
  add(line: object): void;
  /** Appends what waits once it is longer than `over` characters. */
  flush(over: number): Promise<void>;
  close(): Promise<void>;
}

async function openLines(path: string): Promise<Lines> {
  let handle: FileHandle | undefined = await open(path, "w");
  let waiting: string[] = [];
  let length = 0;
  return {
    add(line) {
      const text = `${JSON.stringify(line)}\n`;
      waiting.push(text);
      length += text.length;
    },
    async flush(over) {
      if (handle === undefined || length <= over) return;
      const text = waiting.join("");
      [waiting, length] = [[], 0];
      await handle.appendFile(text);
    },
    async close() {
      const closing = handle;
      handle = undefined;
      await closing?.close();
    },
  };
}

/** A reader sees the whole file or none. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, text);
  await rename(partial, path);
}

/** @throws Fault `store.full` or `sink.rejected`, with the directory and what to do */
export async function guardFiles<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const full = code === "ENOSPC" || code === "EDQUOT";
    throw new Fault(full ? "store.full" : "sink.rejected", `${dir}: ${message}`, {
      cause,
      hint: full
        ? "free some space, or choose another --out"
        : "choose a directory for --out that can be written",
    });
  }
}
