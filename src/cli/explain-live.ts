import { Fault } from "../model/fault.ts";
import { type AlertRecord, type Explanation, firstMoverOf, pickAlert, sampleOf } from "./explanation.ts";
import type { Io } from "./io.ts";

const timeoutMs = 10_000;

interface ViewRecord {
  readonly name: string;
  readonly topic: string | null;
  readonly models: readonly { readonly name: string; readonly version?: string; readonly gitSha?: string }[];
  readonly baseline: { readonly rows: number; readonly from: string; readonly to: string } | null;
}

interface VerdictRecord {
  readonly window: { readonly start: string };
  readonly field: string | null;
  readonly statistic: string;
  readonly segment: string | null;
  readonly observed: number;
  readonly shift: number;
  readonly status: string;
}

/** What a running tidemark says of an alert that fires now. Distributions stay there: a replay of the window has them. */
export async function explainLive(
  place: string,
  wanted: string,
  io: Pick<Io, "signal">,
): Promise<Explanation> {
  const base = new URL(place.endsWith("/") ? place : `${place}/`);
  const [alerts, views] = await Promise.all([
    ask<AlertRecord[]>(new URL("v1/alerts", base), io),
    ask<ViewRecord[]>(new URL("v1/feature-views", base), io),
  ]);
  const alert = pickAlert(alerts, wanted, `${base.href}v1/alerts`);
  const view = views.find(({ name }) => name === alert.featureView);
  const verdicts = await ask<VerdictRecord[]>(
    new URL(`v1/verdicts?view=${encodeURIComponent(alert.featureView)}&limit=1000`, base),
    io,
  );
  const history = verdicts
    .filter(
      ({ field, statistic, segment }) =>
        field === alert.field && statistic === alert.statistic && segment === null,
    )
    .map(({ window, observed, shift, status }) => ({ start: window.start, observed, shift, status }))
    .reverse();
  const replay = `tidemark replay --topic ${view?.topic ?? "TOPIC"} --from-time ${alert.window.start} --to-time ${alert.window.end} … --out out`;
  return {
    alert,
    baseline: { file: null, digest: null, rows: view?.baseline?.rows ?? null },
    contributions: [],
    segments: [],
    sigma: null,
    history,
    samples: alert.example === undefined ? [] : [sampleOf(alert.example, undefined)],
    models: (view?.models ?? []).map(
      ({ name, version, gitSha }) =>
        `linked: ${[name, version, gitSha].filter((part) => part !== undefined).join(" ")}`,
    ),
    firstMover: firstMoverOf(alerts, alert),
    notes: [`distributions and segments are not served; they are in a replay of the window: ${replay}`],
  };
}

async function ask<T>(url: URL, { signal }: Pick<Io, "signal">): Promise<T> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((cause: unknown) => {
    throw new Fault(
      "source.unreachable",
      `${url.href}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        retryable: true,
        cause,
        hint: "is it the URL of a running `tidemark run` or `tidemark demo`?",
      },
    );
  });
  if (!response.ok) throw new Fault("source.failed", `${url.href} answered ${response.status}`);
  return (await response.json()) as T;
}
