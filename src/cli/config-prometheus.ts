import type { Gauge } from "../judge/gauge.ts";
import { parseDuration } from "../model/time.ts";
import type { HttpPlace } from "../source/http-get.ts";
import type { Finding } from "../spec/explain.ts";
import { toPlace } from "./config-place.ts";
import type { ConfigDocument } from "./config-schema.ts";
import type { Secrets } from "./config-ssl.ts";

/** A Prometheus whose series are followed, and what is asked of it. */
export interface PrometheusConfig {
  readonly place: HttpPlace;
  /** Time between two looks, and between two points of a series. */
  readonly everyMs: number;
  readonly queries: readonly TrendQuery[];
}

export interface TrendQuery extends Gauge {
  /** PromQL; one series, or one for each value of the label `segment`. */
  readonly query: string;
  readonly segment: string | undefined;
  /** Whose alerts they are; undefined: the only view's. */
  readonly featureView: string | undefined;
}

type PrometheusDocument = NonNullable<ConfigDocument["prometheus"]>;

export function toPrometheus(
  { every, queries, ...place }: PrometheusDocument,
  secret: Secrets,
  findings: Finding[],
): PrometheusConfig {
  const seen = new Set<string>();
  queries.forEach(({ name }, index) => {
    if (seen.has(name))
      findings.push({
        path: ["prometheus", "queries", index, "name"],
        code: "bad-value",
        message: `another query is named ${JSON.stringify(name)} as well`,
      });
    seen.add(name);
  });
  return {
    place: toPlace(place, ["prometheus"], secret, findings),
    everyMs: parseDuration(every) ?? 0,
    queries: queries.map(({ name, title, query, limit, unit, warnBefore, segment, featureView }) => ({
      name,
      title: title ?? name.replaceAll("_", " "),
      query,
      limit,
      unit,
      warnBeforeMs: parseDuration(warnBefore) ?? 0,
      segment,
      featureView,
    })),
  };
}
