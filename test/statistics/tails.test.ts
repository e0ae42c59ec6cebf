import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  chiSquareLogTail,
  cramerVonMisesLogTail,
  kolmogorovLogTail,
  normalLogTail,
  studentLogTail,
} from "../../src/statistics/tails.ts";

// ln of the tail. Cramér–von Mises: mpmath at 150 digits from Anderson & Darling's Bessel series; the others: scipy.
const kolmogorov = [
  [0.2, -5.050407338671363e-13],
  [0.3, -9.305844633804485e-6],
  [0.5, -0.03672078716235487],
  [0.8, -0.6085442804041837],
  [0.9999, -1.3089375391714126],
  [1.0, -1.3093345359942996],
  [1.2, -2.187029721890018],
  [2, -7.306852819477806],
  [5, -49.30685281944005],
  [20, -799.30685281944],
] as const;

const cramerVonMises = [
  [0.01, -5.864450005722278e-6],
  [0.02, -0.0030051251705405773],
  [0.05, -0.13206854192242223],
  [0.1, -0.5363597997599197],
  [0.461, -2.993592021493136],
  [0.743, -4.6026210396743625],
  [1.168, -6.908511044265038],
  [3, -16.396785810859264],
  [10, -51.529399251480044],
] as const;

const student = [
  [1, 1.5, -0.9826066085807821],
  [2.5, 40, -8.859990991965162],
  [7.3, 0.01, -0.007740768122899759],
  [100, 6, -17.26616350174108],
  [5000, 3, -5.909660060235223],
  [1000000, 2, -3.090031220098037],
] as const;

const chiSquare = [
  [1, 0.3, -0.5380556507217004],
  [2, 5.99, -2.995],
  [9, 27.877, -6.907691923231881],
  [59, 156.3, -23.055336292043233],
  [999, 1200, -11.405924754823806],
  [3, 4000, -1996.078516626276],
] as const;

describe("tails", () => {
  const holds = (tail: (x: number) => number, values: readonly (readonly [number, number])[]): void => {
    for (const [x, expected] of values) {
      const actual = tail(x);
      assert.ok(
        Math.abs(actual - expected) <= 1e-10 * Math.abs(expected) + 1e-14,
        `${actual} instead of ${expected} at ${x}`,
      );
    }
  };

  it("of Kolmogorov's distribution hold on both sides of its series' seam", () =>
    holds(kolmogorovLogTail, kolmogorov));
  it("of Cramér–von Mises' limit keep their digits far out", () =>
    holds(cramerVonMisesLogTail, cramerVonMises));
  it("of Student's t hold for few and for many degrees of freedom", () => {
    for (const [dof, t, expected] of student) holds((x) => studentLogTail(x, dof), [[t, expected]]);
  });
  it("of chi-square hold", () => {
    for (const [dof, x, expected] of chiSquare) holds((y) => chiSquareLogTail(y, dof), [[x, expected]]);
  });
  it("of the normal, both sides, hold and are never above 1", () => {
    holds(normalLogTail, [[1.959963984540054, Math.log(0.05)]]);
    assert.equal(normalLogTail(0), 0);
  });
});
