import type { FieldSpec } from "../model/feature-view.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { countOf, top, total } from "../sketch/categories.ts";
import { cdf, type Histogram, quantile } from "../sketch/histogram.ts";
import { defaultCases } from "./distribution.ts";

/** How one value, or one stretch of values, took part in a change. */
export interface Contribution {
  /** The value, `12.5 … 80` for a stretch, `dimension 3`. */
  readonly what: string;
  /** Shares of all values; of a dimension its mean. */
  readonly before: number;
  readonly now: number;
  /** now − before; of a dimension in its own standard deviations. */
  readonly change: number;
  /** Outside the model's mapping: a default case. */
  readonly unknown?: boolean;
}

const stretches = 10;

/**
 * What a field's change is made of, the largest part first: values of a category, tenths of the baseline's numbers,
 * dimensions of an embedding. Empty when either profile lacks values.
 * @param most  entries at most
 */
export function contributionsOf(
  field: FieldSpec,
  before: FieldProfile | undefined,
  now: FieldProfile | undefined,
  most: number,
): readonly Contribution[] {
  const [a, b] = [before?.body, now?.body];
  if (a === undefined || b === undefined) return [];
  const parts: Contribution[] = [];
  if (a.kind === "string" && b.kind === "string") {
    const isDefaultCase = defaultCases(field, [a, b]);
    const [all, seen] = [total(a.categories), total(b.categories)];
    if (all === 0 || seen === 0) return [];
    const values = new Set(
      [a.categories, b.categories].flatMap((each) => top(each, most * 2).map(({ value }) => value)),
    );
    for (const value of values) {
      const [was, is] = [countOf(a.categories, value) / all, countOf(b.categories, value) / seen];
      const unknown = isDefaultCase(value);
      parts.push({ what: value, before: was, now: is, change: is - was, ...(unknown ? { unknown } : {}) });
    }
  } else if (a.kind === "numeric" && b.kind === "numeric") {
    parts.push(...stretchesOf(a.histogram, b.histogram));
  } else if (a.kind === "bool" && b.kind === "bool") {
    const [was, is] = [a, b].map(({ trues, falses }) => trues / Math.max(1, trues + falses));
    if (was !== undefined && is !== undefined)
      parts.push({ what: "true", before: was, now: is, change: is - was });
  } else if (a.kind === "embedding" && b.kind === "embedding" && b.vectors > 0) {
    for (let at = 0; at < Math.min(a.dimensions, b.dimensions); at++) {
      const [was, is] = [a.means[at] as number, b.means[at] as number];
      const sd = Math.sqrt((a.m2s[at] as number) / Math.max(1, a.vectors - 1));
      parts.push({ what: `dimension ${at}`, before: was, now: is, change: sd > 0 ? (is - was) / sd : 0 });
    }
  }
  return parts.sort((x, y) => Math.abs(y.change) - Math.abs(x.change)).slice(0, most);
}

/** Shares below, between and above the baseline's deciles. */
function stretchesOf(before: Histogram, now: Histogram): readonly Contribution[] {
  if (before.total === 0 || now.total === 0) return [];
  const edges = [
    ...new Set(Array.from({ length: stretches - 1 }, (_, at) => quantile(before, (at + 1) / stretches))),
  ];
  const bounds = [Number.NEGATIVE_INFINITY, ...edges, Number.POSITIVE_INFINITY];
  const below = (histogram: Histogram, x: number): number =>
    x === Number.NEGATIVE_INFINITY ? 0 : x === Number.POSITIVE_INFINITY ? 1 : cdf(histogram, x);
  return bounds.slice(1).map((high, at) => {
    const low = bounds[at] as number;
    const [was, is] = [before, now].map((histogram) => below(histogram, high) - below(histogram, low));
    return {
      what: stretchText(low, high),
      before: was ?? 0,
      now: is ?? 0,
      change: (is ?? 0) - (was ?? 0),
    };
  });
}

function stretchText(low: number, high: number): string {
  const text = (value: number): string => String(Number(value.toPrecision(4)));
  if (low === Number.NEGATIVE_INFINITY) return `up to ${text(high)}`;
  return high === Number.POSITIVE_INFINITY ? `above ${text(low)}` : `${text(low)} … ${text(high)}`;
}
