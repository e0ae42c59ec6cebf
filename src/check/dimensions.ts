import type { CompileRule } from "./rule.ts";

/** An embedding has as many elements as the spec says. */
export const dimensions: CompileRule = ({ dimensions: wanted, type }) =>
  type !== "embedding" || wanted === undefined
    ? undefined
    : {
        kind: "list",
        name: "dimensions",
        expected: `${wanted} elements`,
        breaks: (length) => length !== wanted,
      };
