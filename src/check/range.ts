import type { CompileRule } from "./rule.ts";

/** Values lie in `range`, both ends included; NaN and infinities never do. Timestamps are compared as epoch milliseconds. */
export const range: CompileRule = ({ range: bounds, type }) => {
  if (bounds === undefined || type === "string" || type === "bool" || type === "embedding") return undefined;
  const [low, high] = bounds;
  return {
    kind: "number",
    name: "range",
    expected: `${low} to ${high}`,
    holds: (least, largest) => least >= low && largest <= high,
    count(values, from, to) {
      let outside = 0;
      for (let i = from; i < to; i++) {
        const x = values[i] as number;
        if (x < low || x > high) outside++;
      }
      return outside;
    },
    breaks: (x) => !(x >= low && x <= high),
  };
};
