import { categories } from "./categories.ts";
import { centroid } from "./centroid.ts";
import { defaultRate } from "./default-rate.ts";
import { dimensionRate } from "./dimension-rate.ts";
import { emptyRate } from "./empty-rate.ts";
import { frozen } from "./frozen.ts";
import { limit } from "./limit.ts";
import { location } from "./location.ts";
import { maxRate } from "./max-rate.ts";
import { missing } from "./missing.ts";
import { nonfinite } from "./nonfinite.ts";
import { nullRate } from "./null-rate.ts";
import { patternRate } from "./pattern-rate.ts";
import { rangeRate } from "./range-rate.ts";
import { spread } from "./spread.ts";
import type { Statistic } from "./statistic.ts";
import { trueRate } from "./true-rate.ts";
import { wrongType } from "./wrong-type.ts";

/** Everything a breaker may open on, in the order in which verdicts stand. A new statistic is one line here. */
export const statistics: readonly Statistic[] = [
  missing,
  wrongType,
  nonfinite,
  limit,
  defaultRate,
  emptyRate,
  nullRate,
  rangeRate,
  patternRate,
  maxRate,
  dimensionRate,
  trueRate,
  location,
  spread,
  frozen,
  categories,
  centroid,
];
