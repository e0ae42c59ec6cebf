import type { CompileRule } from "./rule.ts";

/** 0, "" and [] are empty: a success that says nothing. Only counted where the spec bounds their rate. */
export const empty: CompileRule = ({ maxEmptyRate, type }) => {
  if (maxEmptyRate === undefined || type === "bool") return undefined;
  const expected = "not empty";
  if (type === "string") {
    return { kind: "text", name: "empty", expected, breaks: ({ from, to }) => from === to };
  }
  if (type === "embedding")
    return { kind: "list", name: "empty", expected, breaks: (length) => length === 0 };
  return {
    kind: "number",
    name: "empty",
    expected,
    holds: (least, largest) => least > 0 || largest < 0,
    count(values, from, to) {
      let zeros = 0;
      for (let i = from; i < to; i++) if (values[i] === 0) zeros++;
      return zeros;
    },
    breaks: (x) => x === 0,
  };
};
