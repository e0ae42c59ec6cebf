import { articled, type CompileRule } from "./rule.ts";

/** A field's column stands in every batch. */
export const missing: CompileRule = ({ type }) => ({
  kind: "cell",
  name: "missing",
  expected: `a field of type ${type}`,
});

/** Every row holds a value, unless the field is nullable. */
export const notNull: CompileRule = ({ nullable, type }) =>
  nullable ? undefined : { kind: "cell", name: "null", expected: articled(type) };
