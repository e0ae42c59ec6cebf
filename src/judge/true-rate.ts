import { rateStatistic } from "./rate.ts";

/** Share of true. Its floor is ours: both answers are lawful, so only a step of 20 points may open a breaker. */
export const trueRate = rateStatistic({
  name: "true_rate",
  floor: 0.1,
  twoSided: true,
  applies: (field) => field.type === "bool",
  count: ({ body }) =>
    body.kind === "bool" ? { hits: body.trues, rows: body.trues + body.falses } : undefined,
  predicate: "are true",
});
