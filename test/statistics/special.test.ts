import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  incompleteBeta,
  logBinomialLowerTail,
  logBinomialUpperTail,
  logGamma,
  logIncompleteBeta,
  logLowerGamma,
  logUpperGamma,
  normalCdf,
  normalLogSf,
  normalQuantile,
} from "../../src/statistics/special.ts";

// Reference values: mpmath at 50 digits.
const binomialTails = [
  [1, 1, 0.5, -Math.LN2],
  [5, 50, 0.02, -5.741564710777064],
  [50, 50, 0.001, -345.38776394910684],
  [14, 100, 0.02, -18.055355340428868],
  [396, 1000, 0.0005, -2342.560072529642],
  [1000, 1000, 0.0005, -7600.902459542082],
  [600000, 1000000, 0.1, -750690.6312253185],
  [100500000, 1000000000, 0.1, -1391.7177052749594],
  [1000000, 1000000, 0.01, -4605170.185988091],
  [520, 1000, 0.5, -2.218941369670923],
  [480, 1000, 0.5, -0.10245713923813453],
  [3, 1000, 0.003, -0.5496591195415879],
] as const;

const normalTails = [
  [-8, -6.220960574271786e-16],
  [-3, -0.0013508099647481938],
  [-1, -0.17275377902344988],
  [0, -Math.LN2],
  [0.5, -1.1759117615936185],
  [1, -1.8410216450092636],
  [2, -3.783184333682032],
  [6, -20.736768949974707],
  [6.5, -23.938149495161838],
  [10, -53.23128515051247],
  [38, -726.5572160188201],
  [100, -5005.524208694205],
  [1e5, -5000000012.431864],
] as const;

const normalQuantiles = [
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798407],
  [1e-9, -5.9978070150076865],
  [1e-4, -3.7190164854556804],
  [0.025, -1.9599639845400543],
  [0.25, -0.6744897501960817],
  [0.4999, -0.00025066283008800747],
  [0.75, 0.6744897501960817],
  [0.999, 3.090232306167813],
] as const;

const betas = [
  [0.3, 0.5, 0.25, -1.4799540620824407],
  [1e-5, 0.2, 0.3, -2.7406428882127103],
  [0.5, 10, 10, -Math.LN2],
  [0.9, 2, 30, -2.799999999999981e-29],
  [0.01, 50, 1, -230.25850929940458],
  [0.999, 0.5, 1.5, -1.3425241841352817e-5],
  [0.25, 1000, 3000, -0.6883029709281925],
] as const;

const gammas = [
  [0.5, 3, -4.24708474678559, -0.014409194045103478],
  [0.5, 1e-8, -0.00011284428301004562, -9.08955813767427],
  [2, 20, -16.955477562276577, -4.328422700797185e-8],
  [8, 50, -30.993768270690783, -3.463996676382565e-14],
  [500, 400, -8.109384366904011e-7, -14.025074101550945],
  [500, 700, -34.89086961644102, -7.032145641828592e-16],
  [1e-3, 1e-5, -4.521108920080178, -0.010936541856671912],
  [1.5, 0.1, -0.022665638086218, -3.798216655723153],
] as const;

/** Relative to the value; near 0 the logarithm of a sure thing is as good as its probability: 1e-15 absolute. */
const near = (actual: number, expected: number, relative = 1e-11): void =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected) + 1e-15,
    `${actual} instead of ${expected}`,
  );

describe("special functions", () => {
  it("give the binomial tail to eleven digits of its logarithm, far below the smallest double", () => {
    for (const [k, n, p, expected] of binomialTails) near(logBinomialUpperTail(k, n, p), expected);
  });

  it("give the binomial tail at its ends", () => {
    assert.equal(logBinomialUpperTail(0, 10, 0.2), 0);
    assert.equal(logBinomialUpperTail(11, 10, 0.2), Number.NEGATIVE_INFINITY);
    assert.equal(logBinomialUpperTail(1, 10, 0), Number.NEGATIVE_INFINITY);
    near(logBinomialLowerTail(0, 1000, 0.03), 1000 * Math.log(0.97));
  });

  it("sum the binomial to one over both tails", () => {
    const holds = (n: number, share: number, p: number): void => {
      const k = Math.ceil(share * n);
      const sum = Math.exp(logBinomialUpperTail(k, n, p)) + Math.exp(logBinomialLowerTail(k - 1, n, p));
      assert.ok(Math.abs(sum - 1) < 1e-11, `${sum} at k ${k}, n ${n}, p ${p}`);
    };
    const unit = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(fc.property(fc.integer({ min: 1, max: 2_000 }), unit, unit, holds));
  });

  it("give the normal's upper tail", () => {
    for (const [x, expected] of normalTails) near(normalLogSf(x), expected);
  });

  it("give the normal's quantiles and come back", () => {
    for (const [p, expected] of normalQuantiles) near(normalQuantile(p), expected);
    assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
    assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY);
    const probability = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });
    fc.assert(fc.property(probability, (p) => near(normalCdf(normalQuantile(p)), p, 1e-12)));
  });

  it("give the incomplete beta and gamma functions", () => {
    for (const [x, a, b, expected] of betas) near(logIncompleteBeta(x, a, b), expected);
    for (const [a, x, upper, lower] of gammas) {
      near(logUpperGamma(a, x), upper);
      near(logLowerGamma(a, x), lower);
    }
    near(incompleteBeta(0.3, 0.5, 0.25), 0.2276481458253698);
    near(logGamma(0.5), 0.5 * Math.log(Math.PI));
    near(logGamma(171), 706.5730622457874);
  });
});
