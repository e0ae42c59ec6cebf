import { chiSquare } from "./chi-square.ts";
import { chiSquareFit } from "./chi-square-fit.ts";
import type { ClassicalStatistic } from "./classical.ts";
import { cramerVonMises } from "./cramer-von-mises.ts";
import { defaultShift } from "./default-shift.ts";
import { distinctShift } from "./distinct-shift.ts";
import { energy } from "./energy.ts";
import { gTest } from "./g-test.ts";
import { hellinger } from "./hellinger.ts";
import { jensenShannon } from "./jensen-shannon.ts";
import { kolmogorovSmirnov } from "./kolmogorov-smirnov.ts";
import { kullbackLeibler } from "./kullback-leibler.ts";
import { mannWhitney } from "./mann-whitney.ts";
import { meanShift } from "./mean-shift.ts";
import { nullShift } from "./null-shift.ts";
import { psi } from "./psi.ts";
import { sdShift } from "./sd-shift.ts";
import { totalVariation } from "./total-variation.ts";
import { twoProportionZ } from "./two-proportion-z.ts";
import { wasserstein } from "./wasserstein.ts";
import { wassersteinNormed } from "./wasserstein-normed.ts";
import { welchT } from "./welch-t.ts";

/** Every classical statistic, in the order in which they are printed. A new one is one line here and a name in `ClassicalName`. */
export const classicalStatistics: readonly ClassicalStatistic[] = [
  psi,
  kullbackLeibler,
  jensenShannon,
  hellinger,
  totalVariation,
  kolmogorovSmirnov,
  wasserstein,
  wassersteinNormed,
  meanShift,
  sdShift,
  energy,
  cramerVonMises,
  welchT,
  mannWhitney,
  chiSquare,
  chiSquareFit,
  gTest,
  twoProportionZ,
  nullShift,
  distinctShift,
  defaultShift,
];
