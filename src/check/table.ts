import { dimensions } from "./dimensions.ts";
import { empty } from "./empty.ts";
import { finite } from "./finite.ts";
import { mapping } from "./mapping.ts";
import { limit, max } from "./max.ts";
import { pattern } from "./pattern.ts";
import { missing, notNull } from "./presence.ts";
import { range } from "./range.ts";
import type { CompileRule, RuleName } from "./rule.ts";
import { type } from "./type.ts";

/** Every rule a field can ask for. */
export const rules: Readonly<Record<RuleName, CompileRule>> = {
  missing,
  type,
  null: notNull,
  nonfinite: finite,
  range,
  max,
  limit,
  default: mapping,
  pattern,
  empty,
  dimensions,
};
