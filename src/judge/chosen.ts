import type { ChosenStatistic, FieldSpec } from "../model/feature-view.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import type { ClassicalStatistic, Measured } from "../statistics/classical.ts";
import { logLuck } from "../statistics/evidence.ts";
import { fits, measureOne } from "../statistics/measure.ts";
import { type Pair, pairOf } from "../statistics/pair.ts";
import { sampleOf } from "../statistics/profiled.ts";
import { meanDifference } from "../statistics/sample.ts";
import { classicalStatistics } from "../statistics/table.ts";
import { totalVariation } from "../statistics/total-variation.ts";
import { logTailMax } from "./evidence.ts";
import { type Gauge, type Reading, short } from "./statistic.ts";

/** What measures how far a distribution moved: judged on, for pictures and warnings, but it opens no breaker any more. */
const replaced: readonly StatisticName[] = ["location", "spread", "categories", "true_rate"];

/** Whether the field chose another statistic to open the breaker in this one's place. Rates and hard rules stay. */
export function replacedByChosen({ drift }: FieldSpec, statistic: StatisticName): boolean {
  return drift.statistic !== undefined && replaced.includes(statistic);
}

/**
 * A classical statistic of the field's choice, of the window's sketches against the baseline's. With a `threshold` it breaks
 * when its value has that size and luck is ruled out (p < 1e-9); with a `pValue` when its own p-value is as small, and
 * nothing else is asked. The unit is such that the line lies at the field's sigma, so that charts show it where they show
 * the others'; `--sigma` does not move it.
 *
 * @returns undefined without a choice or a baseline, or when the baseline's profile is of another kind
 */
export function prepareChosen(
  { name: field, drift: { statistic: choice, sigma } }: FieldSpec,
  profile: FieldProfile | undefined,
): { statistic: StatisticName; gauge: Gauge } | undefined {
  const statistic = classicalStatistics.find(({ name }) => name === choice?.name);
  const reference = profile === undefined ? undefined : sampleOf(profile);
  if (choice === undefined || statistic === undefined || reference === undefined) return undefined;
  if (!fits(statistic, reference.kind)) return undefined;
  const gauge: Gauge = {
    varies: false,
    read(seen): Reading | undefined {
      const current = sampleOf(seen.profile);
      const pair = current === undefined ? undefined : pairOf(reference, current);
      const measured = pair === undefined ? undefined : measureOne(statistic, pair);
      if (pair === undefined || measured === undefined) return undefined;
      const { value } = measured;
      const { shift, logTail, needed } = distance(statistic, choice, measured, pair);
      const expected = expectedOf(statistic, pair);
      // shift is in lines; |observed − expected|/unit must give it in sigmas.
      const unit = Math.abs(value - expected) / Math.max(shift * sigma, 1e-12) || 1;
      return {
        rows: rowsOf(statistic, pair),
        observed: value,
        expected,
        unit,
        error: unit,
        z: 0, // it is no normal deviate: the sequential detector follows the judge's own statistics
        logTail,
        ...changeOf(statistic, pair),
        line: { sigma: sigma * (1 - 1e-12), logTail: needed },
        say: () => sentence(field, statistic, choice, measured),
      };
    },
  };
  return { statistic: statistic.name, gauge };
}

interface Distance {
  /** 1 at the line. */
  readonly shift: number;
  readonly logTail: number;
  /** What `logTail` must be below. */
  readonly needed: number;
}

function distance(
  statistic: ClassicalStatistic,
  { threshold, pValue }: ChosenStatistic,
  measured: Measured,
  pair: Pair,
): Distance {
  if (pValue !== undefined) {
    const logP = measured.logP ?? 0;
    return { shift: logP / Math.log(pValue), logTail: logP, needed: Number.POSITIVE_INFINITY };
  }
  const size = statistic.compares === "magnitude" ? Math.abs(measured.value) : Math.max(0, measured.value);
  return {
    shift: size / (threshold ?? Number.POSITIVE_INFINITY),
    logTail: logLuck(statistic, measured, pair),
    needed: logTailMax,
  };
}

/** What the field's `ignoreBelow` is about: a change of the mean, or of a share. */
function changeOf({ name }: ClassicalStatistic, pair: Pair): Pick<Reading, "change"> {
  if (pair.kind === "numeric") {
    const isOfMean = name === "meanShift" || name === "welchT";
    return isOfMean ? { change: Math.abs(meanDifference(pair.reference, pair.current)) } : {};
  }
  const moved = measureOne(totalVariation, pair);
  return moved === undefined ? {} : { change: moved.value };
}

/** What it was computed over: nulls are values to the share of nulls alone. */
function rowsOf({ name }: ClassicalStatistic, { current: { total, nulls } }: Pair): number {
  return name === "nullShift" ? total + nulls : total;
}

/** Mann–Whitney's U alone is not about 0 when nothing moved. */
function expectedOf({ name }: ClassicalStatistic, { reference, current }: Pair): number {
  return name === "mannWhitneyU" ? (reference.total * current.total) / 2 : 0;
}

function sentence(
  field: string,
  { name }: ClassicalStatistic,
  { threshold, pValue }: ChosenStatistic,
  { value, logP }: Measured,
): string {
  const p = logP === undefined ? "" : `, p = ${exponential(logP)}`;
  const line = pValue === undefined ? `threshold ${threshold}` : `limit p = ${pValue}`;
  return `${name} of ${field} against its baseline is ${short(value)}${p} (${line})`;
}

/** e^logP to two digits, below the smallest double too: `3.1e-512`. */
function exponential(logP: number): string {
  if (logP > -600) return String(Number(Math.exp(logP).toPrecision(2)));
  const tens = logP / Math.LN10;
  const exponent = Math.floor(tens);
  return `${(10 ** (tens - exponent)).toFixed(1)}e${exponent}`;
}
