import type { Window } from "../../src/model/time.ts";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import type { Done, Evidence } from "./campaign.ts";
import { episodeOf, isBad, paged, view } from "./traffic.ts";

export interface Report extends Done {
  readonly seed: number;
  readonly minutes: number;
  readonly processes: number;
  readonly crashes: number;
  readonly messages: number;
  readonly rows: number;
  readonly windows: number;
  readonly lost: number;
  readonly double: number;
  readonly deadLetters: number;
  readonly incidents: number;
  /** Of `TidemarkDefaultCase`: one an incident is right. */
  readonly pages: number;
  readonly recovery: {
    readonly longestMs: number;
    readonly medianMs: number;
    readonly over10s: number;
    readonly of: number;
  };
  /** What is not as it must be; empty when all is well. */
  readonly wrong: readonly string[];
}

/** What must hold at the end, by its title: each says what does not. */
export const laws: Readonly<Record<string, (evidence: Evidence) => readonly string[]>> = {
  "counts every row of every window and field once": counts,
  "conserves rows: read is profiled, late, rejected and dead letters": conservation,
  "sees every row of a window in its newest verdict": verdictRows,
  "keeps each poison message, and nothing else, as a dead letter": deadLetters,
  "pages once for each incident, and once when it is over": paging,
  "answers alike from every process": alikeness,
};

/** Holds what tidemark says against the log itself. */
export function judgeEvidence(evidence: Evidence): Report {
  const { truth, counted, plan, done } = evidence;
  const closed = closedWindows(evidence);
  const off = closed.map(([start, { rows }]) => (counted.get(start)?.rows ?? 0) - rows);
  const sorted = evidence.recoveriesMs.toSorted((a, b) => a - b);
  return {
    seed: plan.seed,
    minutes: plan.minutes,
    processes: plan.processes,
    ...done,
    crashes: evidence.crashes,
    messages: evidence.messages,
    rows: truth.profiled + truth.late + truth.rejected,
    windows: closed.length,
    lost: off.reduce((sum, rows) => sum - Math.min(0, rows), 0),
    double: off.reduce((sum, rows) => sum + Math.max(0, rows), 0),
    deadLetters: truth.deadLettered,
    incidents: incidentsOf(evidence).size,
    pages: pagesOf(evidence, "TidemarkDefaultCase").length,
    recovery: {
      longestMs: sorted.at(-1) ?? 0,
      medianMs: sorted[sorted.length >> 1] ?? 0,
      over10s: sorted.filter((ms) => ms > 10_000).length,
      of: sorted.length,
    },
    wrong: Object.values(laws).flatMap((law) => law(evidence)),
  };
}

function closedWindows({
  truth,
}: Evidence): readonly (readonly [number, { rows: number; unknown: number }])[] {
  return [...truth.windows].filter(([start]) => start + view.sizeMs <= truth.closedThrough);
}

function counts({ truth, counted }: Evidence): string[] {
  return [...truth.windows].flatMap(([start, expected]) => {
    if (start + view.sizeMs > truth.closedThrough) return [];
    const [found, name] = [counted.get(start), new Date(start).toISOString()];
    const off = (["rows", "nulls", "unknown"] as const).filter(
      (field) => (found?.[field] ?? 0) !== expected[field],
    );
    return [
      ...off.map((field) => `${name}: ${field} ${found?.[field] ?? 0}, the log holds ${expected[field]}`),
      ...(found !== undefined && found.fields !== "" ? [`${name}: rows of fields${found.fields}`] : []),
    ];
  });
}

/** Over all processes, as the log has them. */
function conservation({ truth, processes }: Evidence): string[] {
  return (["profiled", "late", "rejected", "deadLettered"] as const).flatMap((outcome) => {
    const sum = processes.reduce((total, { records }) => total + records[outcome], 0);
    return sum === truth[outcome] ? [] : [`${outcome}: ${sum} counted, the log holds ${truth[outcome]}`];
  });
}

function alikeness({ processes }: Evidence): string[] {
  const [first, ...others] = processes.map(({ windows, gate }) => JSON.stringify([windows, gate]));
  return others.flatMap((other, index) =>
    other === first ? [] : [`${processes[index + 1]?.name} answers otherwise`],
  );
}

interface Judged {
  readonly final: boolean;
  readonly segment: unknown;
  readonly window: { readonly start: number };
  readonly rows: number;
}

function verdictRows(evidence: Evidence): string[] {
  const newest = new Map<number, Judged>();
  for (const { value } of evidence.verdicts) {
    const { data } = JSON.parse(value.toString()) as { data: Judged };
    if (data.final && data.segment === null) newest.set(data.window.start, data);
  }
  return closedWindows(evidence).flatMap(([start, { rows }]) => {
    const found = newest.get(start)?.rows ?? 0;
    return found === rows
      ? []
      : [`verdict of ${new Date(start).toISOString()}: ${found} rows, the log holds ${rows}`];
  });
}

function deadLetters({ deadLetters: found, truth }: Evidence): string[] {
  const places = new Set(
    found.map(({ headers }) => `${headers["__dlq.errors.partition"]}@${headers["__dlq.errors.offset"]}`),
  );
  const missing = truth.poison.filter((place) => !places.has(place));
  const strange = [...places].filter((place) => !truth.poison.includes(place));
  return [
    ...missing.map((place) => `poison at ${place} is no dead letter`),
    ...strange.map((place) => `a dead letter of ${place}, which is no poison`),
  ];
}

/** Incidents that had to page somebody, each from its first window to the end of its last. */
function incidentsOf(evidence: Evidence): ReadonlyMap<number, Window> {
  const { rhythm } = evidence.plan;
  const incidents = new Map<number, Window>();
  for (const [start, { rows, unknown }] of closedWindows(evidence)) {
    if (!isBad(rhythm, start) || unknown === 0 || rows < 50) continue;
    const episode = episodeOf(rhythm, start);
    const known = incidents.get(episode) ?? { start, end: start };
    const end = Math.max(known.end, start + view.sizeMs);
    incidents.set(episode, { start: Math.min(known.start, start), end });
  }
  return incidents;
}

/** Between a page and word of its end, ms; Alertmanager gives the labels' fingerprint and when the alert began and ended. */
interface Page {
  readonly episode: number;
  readonly from: number;
  readonly to: number;
  /** When word of both arrived. */
  readonly out: Window;
}

/** How long a page may take from the verdict that sets it off. */
const pageWithinMs = 10_000;

/**
 * Of an incident's alert (`TidemarkDefaultCase`) and of the breaker's. To Alertmanager an alert is its labels: an incident that
 * begins before the end of the last one was heard is the same page, going on; so is one that is found, while a backlog is
 * worked off, when a later one has paged already.
 */
function paging(evidence: Evidence): string[] {
  const incidents = incidentsOf(evidence);
  return paged.flatMap((name) => {
    const pages = pagesOf(evidence, name);
    const wrong = pages
      .filter(({ to }) => Number.isNaN(to))
      .map(({ episode }) => `${name}: nobody heard the end of incident ${episode}`);
    for (const [incident, { start, end }] of incidents) {
      const own = pages.filter(({ episode }) => episode === incident);
      if (own.length > 1) wrong.push(`${name}: incident ${incident} paged ${own.length} times`);
      const judgedAt = judgements(evidence, { start, end });
      const found = ({ out }: Page): boolean =>
        judgedAt.some((at) => at > out.start - pageWithinMs && at < out.end);
      const during = ({ from, to }: Page): boolean => from < end && start < to;
      if (own.length === 0 && !pages.some((page) => during(page) || found(page)))
        wrong.push(`${name}: incident ${incident} paged nobody`);
    }
    for (const { episode } of pages)
      if (!incidents.has(episode)) wrong.push(`${name}: a page without an incident: ${episode}`);
    return wrong;
  });
}

/** When closed windows within it were judged critical. */
function judgements({ verdicts }: Evidence, within: Window): readonly number[] {
  return verdicts.flatMap(({ timestamp, value }) => {
    const { data } = JSON.parse(value.toString()) as { data: JudgedWindow };
    const { final, segment, window, verdicts: all } = data;
    const isOfIt = final && segment === null && window.start >= within.start && window.start < within.end;
    return isOfIt && all.some(({ status }) => status === "critical") ? [timestamp] : [];
  });
}

/** `to` is NaN when nobody heard of an end. What is told of long after it began bears the time when it was heard of. */
function pagesOf({ pages, plan }: Evidence, name: string): readonly Page[] {
  const told = pages.filter(({ labels }) => labels["alertname"] === name);
  return told.flatMap(({ status, startsAt, annotations, fingerprint, receivedAt }, index) => {
    if (status !== "firing") return [];
    const end = told
      .slice(index)
      .find((page) => page.fingerprint === fingerprint && page.status === "resolved");
    const window = Date.parse(annotations["window_start"] ?? "");
    return {
      episode: episodeOf(plan.rhythm, window),
      from: Math.min(Date.parse(startsAt), window),
      to: Date.parse(end?.endsAt ?? ""),
      out: { start: receivedAt, end: end?.receivedAt ?? Number.POSITIVE_INFINITY },
    };
  });
}
