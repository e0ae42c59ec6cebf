import type { StatisticName } from "../model/verdict.ts";
import type { Baseline } from "./baseline.ts";
import { viewOfBaseline } from "./baseline-view.ts";
import { prepareGauges } from "./judge.ts";
import { correlationSignal } from "./pairs.ts";
import { createSeen } from "./statistic.ts";
import { trafficUnit } from "./traffic.ts";

/** One statistic of one field, from one baseline to another. */
export interface Moved {
  /** null: of the stream itself (`volume`), or of a pair of fields (`correlation`). */
  readonly field: string | null;
  readonly statistic: StatisticName;
  /** In the statistic's own unit. */
  readonly before: number;
  readonly after: number;
  /** What the judge calls one standard deviation of it. */
  readonly unit: number;
  /** |after − before| / unit: the distance at which a window of the second is judged by the first. */
  readonly shift: number;
  /** One sentence with numbers. */
  readonly summary: string;
}

/**
 * What moved between two baselines, the most first: everything that the judge measures of a window, measured of the second
 * baseline as if it were one window of the first. So a shift of 2 here is a shift of 2 there, whatever the statistic.
 */
export function diffBaselines(a: Baseline, b: Baseline): readonly Moved[] {
  const view = viewOfBaseline(a);
  const moved: Moved[] = [];
  for (const field of view.fields) {
    const [own, other] = [a.fields.get(field.name), b.fields.get(field.name)];
    if (own === undefined || other === undefined || own.profile.body.kind !== other.profile.body.kind)
      continue;
    const seen = createSeen(other.profile, null, b.to);
    for (const { statistic, gauge } of prepareGauges(field, own, view)) {
      const reading = gauge.varies ? gauge.read(seen, own.statistics.get(statistic)) : undefined;
      if (reading === undefined) continue;
      const { observed, expected, unit } = reading;
      const shift = Math.abs(observed - expected) / unit;
      moved.push({
        field: field.name,
        statistic,
        before: expected,
        after: observed,
        unit,
        shift,
        summary: reading.say(),
      });
    }
  }
  moved.push(...movedTraffic(a, b), ...movedPairs(a, b));
  return moved.sort((x, y) => y.shift - x.shift);
}

function movedTraffic({ traffic: a }: Baseline, { traffic: b }: Baseline): readonly Moved[] {
  if (a === undefined || b === undefined) return [];
  const unit = trafficUnit(a);
  const [before, after] = [Math.exp(a.mean), Math.exp(b.mean)].map((rows) => Math.round(rows));
  const shift = Math.abs(b.mean - a.mean) / unit;
  const summary = `${after} rows in a window, ${before} before`;
  return [{ field: null, statistic: "volume", before: a.mean, after: b.mean, unit, shift, summary }];
}

function movedPairs(a: Baseline, b: Baseline): readonly Moved[] {
  return (a.pairs ?? []).flatMap((pair): Moved[] => {
    const other = b.pairs?.find((each) => each.a === pair.a && each.b === pair.b);
    if (other === undefined) return [];
    const [before, after] = [pair.track.mean, other.track.mean];
    const { unit } = correlationSignal;
    const shift = Math.abs(after - before) / unit;
    const [was, is] = [before, after].map((z) => Math.tanh(z).toFixed(2));
    const summary = `the correlation of ${pair.a} and ${pair.b} is ${is}, ${was} before`;
    return [{ field: null, statistic: "correlation", before, after, unit, shift, summary }];
  });
}
