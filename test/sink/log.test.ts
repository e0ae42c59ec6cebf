import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Example, Segment, Verdict } from "../../src/model/verdict.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { emptyProfile } from "../../src/profile/merge.ts";
import type { RuleCount, RuleName, WindowProfile } from "../../src/profile/profile.ts";
import { createLogSink } from "../../src/sink/log.ts";
import { alertOf, judgedOf, movedOf, noon, verdictOf, viewOf } from "../pipeline/outcomes.ts";
import { listen } from "./support.ts";

const sample: Example = {
  value: "United States",
  requestId: "882-af",
  position: "features-0@7",
  eventTime: noon,
};

/** A judged minute whose only field breaks one rule. */
function violated(
  minute: number,
  count: number,
  options: { rule?: RuleName; segment?: Segment; example?: Example; verdicts?: readonly Verdict[] } = {},
): Outcome {
  const { rule = "default", segment = null, example = sample, verdicts = [] } = options;
  const outcome = judgedOf(minute, verdicts, { segment });
  assert(outcome.kind === "judged");
  const profile: WindowProfile = emptyProfile(
    viewOf("user_location"),
    new Map(),
    segment,
    outcome.judged.window,
  );
  profile.rows = 100;
  const rules: Map<RuleName, RuleCount> | undefined = profile.fields.get("user_location")?.rules;
  rules?.set(rule, { count, example });
  return { ...outcome, profile };
}

function sinkAt(start = noon) {
  let now = start;
  const heard = listen();
  const sink = createLogSink({ log: heard.reporting.log, clock: { now: () => now, elapsed: () => now } });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { sink, pass, ...heard };
}

describe("the log", () => {
  it("has a line for each violation kind with field, request, value, position and model version", async () => {
    const { sink, lines } = sinkAt();
    const elsewhere = { ...sample, requestId: "other", position: "features-1@3" };
    await sink.accept(
      [
        violated(0, 40, { segment: { field: "node", value: "a7" } }),
        violated(0, 99, {
          verdicts: [verdictOf("user_location", { statistic: "default_rate", status: "critical" })],
        }),
        violated(0, 99, { segment: { field: "model_version", value: "v4" } }),
        violated(0, 40, { segment: { field: "node", value: "b1" }, example: elsewhere }),
      ],
      [],
    );
    const [line, ...more] = lines();
    const { time: _time, pid: _pid, hostname: _hostname, ...said } = line ?? {};
    assert.deepEqual(said, {
      level: "warn",
      event: "violation",
      featureView: "reco_user",
      field: "user_location",
      rule: "default",
      statistic: "default_rate",
      status: "critical",
      value: "United States",
      requestId: "882-af",
      position: "features-0@7",
      eventTime: "2026-03-03T12:00:00.000Z",
      modelVersion: "v4",
      segments: { model_version: "v4", node: "a7" },
      count: 99,
      rows: 100,
      suppressed: 0,
      msg: "reco_user.user_location breaks default in 99 of 100 rows: United States",
    });
    assert.deepEqual(more, []);
  });

  it("says the same kind once a minute, and how many it kept to itself", async () => {
    const { sink, pass, lines } = sinkAt();
    await sink.accept([violated(0, 10)], []);
    pass(20_000);
    await sink.accept([violated(0, 12)], []); // the same window, grown by 2
    await sink.accept([violated(1, 5)], []);
    await sink.accept([violated(1, 1, { rule: "pattern" })], []);
    pass(40_000);
    await sink.accept([violated(2, 7)], []);
    assert.deepEqual(
      lines().map(({ rule, count, suppressed }) => [rule, count, suppressed]),
      [
        ["default", 10, 0],
        ["pattern", 1, 0],
        ["default", 7, 7],
      ],
    );
  });

  it("has a line for each change of a breaker and of an alert, however many", async () => {
    const { sink, lines } = sinkAt();
    const firing = alertOf({ example: sample, segment: { field: "model_version", value: "v4" } });
    await sink.accept([movedOf("closed", "open", noon), firing], []);
    await sink.accept([firing, alertOf({ status: "resolved" }), movedOf("open", "closed", noon)], []);
    assert.deepEqual(
      lines().map(({ level, msg }) => [level, msg]),
      [
        ["error", "breaker of reco_user: closed → open: 99%"],
        ["error", "TidemarkDefaultCase firing: 99% of user_location are outside the mapping"],
        ["info", "TidemarkDefaultCase resolved: 99% of user_location are outside the mapping"],
        ["info", "breaker of reco_user: open → closed: 99%"],
      ],
    );
    const [, alert] = lines();
    assert.equal(alert?.["modelVersion"], "v4");
    assert.equal(alert?.["requestId"], "882-af");
  });

  it("has a line for a dead letter, once a minute for each reason", async () => {
    const { sink, lines } = sinkAt();
    const letter = (offset: number, reason: string): Outcome => ({
      kind: "dead-letter",
      deadLetter: {
        partition: { topic: "features", partition: 1 },
        offset,
        reason,
        message: "the stream ends in its second message",
        bytes: new Uint8Array(),
        key: undefined,
        headers: new Map(),
      },
    });
    await sink.accept([letter(7, "truncated"), letter(8, "truncated"), letter(9, "malformed")], []);
    assert.deepEqual(
      lines().map(({ position, reason }) => [position, reason]),
      [
        ["features-1@7", "truncated"],
        ["features-1@9", "malformed"],
      ],
    );
  });
});

describe("the logger", () => {
  const write = (isTTY: boolean): { stdout: string; stderr: string } => {
    const script = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, "../../src/sink/log.ts"))};
      const log = createLogger({ isTTY: ${isTTY}, version: "1.2.3" });
      log.info({ view: "reco_user", sasl: { username: "u", password: "s3cret" } }, "tidemark watches");
      process.exit(0);`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
  };

  it("writes JSON lines to standard error before the process ends, without secrets", () => {
    const { stdout, stderr } = write(false);
    assert.equal(stdout, "");
    const line = JSON.parse(stderr) as Record<string, unknown>;
    assert.equal(line["level"], "info");
    assert.equal(line["version"], "1.2.3");
    assert.equal(line["msg"], "tidemark watches");
    assert.match(String(line["time"]), /^\d{4}-.*Z$/);
    assert.doesNotMatch(stderr, /s3cret/);
  });

  it("writes for people on a terminal", () => {
    const { stdout, stderr } = write(true);
    assert.equal(stdout, "");
    assert.match(stderr, /^\[\d\d:\d\d:\d\d\] INFO: tidemark watches\n {4}view: "reco_user"/);
    assert.doesNotMatch(stderr, /s3cret/);
  });
});
