import type { CompileRule } from "./rule.ts";

/** No NaN and no infinity. Elements of an embedding are asked one by one. */
export const finite: CompileRule = (field) =>
  field.finite
    ? {
        kind: "number",
        name: "nonfinite",
        expected: "a finite number",
        holds: () => true,
        count: () => 0,
        breaks: (x) => !Number.isFinite(x),
      }
    : undefined;
