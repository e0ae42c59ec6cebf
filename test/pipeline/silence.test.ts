import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeJson } from "../../src/decode/json.ts";
import { addTraffic, createTraffic, toTraffic } from "../../src/judge/traffic.ts";
import { hintsOf } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Message } from "../../src/model/record.ts";
import { createJudgeLog } from "../../src/pipeline/judge-log.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Outcome, Store } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { encodeSignal } from "../../src/pipeline/signal.ts";
import type { TimeRange } from "../../src/pipeline/time-range.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { baselineOf, profileOf, windowProfile } from "../judge/profiles.ts";
import { fieldOf, noon, viewOf } from "./outcomes.ts";

const minuteMs = 60_000;
const partition = { topic: "orders", partition: 0 };
const view = {
  ...viewOf("amount"),
  segments: [],
  source: { topic: "orders", format: "json", eventTime: "at", requestId: undefined } as const,
};

/** Sixty windows of 100 rows. */
const baseline = (() => {
  const growing = createTraffic();
  const reference = profileOf(fieldOf("amount"), amounts());
  for (let number = 0; number < 60; number++) {
    const profile = windowProfile(view, new Map([["amount", profileOf(fieldOf("amount"), amounts())]]));
    const window = { start: number * minuteMs, end: (number + 1) * minuteMs };
    addTraffic(growing, { ...profile, window });
  }
  return { ...baselineOf(view, new Map([["amount", reference]])), traffic: toTraffic(growing) };
})();

function amounts(): number[] {
  return Array.from({ length: 100 }, (_, row) => row / 128);
}

/** 100 rows that fall evenly in the minute. */
function minuteOf(minute: number, rows = 100): Message {
  const start = noon + minute * minuteMs;
  const lines = amounts()
    .slice(0, rows)
    .map((amount, row) => ({ at: start + (row * minuteMs) / rows, amount }));
  const bytes = new TextEncoder().encode(JSON.stringify(lines));
  return {
    offset: minute,
    timestamp: start + minuteMs,
    headers: new Map(),
    body: { kind: "batch", batch: decodeJson(bytes, hintsOf(view), defaultLimits) },
  };
}

interface Watched {
  readonly monitor: Monitor;
  /** `jump`: how far the wall clock has been set forward. */
  readonly clock: { at: number; jump: number };
  /** What was said of one statistic: window and status. */
  said(statistic: string): readonly string[];
}

async function watch(
  range?: TimeRange,
  { known = true, store = createMemoryStore() }: { known?: boolean; store?: Store } = {},
): Promise<Watched> {
  const clock = { at: noon, jump: 0 };
  const outcomes: Outcome[] = [];
  const monitor = createMonitor({
    views: [{ view, baseline: known ? baseline : undefined }],
    limits: defaultLimits,
    sinks: [
      { name: "test", accept: async (some) => void outcomes.push(...some), close: async () => undefined },
    ],
    store,
    clock: { now: () => clock.at + clock.jump, elapsed: () => clock.at },
    idleAfterMs: 10_000,
    ...(range === undefined ? {} : { range }),
  });
  await monitor.restore();
  await monitor.assigned(partition);
  return {
    monitor,
    clock,
    said: (statistic) =>
      outcomes.flatMap((outcome) =>
        outcome.kind !== "judged"
          ? []
          : outcome.judged.verdicts
              .filter((verdict) => verdict.statistic === statistic && outcome.judged.final)
              .map(({ status }) => `${(outcome.judged.window.start - noon) / minuteMs} ${status}`),
      ),
  };
}

describe("a stream that falls silent", () => {
  it("is told of once, at the end of the first silent window, when later rows show the gap", async () => {
    const { monitor, said } = await watch();
    for (const minute of [0, 1, 2, 8, 9, 10]) await monitor.receive(partition, [minuteOf(minute)]);
    assert.deepEqual(said("silence"), ["1 ok", "2 ok", "3 warning", "8 ok", "9 ok"]);
  });

  it("is told of at the end of the range that was asked for, and not without one", async () => {
    const asked = await watch({ from: noon, to: noon + 10 * minuteMs });
    const open = await watch();
    for (const { monitor } of [asked, open]) {
      for (const minute of [0, 1, 2]) await monitor.receive(partition, [minuteOf(minute)]);
      await monitor.ended(partition);
    }
    assert.deepEqual(asked.said("silence"), ["1 ok", "2 ok", "3 warning"]);
    assert.deepEqual(open.said("silence"), ["1 ok"], "the last window may go on");
  });

  it("is told of by the wall clock while nothing comes, once, and not as long as rows come", async () => {
    const { monitor, clock, said } = await watch();
    for (const minute of [0, 1, 2]) {
      clock.at = noon + (minute + 1) * minuteMs;
      await monitor.receive(partition, [minuteOf(minute)]);
      await monitor.tick();
    }
    clock.at += 30_000;
    await monitor.tick();
    assert.deepEqual(said("silence"), ["1 ok"], "half a window is no silence");
    clock.at += 60_000;
    await monitor.tick();
    await monitor.tick();
    assert.deepEqual(said("silence"), ["1 ok", "3 warning"]);
  });

  it("is not made or unmade by a wall clock that is set forward or back by an hour", async () => {
    for (const jump of [3_600_000, -3_600_000]) {
      const { monitor, clock, said } = await watch();
      for (const minute of [0, 1, 2]) {
        clock.at = noon + (minute + 1) * minuteMs;
        await monitor.receive(partition, [minuteOf(minute)]);
      }
      clock.jump = jump;
      await monitor.tick();
      assert.deepEqual(said("silence"), ["1 ok"], "no time has passed");
      clock.at += 90_000;
      await monitor.tick();
      assert.deepEqual(said("silence"), ["1 ok", "3 warning"], "as much time as ever has passed");
    }
  });

  it("has its volume judged in whole windows only", async () => {
    const { monitor, said } = await watch();
    for (const minute of [0, 1, 2]) await monitor.receive(partition, [minuteOf(minute)]);
    await monitor.receive(partition, [minuteOf(3, 9)]);
    await monitor.receive(partition, [minuteOf(4)]);
    await monitor.receive(partition, [minuteOf(5, 3)]);
    await monitor.ended(partition);
    assert.deepEqual(said("volume"), ["1 ok", "2 ok", "3 warning", "4 ok"]);
    assert.equal(monitor.board.view(view.name)?.breaker.state, "closed", "few rows open no breaker");
  });
});

describe("a view of which nobody knows how its rows come", () => {
  const isSilent = ({ monitor }: Watched): boolean | undefined => monitor.board.view(view.name)?.silent;

  it("is stale after three windows and the lateness without a row, also after a restart, until rows come again", async () => {
    const store = createMemoryStore();
    const first = await watch(undefined, { known: false, store });
    await first.monitor.receive(partition, [minuteOf(0)]);
    first.clock.at += 3 * minuteMs + view.window.latenessMs - 1;
    await first.monitor.tick();
    assert.equal(isSilent(first), false);
    first.clock.at += 1;
    await first.monitor.tick();
    assert.equal(isSilent(first), true);
    assert.deepEqual(first.said("silence"), [], "nobody is paged for what may be usual");
    await first.monitor.checkpoint();

    const second = await watch(undefined, { known: false, store });
    await second.monitor.tick();
    assert.equal(isSilent(second), true, "a restart is no row");
    await second.monitor.receive(partition, [minuteOf(9)]);
    await second.monitor.tick();
    assert.equal(isSilent(second), false);
  });

  it("is stale when it has been watched for so long and never had a row, with a baseline or without", async () => {
    for (const known of [false, true]) {
      const watched = await watch(undefined, { known });
      await watched.monitor.tick();
      assert.equal(isSilent(watched), false, "it has only just begun");
      watched.clock.at += 5 * minuteMs;
      await watched.monitor.tick();
      assert.equal(isSilent(watched), true);
      await watched.monitor.receive(partition, [minuteOf(0)]);
      assert.equal(isSilent(watched), false);
    }
  });

  it("is stale in a cluster by the clock of the log, for whoever follows it", async () => {
    const judge = createJudgeLog({
      ...{ views: [{ view, baseline: undefined }], store: createMemoryStore(), handover: undefined },
      ...{ trouble: () => undefined, announce: () => undefined },
    });
    const log = { topic: "signals", partition: 0 };
    await judge.assigned(log, { low: 0, high: 0 });
    let offset = 0;
    const say = async (at: number, watermark: number, idle: boolean): Promise<boolean | undefined> => {
      const signal = { kind: "progress", view: view.name, partition: "orders-0", watermark, idle } as const;
      const { value, headers } = encodeSignal(signal);
      const body = { kind: "bytes", bytes: value } as const;
      const record = { offset: offset++, timestamp: at, headers: new Map(Object.entries(headers)), body };
      await judge.receive(log, [record]);
      return judge.judging(view.name)?.stale;
    };
    assert.equal(await say(0, noon, false), false);
    assert.equal(await say(10_000, noon, true), false);
    const { sizeMs, latenessMs } = view.window;
    assert.equal(await say(3 * sizeMs + latenessMs, noon, true), true);
    assert.equal(await say(3 * sizeMs + latenessMs + 1, noon + minuteMs, false), false, "a row has come");
  });
});
