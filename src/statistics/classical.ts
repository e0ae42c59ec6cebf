import type { ClassicalName } from "../model/verdict.ts";
import type { Pair } from "./pair.ts";

/** A two-sample statistic with what its reader needs to know. A new one is one file and one line in `table.ts`. */
export interface ClassicalStatistic {
  readonly name: ClassicalName;
  readonly title: string;
  /** What it is computed over. */
  readonly fits: "numeric" | "categorical" | "both";
  /** p is the reference, q the current sample, n and m their sizes (values, not nulls). */
  readonly formula: string;
  readonly source: string;
  readonly units: string;
  readonly range: string;
  /** What a typical threshold means, and what to mind. */
  readonly reading: string;
  /** How its p-value is found; absent when it has none. */
  readonly pValue?: string;
  /** What a threshold is held against; `none`: the value means nothing without its p-value. */
  readonly compares: "value" | "magnitude" | "none";
  /** What tells drift from luck when the statistic has no p-value: the cells' G-test, or Kolmogorov–Smirnov. */
  readonly evidence: "own" | "cells" | "ranks";
  /** Needs to know how many values and nulls there are, not what values. */
  readonly sizesSuffice?: true;
  /** @returns undefined where it is not defined: no spread to divide by, one category, a single value */
  measure(pair: Pair): Measured | undefined;
}

export interface Measured {
  readonly value: number;
  /** ln of the p-value: a p-value below 1e-308 has one too. */
  readonly logP?: number;
  readonly dof?: number;
  /** Exact p-value beside the asymptotic one, where counting every order of the values is cheap. */
  readonly exactPValue?: number;
}
