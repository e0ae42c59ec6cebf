import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { rowsToBatch } from "../../src/decode/json.ts";
import type { Baseline } from "../../src/judge/baseline.ts";
import { buildBaseline } from "../../src/judge/baseline-build.ts";
import { formatBaseline, framesOf, parseBaseline } from "../../src/judge/baseline-file.ts";
import type { Batch } from "../../src/model/batch.ts";
import type { FeatureView, FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Alert } from "../../src/model/verdict.ts";
import { createJudging, type Judging } from "../../src/pipeline/judging.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { createRandom, type Random } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

/** Windows of the baseline, and clean ones after it. */
const [learnt, clean] = [60, 12];
const rowsAWindow = 300;

type Event = Record<string, unknown>;

const types: readonly (readonly [string, FieldType])[] = [
  ["amount", "float64"],
  ["double", "float64"],
  ["price", "float64"],
  ["country", "string"],
  ["sku", "string"],
  ["member", "bool"],
  ["score", "float64"],
  ["vector", "embedding"],
];

const view: FeatureView = featureView(types.map(([name, type]) => fieldSpec(name, type)));
const columns = new Map<string, FieldType>([["event_time", "timestamp"], ...types]);

const countries = ["US", "GB", "DE", "FR", "IN"] as const;
const skus = ["a", "b", "c", "d", "e", "f"] as const;

function eventOf({ normal, uniform, pick }: Random): Event {
  const amount = normal(50, 10);
  return {
    amount,
    double: 2 * amount + normal(0, 12),
    price: Math.exp(normal(2, 1)),
    country: pick(countries, [40, 25, 15, 12, 8]),
    sku: pick(skus, [40, 24, 15, 11, 7, 3]),
    member: uniform() < 0.1,
    score: uniform() < 0.02 ? null : normal(),
    vector: Array.from({ length: 4 }, () => normal()),
  };
}

/** What is done to the rows of one window. @param j  windows since the onset */
type Fault = (rows: Event[], random: Random, j: number) => Event[];

const each =
  (change: (event: Event, random: Random, j: number) => Event): Fault =>
  (rows, random, j) =>
    rows.map((event) => ({ ...event, ...change(event, random, j) }));

const some = (share: number, change: Event): Fault =>
  each((_event, { uniform }) => (uniform() < share ? change : {}));

/** By the field's SD. */
const moved = (sds: number): Fault => each(({ amount }) => ({ amount: (amount as number) + 10 * sds }));

/** Fault; the field that is named, and by which statistic; in which window at the latest; whether the breaker opens then. */
const faults: readonly (readonly [string, Fault, string | null, RegExp, number, ("breaker" | "warning")?])[] =
  [
    ["a mean that moved by .3 SD", moved(0.3), "amount", /location/, 2],
    ["a mean that moved by 5 SD", moved(5), "amount", /location/, 1, "breaker"],
    [
      "a mean that moves by 1 SD in ten windows",
      each(({ amount }, _, j) => ({ amount: (amount as number) + Math.min(10, j + 1) })),
      "amount",
      /location/,
      5,
    ],
    [
      "a variance of 1.8",
      each(({ amount }) => ({ amount: 50 + 1.34 * ((amount as number) - 50) })),
      "amount",
      /spread/,
      2,
    ],
    [
      "one price in a hundred that is fifty times too large",
      each(({ price }, { uniform }) => (uniform() < 0.01 ? { price: (price as number) * 50 } : {})),
      "price",
      /tails/,
      8,
    ],
    ["3% of prices at 5,000", some(0.03, { price: 5_000 }), "price", /tails/, 2],
    [
      "another unit",
      each(({ amount }) => ({ amount: (amount as number) * 100 })),
      "amount",
      /location/,
      1,
      "breaker",
    ],
    [
      "1% of the countries written another way",
      some(0.01, { country: "United States" }),
      "country",
      /new_values/,
      3,
    ],
    [
      "99% of US written another way",
      each(({ country }) => (country === "US" ? { country: "United States" } : {})),
      "country",
      /new_values|categories/,
      1,
    ],
    ["a new category", some(0.02, { sku: "z" }), "sku", /new_values/, 2],
    ["a category that is gone", each(({ sku }) => (sku === "d" ? { sku: "a" } : {})), "sku", /categories/, 3],
    [
      "two categories that changed places",
      each(({ sku }) => (sku === "b" ? { sku: "e" } : sku === "e" ? { sku: "b" } : {})),
      "sku",
      /categories/,
      1,
    ],
    ["nulls, 2% to 8%", some(0.06, { score: null }), "score", /null_rate/, 3],
    ["nothing but nulls", each(() => ({ score: null })), "score", /null_rate/, 1, "breaker"],
    ["NaN in 20%", some(0.2, { price: Number.NaN }), "price", /nonfinite/, 1, "breaker"],
    ["infinities in 20%", some(0.2, { price: Number.POSITIVE_INFINITY }), "price", /nonfinite/, 1, "breaker"],
    ["a value that stands still", each(() => ({ amount: 50 })), "amount", /frozen|spread/, 1, "breaker"],
    [
      "a value that stands still in a third of the rows",
      some(0.33, { amount: 50 }),
      "amount",
      /shape|distinct|spread/,
      2,
    ],
    [
      "numbers that are rounded",
      each(({ amount }) => ({ amount: Math.round((amount as number) / 10) * 10 })),
      "amount",
      /shape|distinct/,
      1,
    ],
    [
      "a share of members of 20%, was 10%",
      each((_event, { uniform }) => ({ member: uniform() < 0.2 })),
      "member",
      /true_rate/,
      3,
    ],
    [
      "an embedding that jumped",
      each(({ vector }) => ({ vector: (vector as number[]).map((x) => x + 5) })),
      "vector",
      /centroid|norm/,
      1,
      "breaker",
    ],
    [
      "an embedding that moved a little",
      each(({ vector }) => ({ vector: (vector as number[]).map((x) => x + 0.2) })),
      "vector",
      /centroid|norm/,
      3,
    ],
    [
      "two fields that no longer move together",
      (rows) => rows.map((event, row) => ({ ...event, double: rows[(row + 7) % rows.length]?.["double"] })),
      null,
      /correlation/,
      3,
    ],
    [
      "rows that come three times",
      (rows) => rows.flatMap((event) => [event, event, event]),
      null,
      /duplicates|volume/,
      1,
    ],
    ["a tenth of the rows", (rows) => rows.slice(0, rowsAWindow / 10), null, /volume/, 1],
    ["a quarter less rows", (rows) => rows.slice(0, rowsAWindow * 0.75), null, /volume/, 5],
    [
      "rows that come too late",
      (rows) => rows.map((event, row) => (row % 10 === 0 ? { ...event, late: true } : event)),
      null,
      /late_rate/,
      2,
    ],
  ];

/** One window of rows, `late` ones at the end of the window after it. */
function* rowsOf(window: number, random: Random, usual: number, fault?: Fault): Generator<Event> {
  const count = Math.round(usual + random.normal(0, Math.sqrt(usual)));
  const made = Array.from({ length: count }, () => eventOf(random));
  const rows = fault === undefined ? made : fault(made, random, window - learnt - clean);
  for (const [row, { late, ...event }] of rows.entries())
    yield {
      event_time:
        window * minute + Math.floor(((row + 0.5) * minute) / rows.length) - (late === true ? 3 * minute : 0),
      ...event,
    };
}

function batchOf(from: number, to: number, random: Random, fault?: Fault, usual = rowsAWindow): Batch {
  const rows: Event[] = [];
  for (let window = from; window < to; window++) rows.push(...rowsOf(window, random, usual, fault));
  return rowsToBatch(rows, columns, defaultLimits);
}

async function baselineOf(of: FeatureView, batch: Batch): Promise<Baseline> {
  async function* open(): AsyncGenerator<Batch> {
    yield batch;
  }
  const built = await buildBaseline(of, open, { limits: defaultLimits, toolVersion: "0" });
  return parseBaseline(formatBaseline(built), "view.baseline.json");
}

function profilesOf(baseline: Baseline, batch: Batch, of = view): readonly WindowProfile[] {
  const profiler = createProfiler({
    view: of,
    frames: framesOf(baseline),
    pairs: baseline.pairs ?? [],
    limits: defaultLimits,
  });
  const state = profiler.start();
  const { closed } = profiler.fold(state, batch, { timestamp: undefined, position: "features-0@1" });
  return [...closed, ...profiler.flush(state)];
}

function alertsOf(judging: Judging, profiles: readonly WindowProfile[]): readonly Alert[] {
  return profiles.flatMap((profile) => {
    judging.add("0", profile);
    return judging
      .close(profile.window.end, Number.POSITIVE_INFINITY)
      .flatMap((outcome) =>
        outcome.kind === "alert" && outcome.alert.status === "firing" ? [outcome.alert] : [],
      );
  });
}

describe("a stream", () => {
  let baseline: Baseline;
  let cleanProfiles: readonly WindowProfile[];
  const onset = learnt + clean;

  before(async () => {
    baseline = await baselineOf(view, batchOf(0, learnt, createRandom(1)));
    cleanProfiles = profilesOf(baseline, batchOf(learnt, onset, createRandom(2)));
  });

  const judgingOf = (): Judging => {
    const judging = createJudging(view, baseline);
    assert.deepEqual(alertsOf(judging, cleanProfiles), []);
    return judging;
  };

  for (const [title, fault, field, statistic, latest, layer] of faults) {
    it(`with ${title} is told of by window ${latest}`, () => {
      const judging = judgingOf();
      const drifted = profilesOf(baseline, batchOf(onset, onset + latest + 1, createRandom(3), fault));
      const alerts = alertsOf(judging, drifted.slice(0, latest));
      const told = alerts.filter((alert) => alert.field === field && statistic.test(alert.statistic));
      const all = alerts.map((alert) => `${alert.field} ${alert.statistic}`).join(", ");
      assert.ok(told.length > 0, `${all || "nothing"} by window ${latest}`);
      if (layer === "breaker") assert.equal(judging.breaker.state, "open");
      else assert.ok(told.every(({ since }) => since === undefined || since >= (onset - 2) * minute));
    });
  }

  it("says which values a change is made of, unless they are not to be shown", () => {
    const told = (fault: Fault, field: string): string => {
      const profiles = profilesOf(baseline, batchOf(onset, onset + 2, createRandom(3), fault));
      return alertsOf(judgingOf(), profiles).find((alert) => alert.field === field)?.summary ?? "";
    };
    const swap: Fault = each(({ sku }) => (sku === "b" ? { sku: "e" } : sku === "e" ? { sku: "b" } : {}));
    assert.match(told(moved(5), "amount"), /; above 6\d\.\d+: \d+(\.\d)?%, was 10%/);
    assert.match(told(swap, "sku"), /"e"/);
    assert.match(
      told(some(0.05, { country: "United States" }), "country"),
      /; "United States": \d\.\d%, was 0%/,
    );
    const secret = { ...view, fields: view.fields.map((field) => ({ ...field, redact: true })) };
    const judging = createJudging(secret, baseline);
    const profiles = profilesOf(baseline, batchOf(onset, onset + 2, createRandom(3), moved(5)));
    const summaries = alertsOf(judging, [...cleanProfiles, ...profiles]).map(({ summary }) => summary);
    assert.ok(summaries.length > 0 && summaries.every((text) => !/; above/.test(text)), summaries.join());
  });

  it("without a fault is left in peace", () => {
    const judging = judgingOf();
    assert.deepEqual(
      alertsOf(judging, profilesOf(baseline, batchOf(onset, onset + 40, createRandom(4)))),
      [],
    );
  });

  it("is judged after a restart as it would have been without one, to the bit", () => {
    const drifted = profilesOf(baseline, batchOf(onset, onset + 9, createRandom(5), moved(0.12)));
    for (const stop of [1, 4, 7]) {
      const [through, stopped] = [judgingOf(), judgingOf()];
      const whole = alertsOf(through, drifted);
      const first = alertsOf(stopped, drifted.slice(0, stop));
      const again = createJudging(view, baseline);
      again.restore(stopped.encode());
      assert.deepEqual([...first, ...alertsOf(again, drifted.slice(stop))], whole, `stopped after ${stop}`);
      assert.deepEqual(again.encode().drift, through.encode().drift);
      assert.ok(whole.length > 0);
    }
  });
});

const scaled = (factor: number): Fault => each(({ amount }) => ({ amount: (amount as number) * factor }));

const catastrophes: readonly (readonly [string, Fault])[] = [
  ...faults.flatMap(([title, fault, , , , layer]) => (layer === "breaker" ? [[title, fault] as const] : [])),
  ["miles for kilometres", scaled(1.609)],
  ["a hundredth", scaled(0.01)],
  ["infinities below zero", some(0.2, { score: Number.NEGATIVE_INFINITY })],
  [
    "99% of US written another way",
    each(({ country }, { uniform }) =>
      country === "US" && uniform() < 0.99 ? { country: "United States" } : {},
    ),
  ],
];

describe("a stream of 100 rows a window", () => {
  const small = 100;
  const mapping = { values: countries, maxDefaultRate: 0.01 };
  const known = featureView(
    types.map(([name, type]) => fieldSpec(name, type, name === "country" ? { mapping } : {})),
  );
  let baseline: Baseline;
  before(async () => {
    baseline = await baselineOf(known, batchOf(0, learnt, createRandom(1), undefined, small));
  });

  for (const [title, fault] of catastrophes) {
    it(`with ${title} opens the breaker in its first window, and not before`, () => {
      const judging = createJudging(known, baseline);
      alertsOf(
        judging,
        profilesOf(baseline, batchOf(learnt, learnt + clean, createRandom(2), undefined, small), known),
      );
      assert.equal(judging.breaker.state, "closed");
      const onset = learnt + clean;
      const [drifted] = profilesOf(baseline, batchOf(onset, onset + 1, createRandom(3), fault, small), known);
      assert(drifted !== undefined);
      alertsOf(judging, [drifted]);
      assert.equal(judging.breaker.state, "open");
    });
  }
});
