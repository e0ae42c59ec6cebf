import type { FieldSpec } from "../model/feature-view.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { RuleName } from "../profile/profile.ts";
import { logBinomialUpperTail } from "../statistics/special.ts";
import type { Gauge, Reading, Seen } from "./statistic.ts";

/** What a thing that must never happen is taken to happen at, so that its evidence is a number. */
const neverRate = 5e-4;

export interface HardRuleOptions {
  readonly name: StatisticName;
  readonly rule: RuleName;
  readonly field: FieldSpec;
  /** Two of these, as shares of the rows, count as a shift of 2; the rule itself breaks at the first row. */
  readonly unit: number;
  readonly hits: (seen: Seen) => number;
  readonly rows: (seen: Seen) => number;
  /** Whether so many hits break the rule; by default any does. */
  readonly breaks?: (hits: number, rows: number) => boolean;
  readonly say: (hits: number, rows: number, example: string | undefined) => string;
}

/** A rule that one row breaks, however few rows there are and whether there is a baseline or not. */
export function hardRule(options: HardRuleOptions): Gauge {
  return {
    varies: false,
    read(seen): Reading {
      const [hits, rows] = [options.hits(seen), options.rows(seen)];
      const example = seen.profile.rules.get(options.rule)?.example;
      const observed = rows === 0 ? 0 : hits / rows;
      const error = Math.sqrt(neverRate / Math.max(1, rows));
      const broken = hits > 0 && (options.breaks?.(hits, rows) ?? true);
      return {
        rows,
        observed,
        expected: 0,
        unit: options.unit,
        error,
        z: observed / error,
        logTail: hits === 0 ? 0 : logBinomialUpperTail(hits, rows, neverRate),
        ...(broken ? { broken: "first" as const } : {}),
        example,
        say: () => options.say(hits, rows, example?.value),
      };
    },
  };
}
