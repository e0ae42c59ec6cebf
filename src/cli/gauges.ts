import { gaugePointsMax, judgeGauge } from "../judge/gauge.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Clock } from "../model/time.ts";
import type { Trouble } from "../pipeline/cell.ts";
import { type GaugeReading, isOfGauge } from "../pipeline/gauge-reading.ts";
import type { Monitor } from "../pipeline/monitor.ts";
import { pause } from "../source/pause.ts";
import { createPrometheus, type Prometheus, type PrometheusSeries } from "../source/prometheus.ts";
import type { PrometheusConfig, TrendQuery } from "./config-prometheus.ts";

/** How often it is seen to that no alert stands whose query is gone from the config, when there is no config. */
const idleEveryMs = 15_000;

export interface GaugeOptions {
  readonly prometheus: PrometheusConfig | undefined;
  readonly views: readonly FeatureView[];
  readonly monitor: Pick<Monitor, "gauge" | "active">;
  /** Whether this process is the one that asks: of a cluster, the judge that speaks. */
  readonly asks: () => boolean;
  readonly clock: Clock;
  /** Series of one query that are followed. */
  readonly segmentsMax: number;
  readonly trouble: Trouble;
}

/**
 * Asks Prometheus for the last points of every query, again and again until `signal` aborts, and hands what the judge of trends
 * says of them to the monitor. The points are Prometheus's to keep: a restart asks for the same ones again.
 */
export async function watchGauges(options: GaugeOptions, signal: AbortSignal): Promise<void> {
  const { prometheus, views, asks } = options;
  const server = prometheus === undefined ? undefined : createPrometheus(prometheus.place);
  const everyMs = prometheus?.everyMs ?? idleEveryMs;
  const byView = Map.groupBy(queriesOf(prometheus, views), ({ featureView }) => featureView);
  let asked = false;
  while (!signal.aborted) {
    if (asks()) {
      asked = true;
      for (const view of views)
        await look(options, view, server, byView.get(view.name) ?? [], everyMs, signal);
    } else if (asked) {
      asked = false;
      for (const { name } of prometheus?.queries ?? []) options.trouble(troubleOf(name), undefined);
    }
    await pause(everyMs, signal);
  }
}

const troubleOf = (name: string): string => `prometheus.${name}`;

interface PlacedQuery extends TrendQuery {
  readonly featureView: string;
}

/**
 * Every query with the view that its alerts belong to.
 * @throws Fault `config.invalid` when there is no such view, or a field has the query's name
 */
export function queriesOf(
  prometheus: PrometheusConfig | undefined,
  views: readonly FeatureView[],
): readonly PlacedQuery[] {
  return (prometheus?.queries ?? []).map((query, index) => {
    const path = `prometheus.queries[${index}]`;
    const names = views.map(({ name }) => name).join(", ");
    if (query.featureView === undefined && views.length !== 1) {
      const hint = `name the one whose owner is to be told: ${names}`;
      throw new Fault("config.invalid", `${path}: no featureView, and there are ${views.length}`, { hint });
    }
    const view = views.find(({ name }) => name === (query.featureView ?? name));
    if (view === undefined)
      throw new Fault("config.invalid", `${path}.featureView: no feature view "${query.featureView}"`, {
        hint: `there is ${names}`,
      });
    if (view.fields.some(({ name }) => name === query.name))
      throw new Fault("config.invalid", `${path}.name: ${view.name} has a field "${query.name}"`, {
        hint: "alerts name both: choose another name",
      });
    return { ...query, featureView: view.name };
  });
}

async function look(
  { monitor, clock, trouble, segmentsMax }: GaugeOptions,
  view: FeatureView,
  server: Prometheus | undefined,
  queries: readonly PlacedQuery[],
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const at = Math.floor(clock.now() / everyMs) * everyMs; // the same points in every look
  const range = { from: at - (gaugePointsMax - 1) * everyMs, to: at, stepMs: everyMs };
  const series: GaugeReading["series"][number][] = [];
  const unasked: string[] = [];
  for (const query of queries) {
    const word = troubleOf(query.name);
    try {
      const found = await server?.range(query.query, range, signal);
      const { followed, problem } = segmentsOf(found ?? [], query, segmentsMax);
      trouble(word, problem);
      for (const { segment, points } of followed) {
        const verdict = judgeGauge(query, segment, points, everyMs, at) ?? null;
        series.push({ name: query.name, segment, verdict });
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (signal.aborted) return;
      unasked.push(query.name);
      trouble(word, error.message);
    }
  }
  const gone = monitor.active().some((alert) => alert.featureView === view.name && isOfGauge(alert, view));
  if (series.length === 0 && !gone) return;
  await monitor.gauge({ featureView: view.name, at, everyMs, unasked, series });
}

/** The series of a query, a segment each, and what is to be said of those that cannot be followed. */
export function segmentsOf(
  found: readonly PrometheusSeries[],
  { query, segment: label }: Pick<TrendQuery, "query" | "segment">,
  segmentsMax: number,
) {
  const bySegment = new Map(
    found.map((series) => [label === undefined ? "" : (series.labels[label] ?? ""), series]),
  );
  const last = ({ points }: PrometheusSeries): number => points.at(-1)?.value ?? Number.NEGATIVE_INFINITY;
  const highest = [...bySegment].sort(([, a], [, b]) => last(b) - last(a)).slice(0, segmentsMax);
  const followed = highest.map(([value, { points }]) => ({
    segment: label === undefined ? null : { field: label, value },
    points,
  }));
  const problem =
    bySegment.size < found.length
      ? `${found.length} series where ${bySegment.size} can be told apart: aggregate, for example max by (${label ?? "node"}) (…), and set "segment": ${query}`
      : bySegment.size > segmentsMax
        ? `${bySegment.size} series, of which the highest ${segmentsMax} are followed: ${query}`
        : found.length === 0
          ? `no series: ${query}`
          : undefined;
  return { followed, problem };
}
