import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createRandom } from "../judge/random.ts";
import { bodyOf } from "../services/http.ts";
import { type Scope, temporaryFolder } from "../services/process.ts";
import { inside } from "./inside.ts";

const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** A model's endpoint: what `answer` returns, or a status when that is a number below 600. */
async function endpoint(
  t: Scope,
  answer: (request: IncomingMessage, body: string) => Promise<{ status?: number; body: string }>,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const { status = 200, body } = await answer(request, await bodyOf(request));
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("tidemark canary", () => {
  it("exits 0 for equal recorded outputs and 1 for [] and for too few, and writes what it found", async (t) => {
    const cwd = temporaryFolder(t, "canary");
    const random = createRandom(1);
    const record = (output: (id: number) => unknown, n = 120): string =>
      lines(Array.from({ length: n }, (_, id) => ({ id, status: 200, latencyMs: 20, output: output(id) })));
    writeFileSync(
      join(cwd, "golden.jsonl"),
      lines(Array.from({ length: 120 }, (_, id) => ({ id, request: { id } }))),
    );
    writeFileSync(
      join(cwd, "few.jsonl"),
      lines(Array.from({ length: 60 }, (_, id) => ({ id, request: { id } }))),
    );
    writeFileSync(
      join(cwd, "prod.jsonl"),
      record(() => random.normal()),
    );
    writeFileSync(
      join(cwd, "same.jsonl"),
      record(() => random.normal()),
    );
    writeFileSync(
      join(cwd, "empty.jsonl"),
      record(() => []),
    );
    const run = (golden: string, candidate: string, ...more: string[]) =>
      inside(
        ["canary", "--golden", golden, "--production", "prod.jsonl", "--candidate", candidate, ...more],
        { cwd },
      );

    const good = await run("golden.jsonl", "same.jsonl", "--json");
    assert.equal(good.code, 0, good.stdout + good.stderr);
    assert.equal(JSON.parse(good.stdout).verdict, "promote");

    const bad = await run("golden.jsonl", "empty.jsonl", "--out", "out");
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /^# Canary: abort/);
    assert.match(bad.stdout, /✖ \*\*empty\*\*: 120 of 120 answers of the candidate are empty/);
    for (const name of ["canary.json", "canary.md", "canary.html", "production.jsonl", "candidate.jsonl"])
      assert.ok(existsSync(join(cwd, "out", name)), name);
    const { data } = JSON.parse(readFileSync(join(cwd, "out", "argo.json"), "utf8"));
    assert.deepEqual(Object.keys(data).sort(), ["kl", "n", "ok", "reason", "threshold", "verdict"]);
    assert.equal(data.ok, false);
    assert.equal(data.n, 120);
    assert.equal(data.threshold, 0.1);

    const few = await run("few.jsonl", "same.jsonl", "--json");
    assert.equal(few.code, 1);
    assert.equal(JSON.parse(few.stdout).verdict, "inconclusive");
  });

  it("asks endpoints by templates, and times out on those that hang", async (t) => {
    const cwd = temporaryFolder(t, "canary");
    writeFileSync(
      join(cwd, "golden.jsonl"),
      lines(Array.from({ length: 100 }, (_, id) => ({ id: `q ${id}`, request: { user: id } }))),
    );
    writeFileSync(join(cwd, "headers"), "authorization: Bearer hush\n");
    const seen: string[] = [];
    let [now, most] = [0, 0];
    const eight = Promise.withResolvers<void>();
    const answers = async (
      request: IncomingMessage,
      body: string,
    ): Promise<{ status?: number; body: string }> => {
      now += 1;
      most = Math.max(most, now);
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
      if (now === 8) eight.resolve();
      await eight.promise; // none is answered before as many are asked as may be
      now -= 1;
      const { instances } = JSON.parse(body);
      return { body: JSON.stringify({ predictions: [{ score: Math.sin(instances[0].user) }] }) };
    };
    const production = await endpoint(t, answers);
    let asked = 0;
    const hanging = await endpoint(t, async (request, body) => {
      asked += 1;
      return asked % 5 === 0 ? new Promise(() => undefined) : answers(request, body);
    });
    const run = (candidate: string, ...more: string[]) =>
      inside(
        [
          ...["canary", "--golden", "golden.jsonl", "--json", "--header-file", "headers"],
          ...[
            "--production",
            `${production}/v4/{{id}}`,
            "--candidate",
            candidate,
            "--max-latency-ratio",
            "1000",
          ],
          ...["--body", '{"instances":[{{request}}]}', "--output", "/predictions/0", "--concurrency", "8"],
          ...more,
        ],
        { cwd },
      );
    const good = await run(`${production}/v5/{{request.user}}`);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    assert.ok(seen.includes('POST /v4/q%2017 Bearer hush {"instances":[{"user":17}]}'), seen[0]);
    assert.ok(seen.includes('POST /v5/17 Bearer hush {"instances":[{"user":17}]}'));
    assert.equal(most, 8);

    const slow = JSON.parse((await run(hanging, "--timeout", "4s", "--concurrency", "32")).stdout);
    assert.equal(slow.verdict, "abort");
    assert.match(slow.reasons[0], /20 of 100 .*20 × no answer in 4000 ms/);

    const wrong = JSON.parse((await run(`${production}/x`, "--output", "/nothing")).stdout);
    assert.equal(wrong.verdict, "inconclusive", "production has no such output either");
    assert.match(wrong.reasons.join(), /production answered 0 of 100/);
    const gone = JSON.parse((await run("http://127.0.0.1:9/")).stdout);
    assert.equal(gone.verdict, "abort");
    assert.match(gone.reasons[0], /100 of 100 answers of the candidate fail/);
  });

  it("exits 2 for what was asked for wrongly and 4 for a file that is not there", async (t) => {
    const cwd = temporaryFolder(t, "canary");
    writeFileSync(join(cwd, "g.jsonl"), '{"id":1,"request":1}\n');
    writeFileSync(join(cwd, "bad.jsonl"), '{"id":1,"status":"ok"}\n');
    const code = async (...more: string[]): Promise<number> =>
      (await inside(["canary", "--golden", "g.jsonl", "--production", "g.jsonl", ...more], { cwd })).code;
    assert.equal(await code("--candidate", "bad.jsonl"), 2);
    assert.equal(await code("--candidate", "none.jsonl"), 4);
    assert.equal(await code("--candidate", "g.jsonl", "--max-kl", "lots"), 2);
    assert.equal(await code("--candidate", "g.jsonl", "--timeout", "soon"), 2);
    assert.equal(await code(), 2);
  });
});
