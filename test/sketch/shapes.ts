import type { Frame } from "../../src/sketch/histogram.ts";
import { createRandom, type Random } from "../judge/random.ts";

/** Data on which a careless sketch gives way: every one seeded, so that a failure comes back. */
const shapes: Readonly<Record<string, (random: Random, row: number, rows: number) => number>> = {
  normal: ({ normal }) => normal(3, 2),
  constant: () => 42.5,
  zeros: () => 0,
  "two points": ({ uniform }) => (uniform() < 0.3 ? 1 : 0),
  "two far points": ({ uniform }) => (uniform() < 0.5 ? -1e12 : 1e-12),
  "small integers": ({ uniform }) => Math.floor(uniform() * 10),
  "heavy tail": ({ pareto }) => pareto(1.1),
  "heavy tails": ({ student }) => student(1.5),
  "1e9 ± 1": ({ normal }) => normal(1e9, 1),
  "1e15 ± 1": ({ uniform }) => 1e15 + Math.floor(uniform() * 3) - 1,
  "epoch milliseconds": ({ uniform }) => 1_772_510_400_000 + Math.floor(uniform() * 60_000),
  denormals: ({ uniform }) => Math.floor(uniform() * 1_000) * Number.MIN_VALUE,
  "plus and minus zero": ({ uniform }) => (uniform() < 0.5 ? 0 : -0),
  "all negative": ({ normal }) => -Math.exp(normal(2, 1)),
  "both signs of every size": ({ uniform, normal }) => Math.sign(uniform() - 0.5) * 10 ** normal(0, 30),
  huge: ({ normal }) => normal(0, 1e300),
  sorted: (_random, row, rows) => row / rows,
  reversed: (_random, row, rows) => 5 * (rows - row),
  "mostly zero": ({ uniform }) => (uniform() < 0.9 ? 0 : uniform() * 1e6),
};

export interface Shape {
  readonly name: string;
  readonly seed: number;
  readonly values: Float64Array;
}

export function* everyShape(seeds: number, rows: number): Generator<Shape> {
  for (const [name, draw] of Object.entries(shapes)) {
    for (let seed = 1; seed <= seeds; seed++) {
      const random = createRandom(seed * 7_919);
      yield { name, seed, values: Float64Array.from({ length: rows }, (_, row) => draw(random, row, rows)) };
    }
  }
}

export const sortedOf = (values: Float64Array): Float64Array => values.slice().sort();

/** The smallest value with a share of q at or below it. */
export function exactQuantile(sorted: Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}

/** Share of values ≤ x. */
export function exactCdf(sorted: Float64Array, x: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] as number) <= x) from = middle + 1;
    else to = middle;
  }
  return from / sorted.length;
}

/** Median and IQR, as a baseline has them. */
export function ownFrame(sorted: Float64Array): Frame {
  const [low, centre, high] = [0.25, 0.5, 0.75].map((q) => exactQuantile(sorted, q)) as [
    number,
    number,
    number,
  ];
  const { sd } = exactMoments(sorted);
  const scale = high - low || sd;
  return { centre, scale: Number.isFinite(scale) && scale > 0 ? scale : 1 };
}

/** Mean, sum of squared distances and SD by integers of any size: right to the last digit of their doubles. */
export function exactMoments(values: Float64Array): { mean: number; m2: number; sd: number } {
  const n = BigInt(values.length);
  let [sum, squares] = [0n, 0n];
  for (const value of values) {
    const x = unitsOf(value);
    sum += x;
    squares += x * x;
  }
  const m2 = ratio(squares * n - sum * sum, n, 2 * exponent);
  return { mean: ratio(sum, n, exponent), m2, sd: Math.sqrt(m2 / Math.max(values.length - 1, 1)) };
}

/** Every double is a whole number of 2^-1074. */
const exponent = 1_074;

function unitsOf(value: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0] as bigint;
  const power = (bits >> 52n) & 0x7ffn;
  const mantissa = (bits & 0xf_ffff_ffff_ffffn) | (power === 0n ? 0n : 1n << 52n);
  const size = mantissa << (power === 0n ? 0n : power - 1n);
  return value < 0 ? -size : size;
}

/** a / (b · 2^power) as the nearest double, more or less. */
function ratio(a: bigint, b: bigint, power: number): number {
  if (a === 0n) return 0;
  const negative = a < 0n;
  const size = negative ? -a : a;
  const shift = 64 - (size.toString(16).length * 4 - b.toString(16).length * 4);
  const quotient = shift >= 0 ? (size << BigInt(shift)) / b : size / (b << BigInt(-shift));
  let value = Number(quotient);
  for (let left = -shift - power; left !== 0; ) {
    const step = Math.max(-900, Math.min(900, left));
    value *= 2 ** step;
    left -= step;
  }
  return negative ? -value : value;
}
