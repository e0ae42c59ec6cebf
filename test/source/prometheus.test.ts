import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createPrometheus } from "../../src/source/prometheus.ts";
import { startTidemark, tidemark } from "../e2e/support.ts";
import { startHttp } from "../services/http.ts";
import { startService, temporaryFolder } from "../services/process.ts";
import { startAlertmanager, startPrometheus, startWebhookReceiver } from "../services/services.ts";
import { eventually } from "../services/wait.ts";

const root = join(import.meta.dirname, "../..");

interface AlertRecord {
  readonly alertname: string;
  readonly summary: string;
  readonly segment: object;
  readonly severity: string;
}

describe("a trend that is asked of Prometheus", () => {
  it("announces a leak before its limit, again after a restart without state, and its end when it ends", async (t) => {
    const dir = temporaryFolder(t, "gauges");
    const exporter = await startService(
      [process.execPath, join(root, "test/services/leaking-exporter.ts")],
      (said) => /http:\S+/.exec(said)?.[0],
    );
    t.after(() => exporter.kill());
    const pager = await startWebhookReceiver(t);
    const alertmanager = await startAlertmanager(t, { webhookUrl: pager.url });
    const prometheus = await startPrometheus(t, { targets: [new URL("metrics", exporter.found)] });
    let asks = Number.POSITIVE_INFINITY;
    const counting = await startHttp(t, async ({ url = "/" }) => {
      if (url.includes("query_range") && asks-- <= 0) return 502;
      const answer = await fetch(new URL(url, prometheus.url));
      return [answer.status, await answer.text()];
    });
    const config = (state: string): object => ({
      specs: join(root, "feature-specs"),
      state: { dir: join(dir, state) },
      alertmanager: { urls: [alertmanager.url.href], resendEvery: "1s" },
      prometheus: {
        url: counting.url.href,
        every: "1s",
        queries: [
          {
            ...{ name: "recommender_memory", title: "Memory", unit: "GiB", limit: 4 },
            query: "max by (node) (process_resident_memory_bytes) / 2^30",
            ...{ warnBefore: "30m", segment: "node" },
          },
        ],
      },
    });
    const alertsOf = async ({ url }: { url: URL }): Promise<AlertRecord[]> =>
      (await (await fetch(new URL("v1/alerts", url))).json()) as AlertRecord[];

    const first = await startTidemark(t, dir, config("first"));
    await eventually(async () => (await alertsOf(first)).length > 0, 60_000);
    const [announced] = await alertsOf(first);
    assert.equal(announced?.alertname, "TidemarkMemoryTrend");
    assert.equal(announced.severity, "warning");
    assert.deepEqual(announced.segment, { field: "node", value: "a7" });
    assert.match(
      announced.summary,
      /^Memory of node a7 reaches 4 GiB in \d+ min \(now 0\.\d+ GiB, 0\.\d+ GiB more a minute\)$/,
    );
    // 8 MiB a second: 4 GiB are 512 s away at most
    const minutes = Number(/in (\d+) min/.exec(announced.summary)?.[1]);
    assert.ok(minutes >= 4 && minutes <= 12, announced.summary);
    await first.kill();

    asks = 1;
    const second = await startTidemark(t, dir, config("second"));
    await eventually(async () => (await alertsOf(second)).length > 0); // the points are read again, not waited for
    asks = Number.POSITIVE_INFINITY;
    await eventually(() => pager.alerts().length > 0);
    const { labels, annotations } = pager.alerts()[0] ?? assert.fail();
    assert.equal(labels["node"], "a7");
    assert.equal(labels["field"], "recommender_memory");
    assert.equal(labels["owner"], "reco-platform");
    assert.match(annotations["summary"] ?? "", /^Memory of node a7 reaches 4 GiB/);

    await exporter.kill();
    await eventually(async () => (await alertsOf(second)).length === 0, 30_000);
    await eventually(() => pager.alerts().some(({ status }) => status === "resolved"));
    assert.equal(await second.stop(), 0);

    const doctor = await tidemark(["doctor", "--config", join(dir, "tidemark.yaml")]);
    assert.match(
      doctor.stdout,
      /^warn +prometheus +127\.0\.0\.1:\d+: recommender_memory of reco_user: no series/m,
    );
  });

  it("tells a wrong query from a server that is away, and passes over what is no number", async (t) => {
    const answers = new Map([
      ["wrong", [400, '{"status":"error","errorType":"bad_data","error":"parse error"}']],
      ["away", [502, "<html>bad gateway</html>"]],
      ["other", [200, "[]"]],
      [
        "fine",
        [
          200,
          '{"status":"success","data":{"result":[{"metric":{"node":"a"},"values":[[1.5,"2"],[2.5,"NaN"]]}]}}',
        ],
      ],
    ] as const);
    const { url } = await startHttp(t, async (request) => {
      const query = new URL(request.url ?? "/", "http://x").searchParams.get("query") as "wrong";
      return answers.get(query) ?? [404, ""];
    });
    const server = createPrometheus({ url: url.href, auth: undefined, tls: undefined });
    const range = { from: 0, to: 1_000, stepMs: 1_000 };
    const ask = (query: string) => server.range(query, range, new AbortController().signal);
    await assert.rejects(ask("wrong"), { code: "config.invalid", message: /wrong: parse error/ });
    for (const query of ["away", "other"]) await assert.rejects(ask(query), { code: "source.unreachable" });
    assert.deepEqual(await ask("fine"), [{ labels: { node: "a" }, points: [{ time: 1_500, value: 2 }] }]);
  });
});
