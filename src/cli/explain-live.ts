import { Fault } from "../model/fault.ts";
import { reasonOf } from "./ask.ts";
import { type AlertRecord, type Explanation, firstMoverOf, pickAlert, sampleOf } from "./explanation.ts";
import type { Io } from "./io.ts";

const timeoutMs = 10_000;

interface ViewRecord {
  readonly name: string;
  readonly topic: string | null;
  readonly baseline: { readonly rows: number; readonly from: string; readonly to: string } | null;
}

/** `GET /v1/alerts/{fingerprint}`. */
interface ExplainedAlert extends AlertRecord {
  readonly basis:
    | (Pick<Explanation, "contributions" | "segments" | "models"> & {
        readonly window: AlertRecord["window"];
        readonly final: boolean;
        readonly sigma: number;
        readonly samples: readonly {
          readonly value: string;
          readonly requestId: string | null;
          readonly position: string | null;
        }[];
      })
    | null;
  readonly history: Explanation["history"];
}

/** What a running tidemark says of an alert that fires now. @param brokers  for the kcat lines */
export async function explainLive(
  place: string,
  wanted: string,
  brokers: string | undefined,
  io: Pick<Io, "signal">,
): Promise<Explanation> {
  const base = new URL(place.endsWith("/") ? place : `${place}/`);
  const [alerts, views] = await Promise.all([
    ask<AlertRecord[]>(new URL("v1/alerts", base), io),
    ask<ViewRecord[]>(new URL("v1/feature-views", base), io),
  ]);
  const picked = pickAlert(alerts, wanted, `${base.href}v1/alerts`);
  const { basis, history, ...alert } = await ask<ExplainedAlert>(
    new URL(`v1/alerts/${encodeURIComponent(picked.fingerprint)}`, base),
    io,
  );
  const view = views.find(({ name }) => name === alert.featureView);
  const replay = `tidemark replay --topic ${view?.topic ?? "TOPIC"} --from-time ${alert.window.start} --to-time ${alert.window.end} … --out out`;
  const own = alert.example === undefined ? [] : [alert.example];
  return {
    alert,
    baseline: { file: null, digest: null, rows: view?.baseline?.rows ?? null },
    contributions: basis?.contributions ?? [],
    segments: basis?.segments ?? [],
    sigma: basis?.sigma ?? null,
    history,
    samples:
      basis === null
        ? own.map((example) => sampleOf(example, brokers))
        : basis.samples.map(({ value, requestId, position }) =>
            sampleOf(
              {
                value,
                ...(requestId === null ? {} : { requestId }),
                ...(position === null ? {} : { position }),
              },
              brokers,
            ),
          ),
    models: basis?.models ?? [],
    firstMover: firstMoverOf(
      alerts.filter(({ featureView }) => featureView === alert.featureView),
      alert,
    ),
    notes: notesOf(basis, replay),
  };
}

function notesOf(basis: ExplainedAlert["basis"], replay: string): readonly string[] {
  if (basis === null)
    return [
      `its window was judged before the alert began (as when it waited for the whole view's to end), before a restart, or by another process; a replay of it says the rest: ${replay}`,
    ];
  const { start, end } = basis.window;
  return [
    basis.final
      ? `made of the rows of ${start} – ${end}, with which it began`
      : `its window is still open: made of the rows that ${start} – ${end} held when the alert began`,
  ];
}

async function ask<T>(url: URL, { signal }: Pick<Io, "signal">): Promise<T> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((cause: unknown) => {
    throw new Fault("source.unreachable", `${url.href}: ${reasonOf(cause)}`, {
      retryable: true,
      cause,
      hint: "is it the URL of a running `tidemark run` or `tidemark demo`?",
    });
  });
  if (!response.ok) throw new Fault("source.failed", `${url.href} answered ${response.status}`);
  return (await response.json()) as T;
}
