import { logBinomialUpperTail } from "../statistics/special.ts";
import { type CanaryOptions, type Check, isSuccess, type Pair } from "./check.ts";
import { type Leaf, leavesOf } from "./leaves.ts";

/** Chance of so many more failures of the candidate, were it as good as production, at which it is aborted, or doubted. */
const [abortBelow, doubtBelow] = [0.01, 0.05];
const examplesMax = 3;

/** What became of the queries, as counts. */
export interface Answers {
  readonly production: AnswerCounts;
  readonly candidate: AnswerCounts;
}

export interface AnswerCounts {
  readonly failed: number;
  readonly empty: number;
  readonly nonfinite: number;
}

/** Both answers of a query that both answered, taken apart. */
export interface Answered extends Pair {
  readonly ours: ReadonlyMap<string, Leaf>;
  readonly theirs: ReadonlyMap<string, Leaf>;
}

/** Status, empty answers, NaN and infinities, and the shape of outputs. */
export function answerChecks(
  pairs: readonly Pair[],
  options: CanaryOptions,
): { answers: Answers; checks: readonly Check[]; answered: readonly Answered[] } {
  const answered = pairs
    .filter(({ production, candidate }) => isSuccess(production) && isSuccess(candidate))
    .map((pair) => ({
      ...pair,
      ours: leavesOf(pair.production.output),
      theirs: leavesOf(pair.candidate.output),
    }));
  const failed = compareRates(
    pairs,
    ({ production }) => !isSuccess(production),
    ({ candidate }) => !isSuccess(candidate),
  );
  const empty = compareRates(
    answered,
    ({ ours }) => isEmpty(ours),
    ({ theirs }) => isEmpty(theirs),
  );
  const nonfinite = compareRates(
    answered,
    ({ ours }) => holds(ours, "nonfinite"),
    ({ theirs }) => holds(theirs, "nonfinite"),
  );
  const counts = (side: "ours" | "theirs"): AnswerCounts => ({
    failed: failed[side],
    empty: empty[side],
    nonfinite: nonfinite[side],
  });
  return {
    answers: { production: counts("ours"), candidate: counts("theirs") },
    checks: [
      rateCheck("status", failed, "fail or are not 2xx", failureText(pairs), options),
      ...(answered.length === 0
        ? []
        : [emptyCheck(answered, empty, options), nonfiniteCheck(nonfinite, options), schemaCheck(answered)]),
    ],
    answered,
  };
}

interface Rates {
  readonly n: number;
  /** How many of production's and of the candidate's answers are bad. */
  readonly ours: number;
  readonly theirs: number;
  /** Probability of so many queries at which only the candidate's is bad, were both equally likely to be. */
  readonly p: number;
}

/** McNemar's exact test, one-sided: only queries at which the two differ say which is worse. */
function compareRates<T>(
  all: readonly T[],
  isOurs: (pair: T) => boolean,
  isTheirs: (pair: T) => boolean,
): Rates {
  let [ours, theirs, only, never] = [0, 0, 0, 0];
  for (const pair of all) {
    const [bad, worse] = [isOurs(pair), isTheirs(pair)];
    if (bad) ours += 1;
    if (worse) theirs += 1;
    if (worse && !bad) only += 1;
    if (bad && !worse) never += 1;
  }
  const p = only === 0 ? 1 : Math.exp(logBinomialUpperTail(only, only + never, 0.5));
  return { n: all.length, ours, theirs, p };
}

function rateCheck(
  name: "status" | "empty" | "nonfinite",
  { n, ours, theirs, p }: Rates,
  predicate: string,
  detail: string,
  { maxIncrease }: CanaryOptions,
  tests = 1,
): Check {
  const above = n > 0 && (theirs - ours) / n > maxIncrease;
  const chance = p * tests;
  const result =
    above && chance < abortBelow ? "abort" : above && chance < doubtBelow ? "inconclusive" : "pass";
  const summary = `${theirs} of ${n} answers of the candidate ${predicate}, ${ours} of production's${detail}`;
  return { name, result, summary };
}

/**
 * Whole answers that are empty, and each part of an answer for itself: `{"user": "u1", "items": []}` is no success either.
 * The first part that got worse is told; with more parts each must be surer (Bonferroni).
 */
function emptyCheck(answered: readonly Answered[], whole: Rates, options: CanaryOptions): Check {
  const check = rateCheck("empty", whole, "are empty", "", options);
  if (check.result === "abort") return check;
  const paths = [...new Set(answered.flatMap(({ ours }) => [...ours.keys()]))].filter((path) => path !== "");
  const parts = paths.map((path) => {
    const rates = compareRates(answered, emptyAt(path, "ours"), emptyAt(path, "theirs"));
    return rateCheck("empty", rates, `have an empty ${path}`, "", options, paths.length);
  });
  const worse = (result: Check["result"]): Check | undefined => parts.find((part) => part.result === result);
  return worse("abort") ?? (check.result === "pass" ? worse("inconclusive") : undefined) ?? check;
}

function emptyAt(path: string, side: "ours" | "theirs"): (pair: Answered) => boolean {
  return (pair) => pair[side].get(path)?.kind === "empty";
}

/** One is too many where production has none. */
function nonfiniteCheck(rates: Rates, options: CanaryOptions): Check {
  const check = rateCheck("nonfinite", rates, "hold NaN or an infinity", "", options);
  return rates.theirs > 0 && rates.ours === 0 ? { ...check, result: "abort" } : check;
}

function failureText(pairs: readonly Pair[]): string {
  const [theirs, ours] = (["candidate", "production"] as const).map((side) => causesOf(pairs, side));
  return (theirs === "" ? "" : ` (${theirs})`) + (ours === "" ? "" : `; production's: ${ours}`);
}

/** The most frequent ones; empty when all succeed. */
function causesOf(pairs: readonly Pair[], side: keyof Pair): string {
  const causes = new Map<string, number>();
  for (const { [side]: answer } of pairs) {
    if (isSuccess(answer)) continue;
    const cause = answer.error ?? `status ${answer.status}`;
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }
  const most = [...causes].sort(([, a], [, b]) => b - a).slice(0, examplesMax);
  return most.map(([cause, count]) => `${count} × ${cause}`).join(", ");
}

/** An object is empty when all of it is. */
function isEmpty(leaves: ReadonlyMap<string, Leaf>): boolean {
  return [...leaves.values()].every(({ kind }) => kind === "empty");
}

function holds(leaves: ReadonlyMap<string, Leaf>, wanted: Leaf["kind"]): boolean {
  return [...leaves.values()].some(({ kind }) => kind === wanted);
}

/**
 * The candidate's outputs have the keys and kinds that production's have: one of another kind, or one key that production
 * never gives, aborts; a key that production always gives may be missing as rarely as any other failure.
 */
function schemaCheck(answered: readonly Answered[]): Check {
  const known = new Map<string, { kinds: Set<string>; times: number }>();
  for (const { ours } of answered) {
    for (const [path, leaf] of ours) {
      const entry = known.get(path) ?? { kinds: new Set<string>(), times: 0 };
      known.set(path, entry);
      entry.times += 1;
      entry.kinds.add(shapeOf(leaf));
    }
  }
  const odd = new Map<string, number>();
  for (const { theirs } of answered) {
    for (const [path, leaf] of theirs) {
      const entry = known.get(path);
      const shape = shapeOf(leaf);
      if (shape === "" || entry?.kinds.has(shape) === true) continue;
      const was =
        entry === undefined ? "nothing" : [...entry.kinds].filter((kind) => kind !== "").join(" or ");
      if (entry !== undefined && was === "") continue; // production only ever gave empty or non-finite ones
      const found = `${path === "" ? "the output" : path} is a ${shape}, ${was} in production`;
      odd.set(found, (odd.get(found) ?? 0) + 1);
    }
    for (const [path, { times }] of known) {
      if (times < answered.length || theirs.has(path) || isEmpty(theirs)) continue;
      const found = `${path === "" ? "the output" : path} is missing`;
      odd.set(found, (odd.get(found) ?? 0) + 1);
    }
  }
  if (answered.every(({ theirs }) => isEmpty(theirs))) {
    const summary = "no answer of the candidate has a shape: all are empty";
    return { name: "schema", result: "inconclusive", summary };
  }
  if (odd.size === 0)
    return { name: "schema", result: "pass", summary: "outputs have production's keys and types" };
  const most = [...odd].sort(([, a], [, b]) => b - a);
  const told = most.slice(0, examplesMax).map(([what, times]) => `${what} (${times} times)`);
  const more = most.length > examplesMax ? ` and ${most.length - examplesMax} more` : "";
  return { name: "schema", result: "abort", summary: `outputs changed shape: ${told.join("; ")}${more}` };
}

/** Vectors of another length are of another shape. Empty and non-finite leaves have none: they are counted elsewhere. */
function shapeOf(leaf: Leaf): string {
  switch (leaf.kind) {
    case "empty":
    case "nonfinite":
      return "";
    case "vector":
      return `vector of ${leaf.values.length}`;
    case "list":
      return "ranked list";
    default:
      return leaf.kind;
  }
}
