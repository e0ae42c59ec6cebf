import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Breaker } from "../../src/model/verdict.ts";
import { profileOf } from "../judge/profiles.ts";
import { breakerOf, judgedOf, noon, verdictOf } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, openBreaker, recoUser, serve, statusOf } from "./support.ts";

const verdicts = [
  verdictOf("user_location", { statistic: "default_rate", observed: 0.99, shift: 39.5, status: "critical" }),
  verdictOf("session_seconds", { observed: 0.1, shift: Number.POSITIVE_INFINITY }),
];
const judged = judgedOf(0, verdicts);
assert(judged.kind === "judged");
const [location, seconds, embedding] = recoUser.fields;
assert(location !== undefined && seconds !== undefined && embedding !== undefined);
const incident = statusOf(recoUser, {
  breaker: openBreaker(),
  segments: new Map([
    ["node:a7", breakerOf("half-open")],
    ["node:b1", breakerOf("closed")],
  ]),
  latest: judged.judged,
  fields: new Map([
    ["user_location", profileOf(location, ["US", "secret-value"])],
    ["session_seconds", profileOf(seconds, [1, 3])],
    ["user_embedding", profileOf(embedding, [[1, 5], [3, 7]])], // biome-ignore format: vectors
  ]),
  nonFinite: new Map([["user_embedding", { nan: 3, positiveInfinity: 1, negativeInfinity: 0 }]]),
  deadLetters: new Map([["truncated", 2]]),
});

describe("metrics", () => {
  it("have the names and labels of the contract", async (t) => {
    const partition = { topic: "features.reco-user", partition: 3 };
    const counts = { read: 9, profiled: 9, late: 0, rejected: 0, deadLettered: 0 };
    const place = { partition, featureView: "reco_user", counts, nextOffset: 9, watermark: noon };
    const board = fakeBoard([incident], {
      partitions: () => [{ ...place, lost: 500, resets: 2, tombstones: 7 }],
      queuedBytes: () => 4_096,
    });
    board.says.troubles = new Map([
      ["lost.features.reco-user-3", "gone"],
      ["store", "full"],
      ["lost.features.reco-user-4", "gone"],
    ]);
    const memory = () => ({ limitBytes: 1_000, paused: true, sheds: 3 });
    const { url } = await serve(t, board, { memory });
    board.profiled(0.2);
    const { text, headers } = await ask(url, "/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    for (const line of [
      'tidemark_records_total{feature_view="reco_user",outcome="profiled"} 100',
      'tidemark_records_total{feature_view="reco_user",outcome="late"} 5',
      'tidemark_records_total{feature_view="reco_user",outcome="rejected"} 3',
      'tidemark_records_total{feature_view="reco_user",outcome="dead_lettered"} 2',
      'tidemark_field_statistic{feature_view="reco_user",field="user_location",statistic="default_rate"} 0.99',
      'tidemark_field_shift{feature_view="reco_user",field="user_location",statistic="default_rate"} 39.5',
      'tidemark_field_shift{feature_view="reco_user",field="session_seconds",statistic="location"} +Inf',
      'tidemark_default_case_ratio{feature_view="reco_user",field="user_location"} 0.99',
      'tidemark_nonfinite_total{feature_view="reco_user",field="user_embedding",kind="nan"} 3',
      'tidemark_nonfinite_total{feature_view="reco_user",field="user_embedding",kind="positive_infinity"} 1',
      'tidemark_tensor_mean{feature_view="reco_user",field="session_seconds"} 2',
      'tidemark_tensor_mean{feature_view="reco_user",field="user_embedding"} 4',
      'tidemark_breaker_state{feature_view="reco_user",segment=""} 2',
      'tidemark_breaker_state{feature_view="reco_user",segment="node:a7"} 1',
      'tidemark_breaker_state{feature_view="reco_user",segment="node:b1"} 0',
      'tidemark_event_to_profile_seconds_bucket{le="0.25"} 1',
      "tidemark_event_to_profile_seconds_sum 0.2",
      "tidemark_event_to_profile_seconds_count 1",
      'tidemark_consumer_lag_records{topic="features.reco-user",partition="3"} 42',
      'tidemark_records_lost_total{feature_view="reco_user",topic="features.reco-user",partition="3"} 500',
      'tidemark_log_resets_total{feature_view="reco_user",topic="features.reco-user",partition="3"} 2',
      'tidemark_tombstones_total{feature_view="reco_user",topic="features.reco-user",partition="3"} 7',
      'tidemark_troubles{kind="lost"} 2',
      'tidemark_troubles{kind="store"} 1',
      "tidemark_queue_bytes 4096",
      "tidemark_memory_limit_bytes 1000",
      "tidemark_fetching_paused 1",
      "tidemark_details_shed_total 3",
      'tidemark_dead_letters_total{feature_view="reco_user",reason="truncated"} 2',
      'tidemark_alert_delivery_failures_total{peer="http://127.0.0.1:9093"} 7',
      `tidemark_build_info{version="0.1.0",node="${process.version}"} 1`,
    ]) {
      assert.ok(text.split("\n").includes(line), line);
    }
    assert.match(text, /^process_resident_memory_bytes /m);
    // all elements of both vectors are 1, 3, 5, 7: mean 4, variance 5
    const sd = /^tidemark_tensor_sd\{[^}]*"user_embedding"\} (.+)$/m.exec(text)?.[1];
    assert.ok(Math.abs(Number(sd) - Math.sqrt(5)) < 1e-12, sd);
  });

  it("compare every field's newest closed window with its baseline by classical statistics", async (t) => {
    const view = statusOf(recoUser, {
      fields: new Map([
        ["user_location", profileOf(location, ["US", "United States"])],
        ["session_seconds", profileOf(seconds, [2, 3, 4, 5])],
      ]),
      baselineFields: new Map([
        ["user_location", profileOf(location, ["US", "GB"])],
        ["session_seconds", profileOf(seconds, [1, 2, 3, 4])],
        ["user_embedding", profileOf(embedding, [[1, 5]])],
      ]),
    });
    const { url } = await serve(t, fakeBoard([view]));
    const { text } = await ask(url, "/metrics");
    const valueIn = (field: string, statistic: string): number =>
      Number(
        new RegExp(
          `^tidemark_field_statistic\\{feature_view="reco_user",field="${field}",statistic="${statistic}"\\} (.+)$`,
          "m",
        ).exec(text)?.[1],
      );
    assert.equal(valueIn("user_location", "tv"), 0.5);
    assert.equal(valueIn("user_location", "defaultShift"), 0.5);
    assert.equal(valueIn("session_seconds", "ks"), 0.25);
    assert.ok(Math.abs(valueIn("session_seconds", "meanShift") - 1 / Math.sqrt(1.25)) < 1e-12);
    assert.ok(Number.isNaN(valueIn("user_embedding", "psi")));
    assert.equal((await ask(url, "/metrics")).text.match(/statistic="tv"/g)?.length, 2, "kept, not added");
  });

  it("never carry a value of the data", async (t) => {
    const { url } = await serve(t, fakeBoard([incident]));
    assert.doesNotMatch((await ask(url, "/metrics")).text, /secret-value/);
  });

  it("count each message once over scrapes, and forget what the board forgot", async (t) => {
    const board = fakeBoard([incident]);
    const { url } = await serve(t, board);
    for (let count = 0; count < 5_000; count++) board.profiled(-0.1);
    await ask(url, "/metrics");
    board.profiled(2);
    board.says.views = [statusOf(recoUser)];
    const { text } = await ask(url, "/metrics");
    assert.match(text, /^tidemark_event_to_profile_seconds_count 5001$/m);
    assert.match(text, /^tidemark_event_to_profile_seconds_bucket\{le="0\.01"\} 5000$/m);
    assert.doesNotMatch(text, /tidemark_field_shift\{/);
    assert.doesNotMatch(text, /segment="node:a7"/);
  });

  it("stay bounded with very many segments", async (t) => {
    const segments = new Map<string, Breaker>(
      Array.from({ length: 500 }, (_, at) => [`node:n${at}`, breakerOf("closed")]),
    );
    segments.set("node:sick", { ...openBreaker(), since: noon });
    const { url } = await serve(t, fakeBoard([statusOf(recoUser, { segments })]));
    const { text } = await ask(url, "/metrics");
    const lines = text.match(/^tidemark_breaker_state\{.*$/gm) ?? [];
    assert.equal(lines.length, 51);
    assert.ok(
      lines.some((line) => line.includes("node:sick") && line.endsWith(" 2")),
      "an open one is not the one that is left out",
    );
  });
});
