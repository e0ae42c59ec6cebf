/** Count, mean, variance and extremes of finite numbers. Mutable: `add…` changes it, everything else returns. */
export interface Moments {
  count: number;
  mean: number;
  /** Sum of squared distances from the mean, in squared units of the field. */
  m2: number;
  /** +Infinity and −Infinity when empty. */
  min: number;
  max: number;
}

export const createMoments = (): Moments => ({
  count: 0,
  mean: 0,
  m2: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
});

/** Both at once: Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (1983). */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const into = { ...a };
  addMoments(into, b);
  return into;
}

/** `mergeMoments` in place. */
export function addMoments(into: Moments, more: Moments): void {
  if (more.count === 0) return;
  const count = into.count + more.count;
  const delta = more.mean - into.mean;
  into.mean += delta * (more.count / count);
  into.m2 += more.m2 + delta * delta * into.count * (more.count / count);
  into.count = count;
  if (more.min < into.min) into.min = more.min;
  if (more.max > into.max) into.max = more.max;
}

/** Sample variance (n − 1), in squared units; 0 with fewer than two values. */
export function variance(moments: Moments): number {
  return moments.count < 2 ? 0 : moments.m2 / (moments.count - 1);
}

/** Sample standard deviation; 0 with fewer than two values. */
export function deviation(moments: Moments): number {
  return Math.sqrt(variance(moments));
}
