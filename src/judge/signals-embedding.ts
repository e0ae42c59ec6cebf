import type { FieldProfile } from "../profile/profile.ts";
import { normalScore } from "./shape.ts";
import type { Signal } from "./signal.ts";
import { short } from "./statistic.ts";

/** What is followed of an embedding: how far its centroid is from the baseline's, and how long its vectors are. */
export function embeddingSignals(name: string, { body }: FieldProfile): readonly Signal[] {
  if (body.kind !== "embedding" || body.vectors < 2 || body.dimensions === 0) return [];
  const { means, m2s, vectors: m, dimensions } = body;
  const variances = m2s.map((m2) => m2 / (m - 1));
  const sd = variances.reduce((sum, variance) => sum + Math.sqrt(variance), 0) / dimensions;
  if (!(sd > 0)) return [];
  const floor = (sd * 1e-3) ** 2;
  const normSd = Math.sqrt(body.norms.m2 / Math.max(1, body.norms.count - 1));
  const signals: Signal[] = [
    {
      name: "centroid",
      statistic: "centroid",
      score: true,
      weight: 3,
      kind: "number",
      sides: "up",
      unit: 1,
      read({ profile: { body: own } }) {
        if (own.kind !== "embedding" || own.vectors === 0 || own.dimensions !== dimensions) return undefined;
        const perRow = 1 / own.vectors + 1 / m;
        let q = 0;
        for (let j = 0; j < dimensions; j++) {
          const move = (own.means[j] as number) - (means[j] as number);
          q += (move * move) / (Math.max(variances[j] as number, floor) * perRow);
        }
        return { value: normalScore(Math.min(q, 1e12), dimensions), error: 1, rows: own.vectors };
      },
      say: (observed) => `the centroid of ${name} has moved (${short(observed)} standard errors)`,
    },
  ];
  if (normSd > 0)
    signals.push({
      name: "norm",
      statistic: "norm",
      weight: 2,
      kind: "number",
      sides: "both",
      unit: normSd,
      read({ profile: { body: own } }) {
        if (own.kind !== "embedding" || own.norms.count === 0) return undefined;
        const rows = own.norms.count;
        return { value: own.norms.mean, error: normSd / Math.sqrt(rows), rows };
      },
      say: (observed, expected) =>
        `vectors of ${name} are ${short(observed)} long on the average, ${short(expected)} are usual`,
    });
  return signals;
}
