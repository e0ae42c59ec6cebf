/**
 * How often each value occurs: exact up to `limit` values, bounded frequent items (Misra–Gries) beyond.
 * A value's true count is in [countOf, countOf + error], and error ≤ 2 · total / limit.
 */
export interface Categories {
  readonly limit: number;
  /** Values added. */
  total: number;
  /** What any count may have lost; 0 while exact. */
  error: number;
}

export interface CategoryCount {
  readonly value: string;
  readonly count: number;
}

export const createCategories = (limit: number): Categories => ({ limit, total: 0, error: 0 });

/** Adds `count` occurrences. */
export function addCategory(into: Categories, _value: string, count = 1): void {
  into.total += count;
}

/** Neither argument is changed. */
export function mergeCategories(a: Categories, _b: Categories): Categories {
  return a;
}

/** Occurrences of `value`: exact, or a lower bound that is short by `error` at most. */
export function countOf(_categories: Categories, _value: string): number {
  return 0;
}

/** The `k` most frequent, by descending count, then by value. */
export function top(_categories: Categories, _k: number): CategoryCount[] {
  return [];
}

/** Every value that is kept, by descending count, then by value. */
export function entries(_categories: Categories): CategoryCount[] {
  return [];
}

/** Occurrences added, of values kept or not. */
export function total(categories: Categories): number {
  return categories.total;
}

/** Whether every value is kept with its exact count. */
export function isExact(categories: Categories): boolean {
  return categories.error === 0;
}

/** Values kept. */
export function size(_categories: Categories): number {
  return 0;
}
