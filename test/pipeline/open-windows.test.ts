import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeJson } from "../../src/decode/json.ts";
import { hintsOf } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { pack } from "../../src/pipeline/checkpoint.ts";
import { createJudging } from "../../src/pipeline/judging.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { decodeSignal, encodeSignal, kindHeader, type Signal } from "../../src/pipeline/signal.ts";
import { encodeProfile } from "../../src/profile/codec.ts";
import { countsOf } from "../../src/profile/merge.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { baselineOf, profileOf, windowProfile } from "../judge/profiles.ts";
import { sampleProfile } from "../profile/sample.ts";
import { fieldOf, noon, viewOf } from "./outcomes.ts";

type Open = Extract<Signal, { kind: "open" }>;

const view = {
  ...viewOf("amount"),
  segments: [],
  source: { topic: "orders", format: "json", eventTime: "at", requestId: undefined } as const,
};
const numbers = (rows: number, around: number): number[] =>
  Array.from({ length: rows }, (_, row) => around + (row % 100) / 100);
const profileAround = (rows: number, around: number): WindowProfile =>
  windowProfile(view, new Map([["amount", profileOf(fieldOf("amount"), numbers(rows, around))]]));
const baseline = baselineOf(view, new Map([["amount", profileOf(fieldOf("amount"), numbers(1_000, 0))]]));

const open = (profiles: readonly WindowProfile[], counts: readonly WindowProfile[]): Open => ({
  kind: "open",
  view: view.name,
  spec: view.fingerprint,
  partition: "orders-0",
  asOf: noon,
  profiles,
  counts,
});

describe("the signal of open windows", () => {
  it("brings some with their sketches and of others what is counted, in a fraction of the bytes", () => {
    const profile = sampleProfile();
    const { headers, value } = encodeSignal(open([profile], [profile]));
    const signal = decodeSignal(new Map(Object.entries(headers)), value);
    assert(signal?.kind === "open");
    assert.deepEqual(signal.profiles.map(encodeProfile), [encodeProfile(profile)]);
    assert.deepEqual(signal.counts.map(encodeProfile), [encodeProfile(countsOf(profile))]);
    const [whole, lean] = [encodeProfile(profile).length, encodeProfile(countsOf(profile)).length];
    assert.ok(lean < whole / 4, `${lean} of ${whole} bytes`);
  });

  it("of an older tidemark has nothing but whole ones", () => {
    const profile = sampleProfile();
    const { profiles: _, counts: __, ...header } = open([], []);
    const signal = decodeSignal(new Map([[kindHeader, "open"]]), pack(header, [encodeProfile(profile)]));
    assert(signal?.kind === "open");
    assert.deepEqual([signal.profiles.map(encodeProfile), signal.counts], [[encodeProfile(profile)], []]);
  });
});

describe("an early look", () => {
  const statistics = (judged: ReturnType<ReturnType<typeof createJudging>["early"]>): string[] =>
    judged.flatMap((outcome) =>
      outcome.kind === "alert" ? [outcome.alert.statistic ?? outcome.alert.alertname] : [],
    );

  it("sees a shift as soon as the sketches are told, not in counts alone", () => {
    const judging = createJudging(view, baseline);
    const moved = profileAround(200, 5);
    assert.deepEqual(statistics(judging.early([{ counts: [countsOf(moved)], sketches: [] }], noon)), []);
    const grown = profileAround(300, 5);
    const told = statistics(judging.early([{ counts: [countsOf(grown)], sketches: [moved] }], noon));
    assert.ok(told.includes("location"), told.join());
  });

  it("sees a shift in sketches that are told after the counts of the same rows, when no more come", () => {
    const judging = createJudging(view, baseline);
    const moved = profileAround(200, 5);
    const look = (sketches: readonly WindowProfile[]): string[] =>
      statistics(judging.early([{ counts: [countsOf(moved)], sketches }], noon));
    assert.deepEqual(look([]), []);
    assert.ok(look([moved]).includes("location"));
    assert.deepEqual(look([moved]), [], "what was seen is not looked at again");
  });

  it("sees a NaN that came after the sketches were told in the counts", () => {
    const strict = { ...view, fields: [{ ...fieldOf("amount"), nullable: false, finite: true }] };
    const judging = createJudging(strict, baseline);
    const before = profileAround(200, 0);
    judging.early([{ counts: [before], sketches: [before] }], noon);
    const field = profileOf({ ...fieldOf("amount"), finite: true }, [...numbers(399, 0), Number.NaN]);
    const counts = countsOf(windowProfile(strict, new Map([["amount", field]])));
    const sketches = profileAround(390, 0);
    const told = statistics(judging.early([{ counts: [counts], sketches: [sketches] }], noon));
    assert.ok(told.includes("nonfinite"), told.join());
  });
});

describe("a lane's open windows", () => {
  const lane = async (minRows: number) => {
    const clock = { at: 0 };
    const signals: Open[] = [];
    const monitor = createMonitor({
      views: [{ view: { ...view, window: { ...view.window, minRows } }, baseline }],
      limits: defaultLimits,
      sinks: [
        {
          name: "test",
          accept: async (outcomes) => {
            for (const outcome of outcomes)
              if (outcome.kind === "signal" && outcome.signal.kind === "open") signals.push(outcome.signal);
          },
          close: async () => undefined,
        },
      ],
      store: createMemoryStore(),
      clock: { now: () => noon + clock.at, elapsed: () => clock.at },
      idleAfterMs: 10_000,
      relay: { processId: "one", judging: () => undefined, ready: () => true },
    });
    const partition = { topic: "orders", partition: 0 };
    await monitor.assigned(partition);
    let offset = 0;
    return async (at: number, rows: number): Promise<string> => {
      clock.at = at;
      signals.length = 0;
      const lines = numbers(rows, 0).map((amount) => ({ at: noon + at, amount }));
      const bytes = new TextEncoder().encode(JSON.stringify(lines));
      const batch = decodeJson(bytes, hintsOf(view), defaultLimits);
      const message = { offset: offset++, timestamp: noon + at, headers: new Map() };
      if (rows > 0) await monitor.receive(partition, [{ ...message, body: { kind: "batch", batch } }]);
      else await monitor.tick();
      return signals
        .map(({ profiles, counts }) => `${profiles.length} whole, ${counts.length} counted`)
        .join();
    };
  };

  it("are told as counts at once, with sketches after a second and when they have grown by a quarter", async () => {
    const told = await lane(1);
    assert.equal(await told(0, 100), "0 whole, 1 counted");
    assert.equal(await told(500, 100), "");
    assert.equal(await told(1_000, 0), "1 whole, 0 counted");
    assert.equal(await told(2_000, 20), "0 whole, 1 counted");
    assert.equal(await told(3_000, 2), "");
    assert.equal(await told(4_000, 30), "1 whole, 0 counted");
    assert.equal(await told(5_000, 0), "");
  });

  it("are told with sketches as soon as there are enough rows to judge them", async () => {
    const told = await lane(50);
    assert.equal(await told(0, 45), "0 whole, 1 counted");
    assert.equal(await told(1_000, 0), "1 whole, 0 counted");
    assert.equal(await told(2_000, 4), "0 whole, 1 counted");
    assert.equal(await told(3_000, 1), "1 whole, 0 counted");
    assert.equal(await told(4_000, 1), "");
  });
});
