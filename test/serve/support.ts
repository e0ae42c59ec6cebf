import type { FeatureView } from "../../src/model/feature-view.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import type { Breaker, BreakerOrder } from "../../src/model/verdict.ts";
import type { Board, Intake, ViewStatus } from "../../src/pipeline/board.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createServer, type ServerOptions } from "../../src/serve/server.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";
import { breakerOf, noon } from "../pipeline/outcomes.ts";

export const recoUser = featureView(
  [
    fieldSpec("user_location", "string", {
      nullable: false,
      mapping: { values: ["US", "GB", "DE"], maxDefaultRate: 0.01 },
      pattern: "^[A-Z]{2}$",
    }),
    fieldSpec("session_seconds", "float64", { range: [0, 86_400], finite: true }),
    fieldSpec("user_embedding", "embedding", { dimensions: 2, finite: true }),
  ],
  {
    models: [
      {
        name: "reco-engine",
        version: "v4.1",
        gitSha: "3f2a9c1",
        weights: "s3://models/reco/v4.1",
        fingerprint: undefined,
      },
    ],
    segments: ["node"],
  },
);

export function statusOf(view: FeatureView, change: Partial<ViewStatus> = {}): ViewStatus {
  return {
    view,
    baseline: { rows: 26_182, from: noon - 172_800_000, to: noon },
    silent: false,
    silenced: 0,
    breaker: { ...breakerOf("closed"), featureView: view.name },
    segments: new Map(),
    counts: { read: 110, profiled: 100, late: 5, rejected: 3, deadLettered: 2 },
    sources: {
      stream: { read: 100, profiled: 92, late: 5, rejected: 1, deadLettered: 2 },
      gate: { read: 10, profiled: 8, late: 0, rejected: 2, deadLettered: 0 },
    },
    lastEvent: noon,
    latest: undefined,
    recent: [],
    windows: [],
    fields: new Map(),
    baselineFields: new Map(),
    nonFinite: new Map(),
    deadLetters: new Map(),
    lost: 0,
    ...change,
  };
}

export function openBreaker(change: Partial<Breaker> = {}): Breaker {
  return {
    ...breakerOf("open"),
    reasons: [
      { field: "user_location", statistic: "default_rate", summary: "99% of user_location are unknown" },
    ],
    ...change,
  };
}

/** A board of plain objects; what it says can be changed, and outcomes sent, while a server shows it. */
export interface FakeBoard extends Board {
  says: { views: readonly ViewStatus[]; ready: boolean; troubles: ReadonlyMap<string, string> };
  emit(...outcomes: readonly Outcome[]): void;
  profiled(seconds: number): void;
}

export function fakeBoard(views: readonly ViewStatus[], change: Partial<Board> = {}): FakeBoard {
  const listeners = new Set<(outcomes: readonly Outcome[]) => void>();
  const timers = new Set<(seconds: number) => void>();
  const says: FakeBoard["says"] = { views, ready: true, troubles: new Map() };
  return {
    says,
    views: () => says.views,
    view: (name) => says.views.find(({ view }) => view.name === name),
    activeAlerts: () => [],
    partitions: () => [],
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    eventToProfileSeconds: () => new Float64Array(),
    onProfiled(listener) {
      timers.add(listener);
      return () => timers.delete(listener);
    },
    lastPollAt: () => undefined,
    unsavedSince: () => undefined,
    ready: () => says.ready,
    troubles: () => says.troubles,
    queuedBytes: () => 0,
    emit: (...outcomes) => listeners.forEach((listener) => void listener(outcomes)),
    profiled: (seconds) => timers.forEach((listener) => void listener(seconds)),
    ...change,
  };
}

export interface Serving {
  readonly url: URL;
  /** What validation let through. */
  readonly offered: Parameters<Intake["offer"]>[];
  /** How many rows it refused, request by request. */
  readonly refused: Parameters<Intake["refuse"]>[];
  /** What was said of breakers by hand. */
  readonly orders: readonly BreakerOrder[];
  readonly warned: object[];
  readonly routes: readonly string[];
}

/** The real server on a free port of the loopback interface. */
export async function serve(
  scope: { after(fn: () => Promise<void>): void },
  board: Board,
  change: Partial<ServerOptions> & { readonly bounds?: Partial<Limits> } = {},
): Promise<Serving> {
  const offered: Serving["offered"] = [];
  const refused: Serving["refused"] = [];
  const warned: object[] = [];
  const orders: BreakerOrder[] = [];
  const { bounds, ...options } = change;
  const server = createServer({
    board,
    intake: {
      offer: async (view, batch) => void offered.push([view, batch]),
      refuse: async (view, rows) => void refused.push([view, rows]),
    },
    orders: { order: async (order) => void orders.push(order) },
    clock: { now: () => noon, elapsed: () => noon },
    limits: { ...defaultLimits, ...bounds },
    http: { host: "127.0.0.1", port: 0 },
    version: "0.1.0",
    log: { warn: (object) => void warned.push(object) },
    lag: () => new Map([["features.reco-user-3", 42]]),
    deliveryFailures: () => new Map([["http://127.0.0.1:9093", 7]]),
    ...options,
  });
  const url = await server.listen();
  scope.after(() => server.close());
  return { url, offered, refused, orders, warned, routes: server.routes };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed when it is JSON of any kind. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export async function ask(url: URL, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, url), init);
  const text = await response.text();
  const json = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? JSON.parse(text) : undefined,
  };
}
