import { top } from "../sketch/categories.ts";
import { rateStatistic } from "./rate.ts";
import { percent } from "./statistic.ts";

const valuesShown = 3;

/** Share of values that the serving model's lookup does not know: (values − hits)/values of the mapping. */
export const defaultRate = rateStatistic({
  name: "default_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.mapping !== undefined,
  count: ({ body }) =>
    body.kind === "string"
      ? { hits: body.mappingMisses, rows: body.mappingHits + body.mappingMisses }
      : undefined,
  limit: (field) => field.mapping?.maxDefaultRate,
  rule: "default",
  predicate: "are outside the mapping",
  contributions({ profile: { body } }, { redact }) {
    const rows = body.kind === "string" ? body.mappingHits + body.mappingMisses : 0;
    if (redact === true || body.kind !== "string" || body.mappingMisses === 0) return "";
    return top(body.unknowns, valuesShown)
      .map(({ value, count }) => `${JSON.stringify(value.slice(0, 40))} ${percent(count / rows)}`)
      .join(", ");
  },
});
