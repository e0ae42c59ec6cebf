import { normalLogSf } from "../statistics/special.ts";
import { bothSides } from "./evidence.ts";
import { scoreMoments, scoreTable } from "./scores.ts";
import { type Reading, type Statistic, short } from "./statistic.ts";

/**
 * Windows differ by this share of a unit for reasons that no sample shows; z stops growing with the rows there, so
 * that a window of a million rows is not a proof by size alone.
 */
export const systematicShare = 0.1;

/**
 * Where the values lie: the mean normal score against the baseline, in baseline standard deviations; heavy tails do not
 * fool it. Unit 1. Evidence: z-test of the mean, its SD never below the baseline's, against the nearest mean that the
 * baseline's windows have certainly had.
 */
export const location: Statistic = {
  name: "location",
  reads: "sketches",
  prepare(field, reference) {
    if (field.type === "timestamp" || reference?.body.kind !== "numeric") return undefined;
    const table = scoreTable(reference.body.histogram);
    if (table === undefined) return undefined;
    const usual = reference.body.moments.mean;
    return {
      varies: true,
      read(seen, history): Reading | undefined {
        const scores = scoreMoments(table, seen);
        if (scores === undefined) return undefined;
        const { count, mean: observed } = scores;
        const expected = history?.mean ?? table.mean;
        const error = Math.max(table.sd, Math.sqrt(scores.variance), 1e-3) / Math.sqrt(count);
        const nearest = Math.min(Math.max(observed, history?.low ?? expected), history?.high ?? expected);
        const beyond = Math.abs(observed - nearest) / Math.hypot(error, systematicShare);
        const { body } = seen.profile;
        const mean = body.kind === "numeric" ? body.moments.mean : 0;
        return {
          rows: count,
          observed,
          expected,
          unit: 1,
          error,
          z: (observed - expected) / error,
          change: Math.abs(mean - usual),
          logTail: bothSides(normalLogSf(beyond)),
          say: () =>
            `${field.name} lies ${short(Math.abs(observed - expected))} standard deviations ` +
            `${observed < expected ? "below" : "above"} its baseline (mean ${short(mean)})`,
        };
      },
    };
  },
};
