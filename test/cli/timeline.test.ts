import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tableFromIPC } from "apache-arrow";
import { readIncident } from "../../src/cli/incident.ts";
import { createPlay, filesFor } from "../../src/cli/play.ts";
import { readBaseline, readSpec } from "../../src/cli/views.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Alert } from "../../src/model/verdict.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import { ask, serve } from "../serve/support.ts";
import { temporaryFolder } from "../services/process.ts";
import { inside } from "./inside.ts";

type Row = Record<string, unknown>;

const incident = readIncident("tensor-collapse");
const view = readSpec(incident.spec);
/** Rows of a clean day, as a service would post them. */
const clean: readonly Row[] = tableFromIPC(readFileSync(incident.clean))
  .batches[0]?.toArray()
  .map((row) => plain(row?.toJSON() ?? {})) as Row[];

/** The spec and baseline that lie in the checkout, watched by the loop of `tidemark run`. */
function watch(): {
  readonly monitor: Monitor;
  readonly alerts: Alert[];
  readonly play: ReturnType<typeof createPlay>;
} {
  const alerts: Alert[] = [];
  const play = createPlay({
    view,
    baseline: readBaseline(incident.baseline),
    limits: defaultLimits,
    clock: { now: () => Number(clean.at(-1)?.["event_time"]), elapsed: () => 0 },
    sinks: [
      {
        name: "recorder",
        accept: async (outcomes) =>
          outcomes.forEach((outcome) => void (outcome.kind === "alert" && alerts.push(outcome.alert))),
        close: async () => undefined,
      },
    ],
  });
  return { monitor: play.monitor, alerts, play };
}

/** One message a row, so that what a single event does can be seen. @returns how many were sent */
async function send(
  monitor: Monitor,
  partition: number,
  rows: readonly Row[],
  {
    headers = {},
    text = JSON.stringify,
    untilOpen = false,
  }: { headers?: Readonly<Record<string, string>>; text?: (row: Row) => string; untilOpen?: boolean } = {},
): Promise<number> {
  const place = { topic: "features.reco_user", partition };
  await monitor.assigned(place);
  let sent = 0;
  for (const [offset, row] of rows.entries()) {
    await monitor.receive(place, [
      {
        offset,
        timestamp: Number(row["event_time"]),
        headers: new Map(Object.entries(headers)),
        body: { kind: "bytes", bytes: new TextEncoder().encode(text(row)) },
      },
    ]);
    sent += 1;
    if (untilOpen && stateOf(monitor) === "open") break;
  }
  return sent;
}

const stateOf = (monitor: Monitor): string | undefined => monitor.board.view(view.name)?.breaker.state;
const reasonsOf = (monitor: Monitor): readonly string[] =>
  (monitor.board.view(view.name)?.breaker.reasons ?? []).map(
    ({ field, statistic }) => `${field} ${statistic}`,
  );
const embedding = (mean: number): number[] =>
  Array.from({ length: 16 }, (_, dimension) => mean + (dimension % 2 === 0 ? 0.4 : -0.4));

describe("the Tuesday of the incident, with tidemark in its way", () => {
  it("02:14: the canary aborts the model that answers 200 and []", async (t) => {
    const cwd = temporaryFolder(t, "timeline");
    const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    const golden = clean.slice(0, 100).map((request, id) => ({ id, request }));
    const record = (output: (id: number) => unknown): string =>
      lines(golden.map(({ id }) => ({ id, status: 200, latencyMs: 45, output: output(id) })));
    const ranked = (id: number): string[] => ["coat", "hat", "tent"].map((item) => `${item}-${id % 7}`);
    writeFileSync(join(cwd, "golden.jsonl"), lines(golden));
    writeFileSync(join(cwd, "production.jsonl"), record(ranked));
    writeFileSync(
      join(cwd, "oracle.jsonl"),
      record(() => []),
    );
    const run = (candidate: string) =>
      inside(
        [
          "canary",
          "--golden",
          "golden.jsonl",
          "--production",
          "production.jsonl",
          "--candidate",
          candidate,
          "--json",
        ],
        { cwd },
      );
    const oracle = await run("oracle.jsonl");
    assert.equal(oracle.code, 1);
    assert.equal(JSON.parse(oracle.stdout).verdict, "abort");
    assert.match(
      JSON.parse(oracle.stdout).reasons.join("\n"),
      /100 of 100 answers of the candidate are empty/,
    );
    assert.equal((await run("production.jsonl")).code, 0, "the model of yesterday is promoted");
  });

  it("04:14: the gate answers 400 at once to United States, and 200 to the row as it was", async (t) => {
    const { monitor } = watch();
    const { url, offered } = await serve(t, monitor.board);
    const post = (row: Row) =>
      ask(url, `/v1/validate/${view.name}`, {
        method: "POST",
        body: JSON.stringify(row),
        headers: { "content-type": "application/json" },
      });
    const [row] = clean;
    assert(row !== undefined);
    const fine = await post(row);
    assert.equal(fine.status, 200, fine.text);
    const refused = await post({ ...row, user_location: "United States" });
    assert.equal(refused.status, 400);
    assert.deepEqual(
      refused.body.errors.map(({ pointer }: { pointer: string }) => pointer),
      ["/user_location", "/user_location"],
    );
    assert.match(refused.body.errors[0].detail, /United States/);
    assert.equal(offered.length, 1, "it does not reach the profiles");
  });

  it("06:14: the first embedding that is not finite opens the breaker, and shuts the gate", async (t) => {
    const { monitor, alerts } = watch();
    const { url } = await serve(t, monitor.board);
    await send(monitor, 0, clean.slice(0, 60));
    assert.equal(stateOf(monitor), "closed");
    assert.equal((await ask(url, `/v1/gate/${view.name}`)).status, 200);
    const [next] = clean.slice(60);
    assert(next !== undefined);
    const broken = { ...next, user_embedding: embedding(0.05) };
    // JSON has no NaN; a number beyond the doubles is what becomes infinite
    await send(monitor, 1, [broken], { text: (row) => JSON.stringify(row).replace("0.45,", "1e999,") });
    assert.equal(stateOf(monitor), "open");
    assert.deepEqual(reasonsOf(monitor), ["user_embedding nonfinite"]);
    assert.equal((await ask(url, `/v1/gate/${view.name}`)).status, 503);
    const alert = alerts.find(({ alertname }) => alertname === "TidemarkNonFinite");
    assert.equal(alert?.example?.requestId, next["request_id"]);
  });

  it("06:14: embeddings whose mean jumps from .05 to 500 open it in the first evaluation", async () => {
    const { monitor } = watch();
    const jumped = clean.slice(0, 60).map((row): Row => ({ ...row, user_embedding: embedding(500) }));
    const sent = await send(monitor, 0, jumped, { untilOpen: true });
    assert.equal(stateOf(monitor), "open");
    assert.ok(
      reasonsOf(monitor).some((reason) => reason.startsWith("user_embedding ")),
      reasonsOf(monitor).join(),
    );
    assert.ok(sent <= 50, `${sent} events: a window is judged from 50 on`);
  });

  it("the botched rolling update: the mismatch names three versions, and the shards that they are on", async (t) => {
    const { monitor } = watch();
    const { url } = await serve(t, monitor.board);
    const third = (shard: number): readonly Row[] =>
      clean.filter((_, index) => index % 3 === shard).slice(0, 25);
    await send(monitor, 0, third(0), { headers: { "x-model-git-sha": "3f2a9c1" } });
    await send(monitor, 1, third(1), { headers: { "x-model-git-sha": "deadbee" } });
    await send(monitor, 2, third(2), { headers: { "x-model-git-sha": "0ddba11" } });
    for (const partition of [0, 1, 2]) await monitor.ended({ topic: "features.reco_user", partition });
    const mismatch = monitor.active().find(({ alertname }) => alertname === "TidemarkVersionMismatch");
    assert.match(mismatch?.summary ?? "", /^3 versions of model_git_sha: /);
    for (const version of ["deadbee", "0ddba11", "the linked 3f2a9c1"])
      assert.ok(mismatch?.summary.includes(version), mismatch?.summary);
    assert.match(mismatch?.summary ?? "", /deadbee \(25 rows on shard features\.reco_user-1\)/);
    const [{ rollouts }] = (await ask(url, "/v1/feature-views")).body;
    assert.deepEqual(
      rollouts[0].versions
        .map(({ version, linked }: { version: string; linked: boolean }) => [version, linked])
        .sort(),
      [
        ["0ddba11", false],
        ["3f2a9c1", true],
        ["deadbee", false],
      ],
    );
    const page = (await ask(url, "/")).text;
    assert.match(page, /Split rollout.*<code>deadbee<\/code> 25 rows, on features\.reco_user-1/s);
    assert.equal(stateOf(monitor), "open");
  });

  it("T+24: the leak is announced well before the card is full", async () => {
    const { alerts, play } = watch();
    await play.run(filesFor(view, [incident.input], defaultLimits), new AbortController().signal);
    const first = (name: string, statistic: string): Alert | undefined =>
      alerts.find(
        (alert) =>
          alert.alertname === name && alert.field === "gpu_memory_gib" && alert.statistic === statistic,
      );
    const announced = first("TidemarkMemoryTrend", "trend");
    const full = first("TidemarkDrift", "limit");
    assert(announced !== undefined && full !== undefined);
    assert.match(announced.summary, /^gpu_memory_gib of node node-\d+ reaches 76 in \d+ min/);
    const ahead = full.startsAt - announced.startsAt;
    assert.ok(ahead >= 15 * 60_000, `${ahead / 60_000} min ahead`);
    const foretold = Number(/in (\d+) min/.exec(announced.summary)?.[1]) * 60_000;
    assert.ok(Math.abs(foretold - ahead) < 10 * 60_000, `said ${foretold / 60_000} min`);
  });
});

/** What JSON can carry: whole numbers of 64 bits that doubles hold, and lists. */
function plain(row: Readonly<Record<string, unknown>>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === "bigint") return [name, Number(value)];
      const list = typeof value === "object" && value !== null && Symbol.iterator in value;
      return [name, list ? [...(value as Iterable<unknown>)] : value];
    }),
  );
}
