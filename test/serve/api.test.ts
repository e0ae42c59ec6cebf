import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { statusOf as worstStatus } from "../../src/report/status.ts";
import { alertOf, judgedOf, noon, verdictOf } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, openBreaker, recoUser, serve, statusOf } from "./support.ts";

const windows = [
  [verdictOf("session_seconds")],
  [verdictOf("session_seconds", { status: "insufficient" })],
  [
    verdictOf("session_seconds"),
    verdictOf("user_location", {
      status: "critical",
      shift: Number.POSITIVE_INFINITY,
      decidedAt: noon + 1,
      example: { value: "Canada", eventTime: noon },
    }),
  ],
].map((verdicts, minute) => {
  const outcome = judgedOf(minute, verdicts);
  assert(outcome.kind === "judged");
  return outcome.judged;
});
const status = statusOf(recoUser, {
  recent: windows,
  windows: windows.map((judged) => ({
    ...judged.window,
    rows: judged.rows,
    late: judged.late,
    partial: false,
    status: worstStatus(judged),
  })),
  latest: windows[2],
  breaker: openBreaker(),
});

describe("the API", () => {
  it("says what is watched", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const { body } = await ask(url, "/v1/feature-views");
    assert.equal(body.length, 1);
    assert.equal(body[0].name, "reco_user");
    assert.equal(body[0].fingerprint, "sha256:test");
    assert.equal(body[0].status, "critical");
    assert.equal(body[0].breaker.state, "open");
    assert.equal(body[0].baseline.rows, 26_182);
    assert.deepEqual(body[0].fields[0], { name: "user_location", type: "string" });
  });

  it("lists closed windows that start in a half-open range", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const starts = async (query: string): Promise<string[]> =>
      (await ask(url, `/v1/windows/reco_user${query}`)).body.map(({ start }: { start: string }) =>
        start.slice(11, 16),
      );
    assert.deepEqual(await starts(""), ["12:00", "12:01", "12:02"]);
    assert.deepEqual(await starts("?from=2026-03-03T12:01Z&to=2026-03-03T12:02Z"), ["12:01"]);
    assert.deepEqual(await starts(`?from=${noon + 60_000}`), ["12:01", "12:02"]);
    const { body } = await ask(url, "/v1/windows/reco_user");
    assert.deepEqual(
      body.map((window: { status: string }) => window.status),
      ["ok", "insufficient", "critical"],
    );
    assert.deepEqual(Object.keys(body[0]).sort(), ["end", "late", "partial", "rows", "start", "status"]);
    const wrong = await ask(url, "/v1/windows/reco_user?from=yesterday");
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.detail, /from is ISO 8601/);
    assert.equal((await ask(url, "/v1/windows/nobody")).status, 404);
  });

  it("lists verdicts, newest first, by view, status and number, in JSON's own numbers and ISO times", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const all = (await ask(url, "/v1/verdicts")).body;
    assert.equal(all.length, 4);
    assert.equal(all[0].window.start, "2026-03-03T12:02:00.000Z");
    const [critical] = (await ask(url, "/v1/verdicts?status=critical&view=reco_user")).body;
    assert.equal(critical.shift, Number.MAX_VALUE);
    assert.equal(critical.decidedAt, "2026-03-03T12:00:00.001Z");
    assert.equal(critical.example.eventTime, "2026-03-03T12:00:00.000Z");
    assert.equal((await ask(url, "/v1/verdicts?limit=2")).body.length, 2);
    for (const query of ["limit=0", "limit=1001", "limit=x", "limit=", "status=red", "status=toString"])
      assert.equal((await ask(url, `/v1/verdicts?${query}`)).status, 400, query);
    assert.equal((await ask(url, "/v1/verdicts?view=nobody")).status, 404);
  });

  it("lists the alerts that fire, as alerts.jsonl has them", async (t) => {
    const outcome = alertOf({ segment: { field: "node", value: "a7" }, shift: Number.POSITIVE_INFINITY });
    assert(outcome.kind === "alert");
    const { url } = await serve(t, fakeBoard([status], { activeAlerts: () => [outcome.alert] }));
    const [alert] = (await ask(url, "/v1/alerts")).body;
    assert.equal(alert.time, "2026-03-03T12:00:00.000Z");
    assert.deepEqual(alert.segment, { field: "node", value: "a7" });
    assert.deepEqual(alert.window, { start: "2026-03-03T12:00:00.000Z", end: "2026-03-03T12:01:00.000Z" });
    assert.equal(alert.shift, Number.MAX_VALUE);
  });

  it("answers every mistake as a problem document", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    for (const [path, method, expected] of [
      ["/nothing", "GET", 404],
      ["/v1/gate/reco_user", "DELETE", 405],
      ["/v1/validate/reco_user", "GET", 405],
      [`/v1/gate/${"x".repeat(400)}`, "GET", 414],
      ["/v1/gate/%zz", "GET", 400],
    ] as const) {
      const answer = await ask(url, path, { method });
      assert.equal(answer.status, expected, path);
      assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/, path);
      assert.equal(answer.body.status, answer.status);
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff", path);
    }
  });

  it("answers a method that a path does not take with 405 and those that it takes", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    for (const [path, method, allow] of [
      ["/v1/validate/reco_user", "GET", "POST"],
      ["/v1/validate/reco_user?x=1", "OPTIONS", "POST"],
      ["/v1/gate/reco_user", "DELETE", "GET, HEAD"],
      ["/v1/breakers/reco_user", "GET", "POST"],
      ["/v1/canary/reco-v5", "PUT", "GET, HEAD, POST"],
      ["/", "POST", "GET, HEAD"],
    ] as const) {
      const answer = await ask(url, path, { method });
      assert.equal(answer.status, 405, path);
      assert.equal(answer.headers.get("allow"), allow, path);
      assert.match(answer.body.detail, new RegExp(`: it takes ${allow}$`), path);
    }
    for (const path of ["/v1/validate/", "/v1/gate", "/v1/gate/reco_user/no", "/v1/gates/reco_user"])
      assert.equal((await ask(url, path, { method: "PUT" })).status, 404, path);
  });

  it("echoes a request id that is fit for a log, and makes one otherwise", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const idOf = async (given?: string): Promise<string | null> =>
      (await ask(url, "/v1/gate/reco_user", given === undefined ? {} : { headers: { "x-request-id": given } }))
        .headers.get("x-request-id"); // biome-ignore format: one call
    assert.equal(await idOf("882-af"), "882-af");
    const own = await idOf();
    assert.match(own ?? "", /^[0-9a-f-]{36}$/);
    assert.notEqual(await idOf(), own);
    assert.notEqual(await idOf("a b"), "a b");
    assert.match((await idOf("x".repeat(201))) ?? "", /^[0-9a-f-]{36}$/);
  });

  it("survives bytes that are no HTTP", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const socket = connect(Number(url.port), url.hostname);
    const answered = new Promise<string>((done) => socket.once("data", (bytes) => done(String(bytes))));
    socket.write("\u0016\u0003\u0001 hello\r\n\r\n");
    assert.match(await answered, /^HTTP\/1\.1 400/);
    socket.destroy();
    assert.equal((await ask(url, "/healthz")).status, 200);
  });

  it("refuses a port that is taken, with what to do about it", async (t) => {
    const { url } = await serve(t, fakeBoard([]));
    const http = { host: "127.0.0.1", port: Number(url.port) };
    await assert.rejects(serve(t, fakeBoard([]), { http }), { code: "http.failed", hint: /--port 0/ });
  });
});

describe("openapi.json", () => {
  it("describes every route that is served, and no other", async (t) => {
    const { url, routes } = await serve(t, fakeBoard([status]));
    const { body } = await ask(url, "/openapi.json");
    assert.equal(body.openapi, "3.1.0");
    const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(described.sort(), [...routes].sort());
  });

  it("describes every status that the gate and validation answer with", async (t) => {
    const { url } = await serve(t, fakeBoard([status]));
    const { paths } = (await ask(url, "/openapi.json")).body;
    assert.deepEqual(Object.keys(paths["/v1/gate/{view}"].get.responses), ["200", "400", "404", "503"]);
    assert.deepEqual(Object.keys(paths["/v1/validate/{view}"].post.responses), [
      "200",
      "400",
      "403",
      "404",
      "413",
      "503",
    ]);
  });
});
