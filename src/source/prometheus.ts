import type { Point } from "../judge/forecast.ts";
import { Fault } from "../model/fault.ts";
import { createHttpGet, type HttpPlace } from "./http-get.ts";

/** One series of a query's answer. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Ascending; points that are no finite number are left out. */
  readonly points: readonly Point[];
}

export interface PrometheusRange {
  /** Epoch ms; both ends belong to it. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}

export interface Prometheus {
  readonly name: string;
  /**
   * What a query gave at each step of a range.
   * @throws Fault `source.unreachable` (retryable), or `config.invalid` when the query is wrong
   */
  range(query: string, range: PrometheusRange, signal: AbortSignal): Promise<readonly PrometheusSeries[]>;
}

const timeoutMs = 5_000;

/** @see https://prometheus.io/docs/prometheus/latest/querying/api/ */
export function createPrometheus(place: HttpPlace): Prometheus {
  const http = createHttpGet(place, { what: "Prometheus", accept: "application/json", timeoutMs });
  return {
    name: http.name,
    async range(query, { from, to, stepMs }, signal) {
      const parameters = new URLSearchParams({
        query,
        start: String(from / 1_000),
        end: String(to / 1_000),
        step: String(stepMs / 1_000),
      });
      const { status, text } = await http.get(`api/v1/query_range?${parameters}`, signal);
      const answer = answerOf(text);
      if (answer?.status === "error" && (status === 400 || status === 422)) {
        throw new Fault("config.invalid", `Prometheus ${http.name}: ${query}: ${answer.error}`, {
          hint: "try the query in its own page first",
        });
      }
      const result = status === 200 && answer?.status === "success" ? answer.data?.result : undefined;
      if (!Array.isArray(result)) {
        throw new Fault("source.unreachable", `Prometheus ${http.name} answered ${status}`, {
          retryable: true,
          hint:
            status === 401 || status === 403
              ? "check prometheus.username and .password, or .token"
              : "is prometheus.url the server's own?",
        });
      }
      return result.map(seriesOf);
    },
  };
}

interface Answer {
  readonly status?: unknown;
  readonly error?: unknown;
  readonly data?: { readonly result?: unknown };
}

function answerOf(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Answer) : undefined;
  } catch {
    return undefined; // whoever asked says what it should have been
  }
}

/** `{"metric":{…},"values":[[1710000000.781,"12.5"],…]}` */
function seriesOf(entry: unknown): PrometheusSeries {
  const { metric, values } = (entry ?? {}) as { metric?: unknown; values?: unknown };
  const labels = typeof metric === "object" && metric !== null ? (metric as Record<string, unknown>) : {};
  const pairs = Array.isArray(values) ? (values as readonly unknown[]) : [];
  return {
    labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])),
    points: pairs
      .map((pair) => (Array.isArray(pair) ? pair : []))
      .map(([seconds, value]) => ({ time: Number(seconds) * 1_000, value: Number(value) }))
      .filter(({ time, value }) => Number.isFinite(time) && Number.isFinite(value)),
  };
}
