import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import fastify from "fastify";
import { Hono } from "hono";
import { modelHeaders } from "../../src/client/model-headers.ts";
import { createTensorReporter, tensorStats } from "../../src/client/tensors.ts";
import { loadSpec, validator } from "../../src/client/validator.ts";
import { root } from "../cli/command.ts";
import { bodyOf } from "../services/http.ts";
import type { Scope } from "../services/process.ts";
import { eventually } from "../services/wait.ts";

const model = { gitSha: "3f2a9c1", weights: "s3://models/reco/v4", version: "v4", featureViewVersion: 4 };

async function listening(t: Scope, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function assertNamed(headers: Headers, what: string): void {
  assert.equal(headers.get("x-model-git-sha"), "3f2a9c1", what);
  assert.equal(headers.get("x-model-weights"), "s3://models/reco/v4", what);
  assert.equal(headers.get("x-feature-view-version"), "4", what);
}

describe("model headers", () => {
  const named = modelHeaders(model);

  it("stand on every answer of a node:http server", async (t) => {
    const url = await listening(
      t,
      named.http((request, response) => {
        const lie = { "X-Model-Git-Sha": "lie", "content-type": "text/plain" };
        if (request.url === "/boom") response.writeHead(500, lie).end("boom");
        else if (request.url === "/list") response.writeHead(200, "fine", Object.entries(lie).flat()).end();
        else if (request.url === "/set") response.setHeader("x-model-git-sha", "lie").end();
        else if (request.url === "/without") {
          response.removeHeader("x-model-weights");
          response.end();
        } else response.end("[]");
      }),
    );
    for (const path of ["/", "/boom", "/list", "/set", "/without"])
      assertNamed((await fetch(url + path)).headers, path);
    const { headers, status } = await fetch(`${url}/boom`);
    assert.deepEqual([status, headers.get("content-type")], [500, "text/plain"], "the rest is the handler's");
  });

  it("stand on every answer of Fastify, errors and 404 included", async () => {
    const app = fastify();
    await app.register(named.fastify);
    app.get("/", async () => []);
    app.get("/boom", async () => {
      throw new Error("boom");
    });
    for (const [path, status] of [
      ["/", 200],
      ["/boom", 500],
      ["/none", 404],
    ] as const) {
      const answer = await app.inject(path);
      assert.equal(answer.statusCode, status);
      assertNamed(new Headers(answer.headers as Record<string, string>), path);
    }
    await app.close();
  });

  it("stand on every answer of Hono, errors and 404 included", async () => {
    const app = new Hono();
    app.use(named.hono);
    app.get("/", (context) => context.json([]));
    app.get("/boom", () => {
      throw new Error("boom");
    });
    app.onError((_error, context) => context.text("boom", 500));
    for (const [path, status] of [
      ["/", 200],
      ["/boom", 500],
      ["/none", 404],
    ] as const) {
      const answer = await app.request(path);
      assert.equal(answer.status, status);
      assertNamed(answer.headers, path);
    }
  });

  it("keep a service from starting that cannot say what it serves", () => {
    for (const [change, says] of [
      [{ gitSha: undefined }, /gitSha \(missing\).*must not start/],
      [{ gitSha: "" }, /gitSha ""/],
      [{ gitSha: "unknown" }, /gitSha "unknown"/],
      [{ gitSha: "0000000" }, /gitSha "0000000"/],
      [{ weights: undefined }, /weights \(missing\).*must not start/],
      [{ weights: "latest" }, /weights "latest"/],
      [{ weights: "model.bin" }, /no URI/],
    ] as const) {
      assert.throws(() => modelHeaders({ ...model, ...change } as unknown as typeof model), {
        message: says,
      });
    }
  });
});

describe("the validator in a service", () => {
  it("says what the gate says, of plain rows, typed arrays, Dates and NaN", async () => {
    const view = await loadSpec(`${root}feature-specs/reco_user.yaml`);
    const validate = validator(view);
    const row = {
      user_location: "US",
      session_seconds: 12.5,
      last_purchase_at: new Date("2026-03-01T00:00:00Z"),
      user_embedding: new Float32Array(16).fill(0.05),
    };
    const codes = (rows: object): string[] =>
      validate(rows as Record<string, unknown>)
        .errors.filter(({ code }) => code !== "missing")
        .map(({ row: at, field, code }) => `${at} ${field} ${code}`);
    assert.deepEqual(codes(row), []);
    assert.deepEqual(codes([row, { ...row, user_location: "United States" }]), [
      "1 user_location default",
      "1 user_location pattern",
    ]);
    assert.deepEqual(codes({ ...row, session_seconds: Number.NaN }), [
      "0 session_seconds nonfinite",
      "0 session_seconds range",
    ]);
    assert.deepEqual(codes({ ...row, user_embedding: new Float64Array(8) }), ["0 user_embedding dimensions"]);
    assert.ok(row.user_embedding instanceof Float32Array, "the row is as it was");
    assert.deepEqual(validate([]), { ok: true, rows: 0, rejectedRows: 0, errors: [] });
    assert.equal(validate(row).ok, false, "fields are missing");
    await assert.rejects(loadSpec("none.yaml"), /none\.yaml/);
    for (const [wrong, says] of [
      [[[row]], /a list is no row/],
      [new Map(Object.entries(row)), /a Map is no row/],
      [{ ...row, user_location: Symbol("US") }, /user_location is a symbol, no value/],
      [{ ...row, user_location: () => "US" }, /user_location is a function, no value/],
    ] as const)
      assert.throws(() => validate(wrong as never), { name: "TypeError", message: says });
  });
});

describe("tensor statistics", () => {
  it("are mean, spread and extremes of the finite values, and count the others", () => {
    const { mean, sd, ...rest } = tensorStats([1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY], [2, 3]);
    assert.equal(mean, 2.5);
    assert.ok(Math.abs(sd - Math.sqrt(1.25)) < 1e-12);
    assert.deepEqual(rest, { shape: [2, 3], min: 1, max: 4, nan: 1, inf: 1 });
    assert.ok(Number.isNaN(tensorStats([Number.NaN]).mean));
    assert.equal(tensorStats(Float32Array.of(1e9, 1e9 + 64)).sd, 32);
    assert.throws(() => tensorStats([1, 2, 3], [2, 2]), /shape \[2, 2\] holds 4 values, and there are 3/);
    for (const [wrong, says] of [
      [["1", "2"], /value 0 is of type string, no number/],
      [new BigInt64Array(2), /value 0 is of type bigint, no number/],
      [[1, [2]], /value 1 is of type object, no number/],
      [undefined, /values are an array/],
    ] as const)
      assert.throws(() => tensorStats(wrong as never), { name: "TypeError", message: says });
  });

  it("are sent together, a NaN at once, and kept while the server is away, bounded", async (t) => {
    const bodies: { layer: string; nan: number; mean: unknown }[][] = [];
    let status = 503;
    const url = await listening(t, async (request, response) => {
      const body = JSON.parse(await bodyOf(request));
      if (status === 200) bodies.push(body);
      response.writeHead(status).end();
    });
    const reporter = createTensorReporter({
      url,
      model: "reco",
      flushEveryMs: 600_000,
      bufferedMax: 3,
      now: () => 7,
    });
    for (const layer of ["a", "b", "c", "d"]) reporter.report("882-af", layer, [1, 2]);
    await reporter.flush();
    assert.equal(reporter.dropped, 1);
    assert.match(reporter.trouble ?? "", /\/v1\/validate\/model_layers answered 503/);
    status = 200;
    reporter.report("882-af", "layer_12_output", [Number.NaN]);
    await eventually(() => bodies.length > 0);
    const [records] = bodies;
    assert.deepEqual(
      records?.map(({ layer }) => layer),
      ["c", "d", "layer_12_output"],
    );
    assert.deepEqual(records?.at(-1), {
      requestId: "882-af",
      model: "reco",
      layer: "layer_12_output",
      time: 7,
      shape: [1],
      mean: "NaN",
      sd: "NaN",
      min: "NaN",
      max: "NaN",
      nan: 1,
      inf: 0,
    });
    await reporter.close();
  });
});
