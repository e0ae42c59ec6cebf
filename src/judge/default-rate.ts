import { rateStatistic } from "./rate.ts";

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
});
