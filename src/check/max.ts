import type { CompileRule, NumberRule } from "./rule.ts";

/** Values above `max` are counted: a share of them may be fine (a slow request), so the judge decides. */
export const max: CompileRule = (field) => above("max", field.max);

/** One value above `limit` is one too many. */
export const limit: CompileRule = (field) => above("limit", field.limit);

function above(name: "max" | "limit", most: number | undefined): NumberRule | undefined {
  if (most === undefined) return undefined;
  return {
    kind: "number",
    name,
    expected: `at most ${most}`,
    holds: (_least, largest) => largest <= most,
    count(values, from, to) {
      let more = 0;
      for (let i = from; i < to; i++) if ((values[i] as number) > most) more++;
      return more;
    },
    breaks: (x) => x > most,
  };
}
