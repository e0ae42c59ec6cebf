import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { breakerOf } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, openBreaker, recoUser, serve, statusOf } from "../serve/support.ts";
import { startHttp } from "../services/http.ts";
import { freePorts } from "../services/ports.ts";
import { startService, temporaryFolder } from "../services/process.ts";
import { requireTool, tools } from "../services/tools.ts";
import { eventually } from "../services/wait.ts";

const deploy = join(import.meta.dirname, "../../deploy");

describe("the proxies' question at the gate", () => {
  it("is answered with 200 or 403 whatever the method, the path behind and the caller's origin", async (t) => {
    const board = fakeBoard([statusOf(recoUser)]);
    const { url } = await serve(t, board);
    const envoy = parse(readFileSync(join(deploy, "envoy/envoy.yaml"), "utf8"));
    const [filter] =
      envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters;
    const prefix = filter.typed_config.http_service.path_prefix;
    for (const [breaker, status] of [
      [breakerOf("closed"), 200],
      [openBreaker(), 403],
    ] as const) {
      board.says.views = [statusOf(recoUser, { breaker })];
      for (const method of ["GET", "POST", "PUT", "DELETE"]) {
        const init = { method, headers: { origin: "https://shop.example" } };
        const answer = await ask(url, `${prefix}/predict/7?user=a`, init);
        assert.equal(answer.status, status, method);
        assert.equal(answer.body.state, breaker.state);
        assert.equal(answer.headers.get("x-model-git-sha"), "3f2a9c1");
      }
    }
  });

  it("makes a real NGINX serve the model, the heuristic while the breaker is open, and fail open", async (t) => {
    const board = fakeBoard([statusOf(recoUser)]);
    const endings: (() => Promise<void>)[] = [];
    const { url } = await serve({ after: (fn) => void endings.push(fn) }, board);
    const seen: string[] = [];
    const model = await startHttp(t, async ({ method, url: path }) => {
      seen.push(`${method} ${path}`);
      return [200, "model"];
    });
    const heuristic = await startHttp(t, async () => [200, "heuristic"]);
    const port = await freePorts(1);
    const dir = temporaryFolder(t, "nginx");
    const example = readFileSync(join(deploy, "nginx/tidemark.conf"), "utf8")
      .replace("127.0.0.1:8787", url.host)
      .replace("127.0.0.1:8080", model.url.host)
      .replace("127.0.0.1:8081", heuristic.url.host)
      .replace("127.0.0.1:8088", `127.0.0.1:${port}`);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${dir}/${kind};`,
    );
    writeFileSync(
      join(dir, "nginx.conf"),
      `daemon off; master_process off; pid ${dir}/pid; error_log stderr notice; events {} http { access_log off; ${paths.join(" ")}\n${example}\n}`,
    );
    const nginx = await startService(
      [requireTool(tools.nginx), "-p", dir, "-c", join(dir, "nginx.conf")],
      (said) => /using the "\w+" event method|start worker|nginx\/[\d.]+/.exec(said)?.[0],
    );
    t.after(() => nginx.kill());
    const through = async (init: RequestInit = {}): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}/predict?user=7`, init);
      return `${response.status} ${await response.text()}`;
    };
    await eventually(() =>
      through().then(
        () => true,
        () => false,
      ),
    );
    assert.equal(await through(), "200 model");
    assert.equal(await through({ method: "POST", body: '{"user":7}' }), "200 model");
    assert.ok(seen.includes("POST /predict?user=7"));
    board.says.views = [statusOf(recoUser, { breaker: openBreaker() })];
    assert.equal(await through(), "200 heuristic");
    assert.equal(await through({ method: "POST", body: '{"user":7}' }), "200 heuristic");
    for (const end of endings) await end();
    assert.equal(await through(), "200 model", "tidemark is away, and the example fails open");
  });
});
