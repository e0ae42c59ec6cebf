import type { Evidence } from "./campaign.ts";
import { episodeOf, isBad, view } from "./traffic.ts";

export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly kills: number;
  readonly brokerKills: number;
  readonly rebalances: number;
  readonly freezes: number;
  readonly cuts: number;
  readonly crashes: number;
  readonly messages: number;
  readonly rows: number;
  readonly windows: number;
  readonly lost: number;
  readonly double: number;
  readonly deadLetters: number;
  readonly incidents: number;
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

/** Holds what tidemark says against the log itself. */
export function judgeEvidence(evidence: Evidence): Report {
  const { truth, counted, plan, done } = evidence;
  const wrong: string[] = [];
  let [lost, double, windows] = [0, 0, 0];
  for (const [start, expected] of truth.windows) {
    if (start + view.sizeMs > truth.closedThrough) continue;
    windows += 1;
    const found = counted.get(start);
    const [rows, name] = [found?.rows ?? 0, new Date(start).toISOString()];
    lost += Math.max(0, expected.rows - rows);
    double += Math.max(0, rows - expected.rows);
    const fields = (["rows", "nulls", "unknown"] as const).filter(
      (field) => (found?.[field] ?? 0) !== expected[field],
    );
    for (const field of fields)
      wrong.push(`${name}: ${field} ${found?.[field] ?? 0}, the log holds ${expected[field]}`);
    if (found !== undefined && found.fields !== "") wrong.push(`${name}: rows of fields${found.fields}`);
  }
  wrong.push(
    ...conservation(evidence),
    ...alikeness(evidence),
    ...verdictRows(evidence),
    ...deadLetters(evidence),
  );
  const { wrong: unpaged, incidents, pages } = paging(evidence);
  wrong.push(...unpaged);
  const sorted = evidence.recoveriesMs.toSorted((a, b) => a - b);
  return {
    seed: plan.seed,
    minutes: plan.minutes,
    ...done,
    crashes: evidence.crashes,
    messages: evidence.messages,
    rows: truth.profiled + truth.late + truth.rejected,
    windows,
    lost,
    double,
    deadLetters: truth.deadLettered,
    incidents,
    pages,
    recovery: {
      longestMs: sorted.at(-1) ?? 0,
      medianMs: sorted[sorted.length >> 1] ?? 0,
      over10s: sorted.filter((ms) => ms > 10_000).length,
      of: sorted.length,
    },
    wrong,
  };
}

/** Rows read are rows profiled, late, rejected and dead letters: over all processes, as the log has them. */
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

/** The newest verdict of each window saw every row of it. */
function verdictRows({ verdicts, truth }: Evidence): string[] {
  const newest = new Map<number, Judged>();
  for (const { value } of verdicts) {
    const { data } = JSON.parse(value.toString()) as { data: Judged };
    if (data.final && data.segment === null) newest.set(data.window.start, data);
  }
  return [...truth.windows].flatMap(([start, { rows }]) => {
    if (start + view.sizeMs > truth.closedThrough) return [];
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

/** One page for each incident, and one when it is over. */
function paging({ pages, truth }: Evidence): { wrong: string[]; incidents: number; pages: number } {
  const expected = new Set<number>();
  for (const [start, { rows, unknown }] of truth.windows) {
    if (isBad(start) && unknown > 0 && rows >= 50 && start + view.sizeMs <= truth.closedThrough)
      expected.add(episodeOf(start));
  }
  const firing = pages.filter(
    ({ status, labels }) => status === "firing" && labels["alertname"] === "TidemarkDefaultCase",
  );
  const paged = new Map<number, number>();
  for (const { annotations } of firing) {
    const episode = episodeOf(Date.parse(annotations["window_start"] ?? ""));
    paged.set(episode, (paged.get(episode) ?? 0) + 1);
  }
  const wrong = [
    ...[...expected]
      .filter((episode) => !paged.has(episode))
      .map((episode) => `incident ${episode} paged nobody`),
    ...[...paged]
      .filter(([, times]) => times > 1)
      .map(([episode, times]) => `incident ${episode} paged ${times} times`),
    ...[...paged.keys()]
      .filter((episode) => !expected.has(episode))
      .map((episode) => `a page without an incident: ${episode}`),
  ];
  return { wrong, incidents: expected.size, pages: firing.length };
}
