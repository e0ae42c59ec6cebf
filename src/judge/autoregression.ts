/** Lags that are asked for: what windows remember beyond that is season or trend. */
export const orderMax = 4;

export interface Autoregression {
  /** x_t ≈ Σ coefficients[k]·x_{t−1−k}; empty when windows do not remember. */
  readonly coefficients: readonly number[];
  /** Variance of what that leaves over. */
  readonly variance: number;
}

/**
 * Autoregression of order 0 to 4 of a series with mean 0, by Yule and Walker's equations (Durbin's recursion); the order is
 * the one with the smallest BIC, so that independent windows get none. Memory that makes windows alternate is not believed:
 * in a short series it is chance more often than not, and without it the SD of a lasting change is only taken too large.
 *
 * @param values   residuals by window
 * @param windows  their windows' numbers, ascending; pairs across a gap are left out
 */
export function fitAutoregression(values: Float64Array, windows: Float64Array): Autoregression {
  const n = values.length;
  const covariances = autocovariances(values, windows);
  const [total = 0] = covariances;
  if (n < 4 * orderMax || !(total > 0)) return { coefficients: [], variance: Math.max(0, total) };
  let best: Autoregression = { coefficients: [], variance: total };
  let bestScore = n * Math.log(total);
  let coefficients: number[] = [];
  let variance = total;
  for (let order = 1; order <= orderMax; order++) {
    let reflection = covariances[order] as number;
    for (const [k, a] of coefficients.entries()) reflection -= a * (covariances[order - 1 - k] as number);
    reflection = Math.max(-0.999, Math.min(0.999, reflection / variance));
    const before = coefficients;
    coefficients = before.map((a, k) => a - reflection * (before[order - 2 - k] as number));
    coefficients.push(reflection);
    variance *= 1 - reflection ** 2;
    if (coefficients.reduce((sum, a) => sum + a, 0) <= 0) continue;
    const score = n * Math.log(variance) + order * Math.log(n);
    if (score < bestScore) [best, bestScore] = [{ coefficients: [...coefficients], variance }, score];
  }
  return best;
}

function autocovariances(values: Float64Array, windows: Float64Array): number[] {
  const n = values.length;
  return Array.from({ length: orderMax + 1 }, (_, lag) => {
    let sum = 0;
    for (let t = lag; t < n; t++) {
      if ((windows[t] as number) - (windows[t - lag] as number) === lag)
        sum += (values[t] as number) * (values[t - lag] as number);
    }
    return sum / Math.max(1, n);
  });
}
