import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Bank, countBank, type Evidence, normalBank } from "../../src/judge/e-detector.ts";
import { createRandom } from "./random.ts";

const line = 1_000;

/** Windows until the mean M passes the line; `most` when it never does. */
function delay(bank: Bank, next: () => Evidence, most: number): number {
  const state = new Float64Array(bank.size);
  for (let window = 0; window < most; window++)
    if (bank.update(state, 0, window, next(), line * 10) >= line) return window + 1;
  return most;
}

const normal = normalBank({ slack: 0.35, clip: 8, sides: "both" });

/** Windows of a shift, then clean ones until the leading bet has lost five nats of the most it held. */
function allClear(bank: Bank, shift: number, seed: number): number {
  const random = createRandom(seed);
  const state = new Float64Array(bank.size);
  const z = (mean: number): Evidence => ({ z: mean + random.normal(), hits: 0, rows: 0 });
  for (let window = 0; window < 40; window++) bank.update(state, 0, window, z(shift), line * 10);
  const bet = bank.lead(state, 0);
  const height = bank.held(state, 0, bet);
  for (let window = 1; window < 200; window++) {
    bank.update(state, 0, 40 + window, z(0), line * 10);
    if (bank.held(state, 0, bet) < height * Math.exp(-5)) return window;
  }
  return 200;
}

describe("a bank of bets on z", () => {
  it("alarms less often than its line promises while nothing is wrong", () => {
    const random = createRandom(11);
    let alarms = 0;
    for (let stream = 0; stream < 200; stream++) {
      const z = (): Evidence => ({ z: random.normal(), hits: 0, rows: 0 });
      if (delay(normal, z, 500) < 500) alarms += 1;
    }
    // 200 streams of 500 windows: at most 100 alarms by the line alone, and the slack leaves almost none
    assert.ok(alarms <= 5, `${alarms} alarms`);
  });

  it("finds a shift of 3 within six windows, one of 8 in the first or second", () => {
    const random = createRandom(12);
    const meanDelay = (shift: number): number => {
      let sum = 0;
      for (let stream = 0; stream < 100; stream++)
        sum += delay(normal, () => ({ z: shift + random.normal(), hits: 0, rows: 0 }), 200);
      return sum / 100;
    };
    assert.ok(meanDelay(3) < 6);
    assert.ok(meanDelay(-3) < 6);
    assert.ok(meanDelay(8) < 2);
  });

  it("says with which window the change began", () => {
    const random = createRandom(13);
    const state = new Float64Array(normal.size);
    for (let window = 0; window < 60; window++) {
      const z = random.normal() + (window >= 50 ? 3 : 0);
      normal.update(state, 0, window, { z, hits: 0, rows: 0 }, line * 10);
    }
    const onset = normal.onset(state, 0);
    assert.ok(Math.abs(onset - 50) <= 2, `${onset}`);
  });

  it("forgets after recovery within two dozen windows", () => {
    const state = new Float64Array(normal.size);
    for (let window = 0; window < 50; window++)
      normal.update(state, 0, window, { z: 6, hits: 0, rows: 0 }, line * 3);
    let mean = line;
    for (let window = 50; window < 74; window++)
      mean = normal.update(state, 0, window, { z: 0, hits: 0, rows: 0 }, line * 3);
    assert.ok(mean < line / 8, `${mean}`);
  });
});

describe("a bank of bets on counts", () => {
  const bank = countBank({ high: 0.0208, low: 0.0188, dispersion: 1, sides: "both" });
  const counts = (random: ReturnType<typeof createRandom>, rate: number) => (): Evidence => {
    let hits = 0;
    for (let row = 0; row < 1_000; row++) if (random.uniform() < rate) hits += 1;
    return { z: 0, hits, rows: 1_000 };
  };

  it("is silent at the baseline's rate", () => {
    const random = createRandom(14);
    for (let stream = 0; stream < 10; stream++) assert.equal(delay(bank, counts(random, 0.02), 200), 200);
  });

  it("finds a rise from 2% to 3%, and a fall to 1%", () => {
    const random = createRandom(15);
    assert.ok(delay(bank, counts(random, 0.03), 100) <= 14);
    assert.ok(delay(bank, counts(random, 0.01), 100) <= 14);
  });
});

describe("the leading bet of a bank", () => {
  it("says within two windows that a large shift is over, and takes its time with a small one", () => {
    const mean = (shift: number): number =>
      Array.from({ length: 50 }, (_, seed) => allClear(normal, shift, seed)).reduce((a, b) => a + b, 0) / 50;
    assert.ok(mean(8) <= 2, `${mean(8)}`);
    assert.ok(mean(3) <= 6, `${mean(3)}`);
    assert.ok(mean(1) > 2 && mean(1) < 40, `${mean(1)}`);
  });

  it("is forgotten with everything else by `clear`", () => {
    const state = new Float64Array(normal.size + 2).fill(7);
    normal.update(state, 1, 3, { z: 4, hits: 0, rows: 0 }, line);
    normal.clear(state, 1);
    assert.deepEqual([...state], [7, ...new Array(normal.size).fill(0), 7]);
  });
});
