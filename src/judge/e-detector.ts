import assert from "node:assert/strict";
import type { Sides } from "./signal.ts";

/**
 * E-detectors (Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2022) in the
 * form of Shiryaev and Roberts: M ← (M + 1)·L, where L has an expectation of at most 1 while nothing is wrong. Then E M after
 * t windows is at most t, whenever the change comes and whatever its size, and M ≥ A happens on the average not before A
 * windows. A bank holds one M for each size of change that is betted on, and is their weighted mean.
 *
 * State is three numbers a bet, in an array of the caller's: M; Page's sum S ← max(0, S + ln L), which is at 0 until the change
 * (1954); and the window with which S last began to rise.
 */
export interface Bank {
  /** Numbers of state. */
  readonly size: number;
  /**
   * Takes one window in.
   * @param at      where the bank's state begins in `state`
   * @param window  the window's number
   * @param cap     what one bet alone can bring the mean to: evidence is not hoarded, so that recovery is seen in time
   * @returns the bank's mean M
   */
  update(state: Float64Array, at: number, window: number, seen: Evidence, cap: number): number;
  /** The window with which the change probably began: of the bet with the largest S. */
  onset(state: Float64Array, at: number): number;
  /** The bet with the largest S, the nearest to the change that there was. */
  lead(state: Float64Array, at: number): number;
  /** M of one bet. */
  held(state: Float64Array, at: number, bet: number): number;
  /** Begins anew, as if no window had been seen. */
  clear(state: Float64Array, at: number): void;
}

/** What a bank bets on: a standard normal z, or hits among rows. */
export interface Evidence {
  readonly z: number;
  readonly hits: number;
  readonly rows: number;
}

/** Sizes of change of a z, in its own SDs: each is the best bet for changes near it. */
const sizes: readonly number[] = [0.5, 1, 2, 4, 8];

/** Odds of a hit, times these. Small ones find a rate that creeps, large ones a value that never was. */
const odds: readonly number[] = [1.15, 1.4, 2, 5, 25, 125];

export interface NormalBets {
  /** |z| below it is expected: how far the baseline's own mean may be off, in SDs of one window. */
  readonly slack: number;
  /** |z| beyond it counts as this much: a bound on what a single odd window can prove. */
  readonly clip: number;
  readonly sides: Sides;
}

/** L = exp(δ(±z − slack) − δ²/2): at most 1 on the average for every normal z with |mean| ≤ slack and an SD of at most 1. */
export function normalBank({ slack, clip, sides }: NormalBets): Bank {
  const signs = sides === "both" ? [1, -1] : [sides === "up" ? 1 : -1];
  const bets = signs.flatMap((sign) =>
    sizes.map((size) => ({ sign, size, toll: size * slack + size ** 2 / 2 })),
  );
  return bank(bets.length, (bet, { z }) => {
    const { sign, size, toll } = bets[bet] as (typeof bets)[number];
    return size * Math.min(clip, Math.max(-clip, z)) * sign - toll;
  });
}

export interface CountBets {
  /** The highest and lowest rate that the baseline does not exclude; no bets on a fall when `low` is 0. */
  readonly high: number;
  readonly low: number;
  /** ≥ 1: how much more than binomial the baseline's windows vary; all evidence is divided by it. */
  readonly dispersion: number;
  readonly sides: Sides;
}

/** L = the likelihood ratio of binomial counts at `odds` times the odds of the baseline's rate, to the power 1/dispersion. */
export function countBank({ high, low, dispersion, sides }: CountBets): Bank {
  assert(high > 0 && high < 1 && low < 1 && dispersion >= 1);
  const bets = [
    ...(sides === "down" ? [] : odds.map((times) => betOn(high, times))),
    ...(sides !== "up" && low > 0 ? odds.map((times) => betOn(low, 1 / times)) : []),
  ];
  return bank(bets.length, (bet, { hits, rows }) => {
    const { hit, miss } = bets[bet] as (typeof bets)[number];
    return (hits * hit + (rows - hits) * miss) / dispersion;
  });
}

function betOn(rate: number, times: number): { readonly hit: number; readonly miss: number } {
  const other = (times * rate) / (1 - rate + times * rate);
  return { hit: Math.log(other / rate), miss: Math.log1p(-other) - Math.log1p(-rate) };
}

/** ln L beyond it would overflow; nothing seen in one window deserves more. */
const logRatioMax = 600;

function bank(bets: number, logRatio: (bet: number, seen: Evidence) => number): Bank {
  return {
    size: 3 * bets,
    update(state, at, window, seen, cap) {
      let sum = 0;
      for (let bet = 0; bet < bets; bet++) {
        const place = at + 3 * bet;
        const log = Math.min(logRatioMax, logRatio(bet, seen));
        const before = state[place + 1] as number;
        if (!(before > 0)) state[place + 2] = window;
        state[place + 1] = Math.max(0, before + log);
        const after = Math.min(cap * bets, ((state[place] as number) + 1) * Math.exp(log));
        state[place] = after;
        sum += after;
      }
      return bets === 0 ? 0 : sum / bets;
    },
    onset: (state, at) => state[at + 3 * leadOf(state, at, bets) + 2] as number,
    lead: (state, at) => leadOf(state, at, bets),
    held: (state, at, bet) => state[at + 3 * bet] as number,
    clear: (state, at) => void state.fill(0, at, at + 3 * bets),
  };
}

function leadOf(state: Float64Array, at: number, bets: number): number {
  let best = 0;
  for (let bet = 1; bet < bets; bet++) {
    if ((state[at + 3 * bet + 1] as number) > (state[at + 3 * best + 1] as number)) best = bet;
  }
  return best;
}
