import { logUpperGamma } from "../statistics/special.ts";
import type { StatisticHistory } from "./baseline.ts";
import { type Reading, type Statistic, short } from "./statistic.ts";

/** Fewer baseline windows than this do not tell how the dimensions hang together: then as if they were all one. */
const historyMin = 20;

/**
 * How far an embedding's centroid moved: the L2 length of the move in units of the mean per-dimension SD, less what a
 * window of n vectors moves by luck (Σσ²/n). Unit 1. Evidence: Q = Σ (move/error)² against χ² with as many degrees of
 * freedom as the baseline's windows show (Satterthwaite): dimensions that move together count once.
 */
export const centroid: Statistic = {
  name: "centroid",
  reads: "sketches",
  prepare(field, reference) {
    if (reference?.body.kind !== "embedding" || reference.body.vectors < 2) return undefined;
    const { means, m2s, vectors: m, dimensions } = reference.body;
    const variances = m2s.map((m2) => m2 / (m - 1));
    const sd = variances.reduce((sum, variance) => sum + Math.sqrt(variance), 0) / dimensions;
    if (dimensions === 0 || !(sd > 0)) return undefined;
    const floor = (sd * 1e-3) ** 2; // A dimension that never moved is not infinitely sure.
    const varianceSum = variances.reduce((sum, variance) => sum + variance, 0);
    return {
      varies: true,
      read({ profile: { body } }, history): Reading | undefined {
        if (body.kind !== "embedding" || body.vectors === 0 || body.dimensions !== dimensions)
          return undefined;
        const perRow = 1 / body.vectors + 1 / m;
        let [squares, q] = [0, 0];
        for (let j = 0; j < dimensions; j++) {
          const move = (body.means[j] as number) - (means[j] as number);
          squares += move * move;
          q += (move * move) / (Math.max(variances[j] as number, floor) * perRow);
        }
        const luck = varianceSum * perRow;
        const observed = Math.min(1e9, Math.sqrt(Math.max(0, squares - luck)) / sd);
        const expected = history?.mean ?? 0;
        const error = Math.sqrt(luck) / sd;
        return {
          rows: body.vectors,
          observed,
          expected,
          unit: 1,
          error,
          z: Math.min(1e9, (q - dimensions) / Math.sqrt(2 * dimensions)),
          logTail: tail(Math.min(q, 1e12), dimensions, history),
          say: () =>
            `the centroid of ${field.name} moved by ${short(observed)} standard deviations of a dimension (expected ${short(expected)})`,
        };
      },
    };
  },
};

function tail(q: number, dimensions: number, history: StatisticHistory | undefined): number {
  const known = history !== undefined && history.windows >= historyMin;
  const inflation = known ? Math.max(1, 1 + history.zMean * Math.sqrt(2 / dimensions)) : 1;
  const freedom = known ? Math.max(1, Math.min(dimensions, dimensions / Math.max(1, history.zSd) ** 2)) : 1;
  return logUpperGamma(freedom / 2, ((q / inflation) * (freedom / dimensions)) / 2);
}
