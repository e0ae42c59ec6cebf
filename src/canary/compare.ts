import type { Answered } from "./answers.ts";
import type { CanaryOptions, Check } from "./check.ts";
import { centroidDistance, itemDistance, labelDistance, numberDistance } from "./distances.ts";
import type { Leaf } from "./leaves.ts";
import { rankBiasedOverlap } from "./overlap.ts";
import { createDice, type Distance, type Estimate, estimate } from "./resample.ts";

const confidence = 0.95;

/** One part of the output: the whole, a key of it, and of a vector its centroid and its length. */
export interface Component {
  /** `""` is the whole output; `embedding#norm` the L2 norms of a vector. */
  readonly path: string;
  readonly kind: "number" | "label" | "list" | "centroid" | "norm";
  /** Pairs in which both have it. */
  readonly n: number;
  /** KL(production ‖ candidate), nats; null with too few pairs. */
  readonly kl: Estimate | null;
  /** Of ranked lists: mean rank-biased overlap with production's answer to the same query, and to others. */
  readonly overlap?: {
    readonly mean: number;
    readonly low: number;
    readonly high: number;
    readonly byChance: number;
  };
  readonly example: { readonly production: string; readonly candidate: string } | null;
}

/** Fewer pairs than this and a divergence says nothing. */
const pairsMin = 20;

/** Compares the distribution of every part of the outputs. */
export function compareOutputs(
  answered: readonly Answered[],
  options: CanaryOptions,
): { components: readonly Component[]; checks: readonly Check[] } {
  const parts = partsOf(answered);
  // so that the chance of a false abort does not grow with the number of parts
  const own = 1 - (1 - confidence) / Math.max(1, parts.length);
  const components = parts.map((part) => componentOf(part, own, options.seed));
  return { components, checks: [klCheck(components, options), ...overlapChecks(components, options)] };
}

interface Part {
  readonly path: string;
  readonly kind: Component["kind"];
  readonly n: number;
  readonly distance: Distance;
  readonly pairCost: number;
  readonly lists?: {
    readonly ours: readonly (readonly string[])[];
    readonly theirs: readonly (readonly string[])[];
  };
  readonly example: Component["example"];
}

type Of<K extends Leaf["kind"]> = Extract<Leaf, { kind: K }>;

function partsOf(answered: readonly Answered[]): readonly Part[] {
  const paths = new Set(answered.flatMap(({ ours }) => [...ours.keys()]));
  return [...paths].flatMap((path) => partsAt(answered, path));
}

function partsAt(answered: readonly Answered[], path: string): Part[] {
  /** The pairs in which both have a leaf of that kind. */
  const both = <K extends Leaf["kind"]>(kind: K): { ours: Of<K>; theirs: Of<K> }[] =>
    answered.flatMap(({ ours, theirs }) => {
      const [a, b] = [ours.get(path), theirs.get(path)];
      return a?.kind === kind && b?.kind === kind ? [{ ours: a as Of<K>, theirs: b as Of<K> }] : [];
    });
  const parts: Part[] = [];
  const numbers = both("number");
  if (numbers.length > 0) {
    const [a, b] = [numbers.map(({ ours }) => ours.value), numbers.map(({ theirs }) => theirs.value)];
    parts.push({
      path,
      kind: "number",
      n: numbers.length,
      distance: numberDistance(Float64Array.from(a), Float64Array.from(b)),
      pairCost: 2,
      example: farthest(a, b),
    });
  }
  const labels = both("label");
  if (labels.length > 0) {
    const [a, b] = [labels.map(({ ours }) => ours.value), labels.map(({ theirs }) => theirs.value)];
    parts.push({
      path,
      kind: "label",
      n: labels.length,
      distance: labelDistance(a, b),
      pairCost: 2,
      example: firstDifferent(a, b),
    });
  }
  const lists = both("list");
  if (lists.length > 0) {
    const [ours, theirs] = [lists.map((pair) => pair.ours.items), lists.map((pair) => pair.theirs.items)];
    parts.push({
      path,
      kind: "list",
      n: lists.length,
      distance: itemDistance(ours, theirs),
      pairCost: 2 * Math.max(...ours.map(({ length }) => length)),
      lists: { ours, theirs },
      example: firstDifferent(ours.map(listed), theirs.map(listed)),
    });
  }
  parts.push(...vectorParts(path, both("vector")));
  return parts;
}

/** The centroid does not move when every vector is scaled: their lengths are a part of their own. */
function vectorParts(path: string, pairs: readonly { ours: Of<"vector">; theirs: Of<"vector"> }[]): Part[] {
  const dimensions = pairs[0]?.ours.values.length;
  const same = pairs.filter(
    ({ ours, theirs }) => ours.values.length === dimensions && theirs.values.length === dimensions,
  );
  if (dimensions === undefined || same.length === 0) return [];
  const [ours, theirs] = [same.map((pair) => pair.ours.values), same.map((pair) => pair.theirs.values)];
  const [a, b] = [ours.map(norm), theirs.map(norm)];
  const example = farthest(a, b);
  return [
    {
      path,
      kind: "centroid",
      n: same.length,
      distance: centroidDistance(ours, theirs),
      pairCost: dimensions,
      example: null,
    },
    {
      path: `${path}#norm`,
      kind: "norm",
      n: same.length,
      distance: numberDistance(Float64Array.from(a), Float64Array.from(b)),
      pairCost: 2,
      example,
    },
  ];
}

function componentOf(
  { path, kind, n, distance, pairCost, lists, example }: Part,
  own: number,
  seed: number,
): Component {
  const kl = n < pairsMin ? null : estimate(n, distance, { confidence: own, seed, pairCost });
  const base = { path, kind, n, kl, example };
  return lists === undefined ? base : { ...base, overlap: overlapOf(lists, seed) };
}

function overlapOf(
  { ours, theirs }: NonNullable<Part["lists"]>,
  seed: number,
): NonNullable<Component["overlap"]> {
  const n = ours.length;
  const each = Float64Array.from(ours, (items, pair) =>
    rankBiasedOverlap(items, theirs[pair] as readonly string[]),
  );
  const dice = createDice(seed);
  const meanOf = (at: (pair: number) => number): number => {
    let sum = 0;
    for (let pair = 0; pair < n; pair++) sum += at(pair);
    return sum / n;
  };
  const means = Float64Array.from({ length: 1_000 }, () => meanOf(() => each[dice(n)] as number)).sort();
  // what lists of different queries have in common
  const step = 1 + dice(Math.max(1, n - 1));
  return {
    mean: meanOf((pair) => each[pair] as number),
    low: means[Math.floor(0.025 * means.length)] as number,
    high: means[Math.floor(0.975 * means.length)] as number,
    byChance: meanOf((pair) =>
      rankBiasedOverlap(ours[pair] as readonly string[], ours[(pair + step) % n] as readonly string[]),
    ),
  };
}

/** abort: surely above the gate · inconclusive: above it, by more than equal models would show, and yet not surely. */
function klCheck(components: readonly Component[], { maxKl }: CanaryOptions): Check {
  const measured = components.flatMap((component) =>
    component.kl === null ? [] : [{ ...component, kl: component.kl }],
  );
  const by = (a: { kl: Estimate }, b: { kl: Estimate }): number => b.kl.value - a.kl.value;
  const sure = measured.filter(({ kl }) => kl.low > maxKl).sort(by);
  const chance = Math.max((1 - confidence) / Math.max(1, measured.length), 0.005); // 200 exchanges tell no less
  const above = measured.filter(({ kl }) => kl.value > maxKl && kl.pValue <= chance).sort(by);
  const [worst] = [...sure, ...above, ...measured.toSorted(by)];
  if (worst === undefined) {
    return {
      name: "kl",
      result: "inconclusive",
      summary: `no part of the output is there in ${pairsMin} answers of both: nothing to compare`,
    };
  }
  const others = (sure.length > 0 ? sure.length : above.length) - 1;
  const { kl, example } = worst;
  const where = `KL divergence of ${nameOf(worst)} is ${short(kl.value)} (${short(kl.low)} to ${short(kl.high)})`;
  const shown = example === null ? "" : `: ${example.candidate} where production says ${example.production}`;
  const more = others > 0 ? `, and of ${others} other parts` : "";
  if (sure.length > 0)
    return { name: "kl", result: "abort", summary: `${where}, above ${maxKl}${more}${shown}` };
  if (above.length > 0) {
    const summary = `${where}, above ${maxKl}${more}, and it may be chance: more queries would tell`;
    return { name: "kl", result: "inconclusive", summary };
  }
  return { name: "kl", result: "pass", summary: `${where}, at most ${maxKl}` };
}

function overlapChecks(components: readonly Component[], { minRbo }: CanaryOptions): readonly Check[] {
  return components.flatMap(({ path, kind, overlap }): Check[] => {
    if (overlap === undefined) return [];
    const { mean, low, high, byChance } = overlap;
    const summary = `ranked lists${path === "" ? "" : ` ${path}`} overlap with production's by ${short(mean)} (${short(low)} to ${short(high)}; lists of different queries ${short(byChance)})`;
    const name = "overlap";
    if (minRbo !== undefined && high < minRbo)
      return [{ name, result: "abort", summary: `${summary}, below ${minRbo}` }];
    if (minRbo !== undefined && mean < minRbo)
      return [{ name, result: "inconclusive", summary: `${summary}, below ${minRbo}, and it may be chance` }];
    if (kind === "list" && low <= byChance && byChance < 0.99) {
      const told = `${summary}: no more than by chance. Does the candidate look at the query?`;
      return [{ name, result: "warn", summary: told }];
    }
    return [{ name, result: "pass", summary }];
  });
}

export function nameOf({ path, kind }: Pick<Component, "path" | "kind">): string {
  const place = path.replace(/#norm$/, "");
  const what = {
    number: "",
    label: "labels",
    list: "items",
    centroid: "the centroid",
    norm: "vector lengths",
  }[kind];
  if (place === "") return what === "" ? "the output" : what;
  return what === "" ? place : `${what} of ${place}`;
}

export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function norm(values: readonly number[]): number {
  return Math.hypot(...values);
}

function farthest(a: readonly number[], b: readonly number[]): Component["example"] {
  let at = -1;
  for (let pair = 0; pair < a.length; pair++) {
    const gap = Math.abs((a[pair] as number) - (b[pair] as number));
    if (gap > (at < 0 ? 0 : Math.abs((a[at] as number) - (b[at] as number)))) at = pair;
  }
  return at < 0 ? null : { production: short(a[at] as number), candidate: short(b[at] as number) };
}

function firstDifferent(a: readonly string[], b: readonly string[]): Component["example"] {
  const at = a.findIndex((value, pair) => value !== b[pair]);
  return at < 0 ? null : { production: quoted(a[at] as string), candidate: quoted(b[at] as string) };
}

function listed(items: readonly string[]): string {
  return `[${items.slice(0, 5).join(", ")}${items.length > 5 ? ", …" : ""}]`;
}

function quoted(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
