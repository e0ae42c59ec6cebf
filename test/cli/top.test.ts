import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { paintFor } from "../../src/cli/paint.ts";
import { frameOf, type Snapshot } from "../../src/cli/top-frame.ts";
import { eventually, specsWithTopic, startTidemark } from "../e2e/support.ts";
import { temporaryFolder } from "../services/process.ts";
import { inside } from "./inside.ts";

const plain = paintFor({ isTTY: false, env: {} });
const at = Date.parse("2026-03-03T04:20:00Z");
const counts = { read: 0, profiled: 0, late: 0, rejected: 0, deadLettered: 0 };
const viewOf = (
  name: string,
  profiled: number,
  state = "closed",
  more: Partial<Snapshot["views"][number]> = {},
) => ({
  name,
  status: state === "open" ? "critical" : "ok",
  breaker: { state, since: "2026-03-03T04:17:16.000Z", reasons: [], hold: null },
  openSegments: [],
  counts: { ...counts, profiled },
  lastEvent: "2026-03-03T04:19:58.000Z",
  ...more,
});
const snapshot = (views: Snapshot["views"], change: Partial<Snapshot> = {}): Snapshot => ({
  at,
  url: "http://tidemark:8787",
  health: { status: "ok", reasons: [] },
  views,
  alerts: [],
  ...change,
});
const alertOf = (severity: string, startsAt: string, summary: string): Snapshot["alerts"][number] => ({
  ...{
    severity,
    startsAt,
    summary,
    alertname: "TidemarkDrift",
    featureView: "b",
    fingerprint: "0123456789abcdef",
  },
});

describe("a frame of tidemark top", () => {
  it("puts first what asks for somebody, and says rows a second between two looks", () => {
    const before = snapshot([viewOf("a", 1_000), viewOf("b", 500, "open")], { at: at - 2_000 });
    const now = snapshot([viewOf("a", 4_000), viewOf("b", 500, "open")], {
      alerts: [
        alertOf("warning", "2026-03-03T04:19:00.000Z", "later"),
        alertOf("critical", "2026-03-03T04:17:00.000Z", "worse"),
      ],
    });
    const lines = frameOf(now, before, undefined, plain);
    const [b, a] = ["b  ", "a  "].map((name) => lines.findIndex((line) => line.startsWith(name)));
    assert.ok(b !== undefined && a !== undefined && b > 0 && b < a, lines.join("\n"));
    assert.match(lines[a] ?? "", /closed\s+ok\s+1,500\s+4,000\s+0\s+0\s+0\s+2 s ago$/);
    assert.match(lines[b] ?? "", /open\s+critical\s+0\s+500/);
    assert.ok(lines.findIndex((line) => /worse/.test(line)) < lines.findIndex((line) => /later/.test(line)));
  });

  it("of a process that has started anew between two looks has no rate", () => {
    const before = snapshot([viewOf("a", 9_000)], { at: at - 2_000 });
    const [line] = frameOf(snapshot([viewOf("a", 10)]), before, undefined, plain).filter((each) =>
      each.startsWith("a"),
    );
    assert.match(line ?? "", /ok\s+–\s+10/);
  });

  it("is no wider than the terminal, no longer than its bounds, and lets no value move the cursor", () => {
    const many = Array.from({ length: 100 }, (_, index) => viewOf(`view-${index}`, index));
    const alerts = Array.from({ length: 100 }, () =>
      alertOf("critical", "2026-03-03T04:17:00.000Z", `\u001b[2J${"x".repeat(500)}`),
    );
    const reasons = ["alertmanager http://am:9093: no answer"];
    const lines = frameOf(
      snapshot(many, { alerts, health: { status: "tainted", reasons } }),
      undefined,
      "gone",
      plain,
      80,
    );
    assert.ok(lines.every((line) => line.length <= 80));
    assert.ok(lines.length < 80, String(lines.length));
    assert.ok(lines.includes("and 60 views more") && lines.includes("and 80 alerts more"));
    assert.ok(!lines.join("").includes("\u001b"));
    assert.ok(
      lines.some((line) => line.includes("no answer from")) ||
        lines.some((line) => line.startsWith("no answer: gone")),
    );
    assert.ok(lines.some((line) => line.includes(reasons[0] ?? "?")));
  });
});

describe("tidemark top", () => {
  it("shows a running process: once, as JSON, and on a screen that it leaves as it was", async (t) => {
    const dir = temporaryFolder(t, "top");
    const specs = specsWithTopic(dir, "features.reco_user");
    const { url, child, stop } = await startTidemark(t, dir, { specs, state: { dir: join(dir, "state") } });
    const flags = ["top", "--url", url.href];
    const once = await inside(flags);
    assert.equal(once.code, 0, once.stderr);
    assert.match(once.stdout, /1 view, 0 open · 0 alerts[\s\S]*\nreco_user +closed/);
    const { views } = JSON.parse((await inside([...flags, "--json"])).stdout);
    assert.equal(views[0].name, "reco_user");

    const ctrlC = new AbortController();
    const live = inside([...flags, "--every", "100ms"], {
      columns: 100,
      signal: ctrlC.signal,
      env: { NO_COLOR: "1" },
    });
    setTimeout(() => ctrlC.abort(), 1_000);
    const { code, stdout } = await live;
    assert.equal(code, 130);
    assert.ok(stdout.startsWith("\u001b[?1049h") && stdout.endsWith("\u001b[?1049l"));
    assert.ok(stdout.split("VIEW  ").length > 2, "more than one frame");

    assert.equal(await stop(), 0);
    await eventually(10_000, "it has ended", () => child.exitCode ?? undefined);
    const gone = await inside(flags);
    assert.equal(gone.code, 4);
    assert.match(gone.stderr, /ECONNREFUSED[\s\S]*--url/);
  });

  it("says what is wrong with an interval, an address, and what answers there", async () => {
    assert.match((await inside(["top", "--every", "5"])).stderr, /--every 5: a duration from 100ms/);
    assert.match((await inside(["top", "--url", "nowhere"])).stderr, /--url nowhere: no URL/);
  });
});
