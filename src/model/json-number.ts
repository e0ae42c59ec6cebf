/** A number as JSON can hold it: infinities as the largest double, NaN as null. */
export function jsonNumber(value: number): number | null {
  if (Number.isNaN(value)) return null;
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}
