import type { ClassicalStatistic } from "./classical.ts";
import { normalLogSf } from "./special.ts";
import { walk } from "./walk.ts";

export const mannWhitney: ClassicalStatistic = {
  name: "mannWhitneyU",
  title: "Mann–Whitney U of the reference",
  fits: "numeric",
  formula: "number of pairs in which the reference's value is the larger one; ties count ½",
  source: "Mann & Whitney, Annals of Mathematical Statistics 18 (1947)",
  units: "pairs",
  range: "0 to nm; nm/2 when neither sample tends to be larger",
  reading:
    "U/(nm) is the probability that a reference value exceeds a current one: 0.5 undrifted, 0.43 after a normal shift up by " +
    "0.25 SD. Heavy tails don't fool it; a change of spread alone escapes it. The value depends on the sizes: judge by its p-value.",
  pValue: "normal, variance corrected for ties, continuity ½, both sides",
  compares: "none",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const [n, m] = [pair.reference.total, pair.current.total];
    const all = n + m;
    let [value, ties] = [0, 0];
    walk(pair.reference, pair.current, ({ here, there, thereBelow }) => {
      value += here * (thereBelow + there / 2);
      const tied = here + there;
      ties += tied * (tied * tied - 1);
    });
    const larger = Math.max(value, n * m - value);
    const sd = Math.sqrt(((n * m) / 12) * (all + 1 - ties / (all * (all - 1))));
    const z = (larger - (n * m) / 2 - 0.5) / sd;
    return { value, logP: sd > 0 ? Math.min(0, Math.LN2 + normalLogSf(z)) : 0 };
  },
};
