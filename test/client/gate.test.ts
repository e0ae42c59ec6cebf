import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createGate, type Gate, type GateOptions } from "../../src/client/gate.ts";
import { readEvents } from "../../src/client/gate-http.ts";
import type { Breaker } from "../../src/model/verdict.ts";
import { breakerOf, movedOf, noon } from "../pipeline/outcomes.ts";
import { fakeBoard, openBreaker, recoUser, serve, statusOf } from "../serve/support.ts";
import type { Scope } from "../services/process.ts";
import { eventually } from "../services/wait.ts";

function gateOf(t: Scope, options: Partial<GateOptions>): Gate {
  const gate = createGate({ view: "reco_user", fail: "closed", ...options });
  t.after(() => gate.close());
  return gate;
}

const nodeA7 = { field: "node", value: "a7" };

describe("the gate in a service", () => {
  it("knows the breaker from the first answer on, and every change by event", async (t) => {
    const board = fakeBoard([statusOf(recoUser)]);
    const { url } = await serve(t, board);
    const seen: (string | undefined)[] = [];
    const gate = gateOf(t, { url, onChange: (state) => seen.push(state) });
    assert.equal(gate.allows(), false, "nothing is known yet, and it fails closed");
    assert.equal(await gate.ready(), true);
    assert.equal(gate.state(), "closed");
    assert.equal(gate.allows(), true);
    board.emit(movedOf("closed", "open", noon));
    await eventually(() => gate.state() === "open");
    assert.equal(gate.allows(), false);
    assert.equal(gate.reasons[0]?.field, "user_location");
    board.emit(movedOf("open", "half-open", noon));
    await eventually(() => gate.state() === "half-open");
    assert.equal(gate.allows(), true);
    board.emit(movedOf("half-open", "closed", noon));
    await eventually(() => gate.state() === "closed");
    assert.deepEqual(seen, ["closed", "open", "half-open", "closed"]);
  });

  it("tells segments apart, and a sick view is sick in each", async (t) => {
    const segments = new Map<string, Breaker>([["node:a7", openBreaker({ segment: nodeA7 })]]);
    const board = fakeBoard([statusOf(recoUser, { segments })]);
    const { url } = await serve(t, board);
    const gate = gateOf(t, { url });
    await gate.ready();
    assert.equal(gate.allows("node:a7"), false);
    assert.equal(gate.allows("node:a8"), true);
    assert.equal(gate.allows(), true);
    board.emit(movedOf("closed", "open", noon, { field: "node", value: "a8" }));
    await eventually(() => gate.state("node:a8") === "open");
    board.emit(movedOf("open", "closed", noon, nodeA7));
    await eventually(() => gate.state("node:a7") === "closed");
    board.emit(movedOf("closed", "open", noon));
    await eventually(() => gate.state("node:a7") === "open");
  });

  it("serves the fallback while the breaker is open, and counts how often", async (t) => {
    const board = fakeBoard([statusOf(recoUser, { breaker: openBreaker() })]);
    const { url } = await serve(t, board);
    const gate = gateOf(t, { url });
    const heuristic = (): string =>
      gate.run(
        () => "model",
        (reasons) => `heuristic for ${reasons.length} reasons`,
      );
    assert.equal(heuristic(), "heuristic for 0 reasons");
    await gate.ready();
    assert.equal(heuristic(), "heuristic for 1 reasons");
    board.says.views = [statusOf(recoUser, { breaker: breakerOf("closed") })];
    board.emit(movedOf("open", "closed", noon));
    await eventually(() => gate.state() === "closed");
    assert.equal(heuristic(), "model");
    assert.equal(
      await gate.run(
        async () => 7,
        () => 8,
      ),
      7,
    );
    assert.deepEqual(gate.counts, { primary: 2, fallback: 2, open: 1, unknown: 1 });
    assert.match(
      gate.metrics(),
      /tidemark_client_calls_total\{feature_view="reco_user",served="fallback",reason="open"\} 1/,
    );
    assert.throws(
      () =>
        gate.run(
          () => {
            throw new RangeError("the model's own");
          },
          () => 0,
        ),
      RangeError,
    );
  });

  it("fails open or closed, as told, when the server is away, and finds it again", async (t) => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    const url = new URL(`http://127.0.0.1:${port}/`);
    const [open, closed] = [
      gateOf(t, { url, fail: "open", staleAfterMs: 600 }),
      gateOf(t, { url, staleAfterMs: 600 }),
    ];
    assert.equal(await open.ready(50), false);
    assert.equal(open.allows(), true);
    assert.equal(closed.allows(), false);
    assert.equal(closed.state(), undefined);

    const endings: (() => Promise<void>)[] = [];
    await serve(
      { after: (fn) => void endings.push(fn) },
      fakeBoard([statusOf(recoUser, { breaker: openBreaker() })]),
      {
        http: { host: "127.0.0.1", port },
      },
    );
    await eventually(() => open.state() === "open" && closed.state() === "open");
    assert.equal(open.allows(), false, "what is known goes before how to fail");
    for (const end of endings) await end();
    await eventually(() => open.state() === undefined);
    assert.equal(open.allows(), true);
  });

  it("answers in well under a microsecond", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]));
    const gate = gateOf(t, { url });
    await gate.ready();
    const calls = 1_000_000;
    let [allowed, startedAt] = [0, 0];
    for (let round = 0; round < 2; round++) {
      startedAt = performance.now();
      for (let call = 0; call < calls; call++) if (gate.allows()) allowed += 1;
    }
    t.diagnostic(`${((1e6 * (performance.now() - startedAt)) / calls).toFixed(1)} ns a call`);
    assert.equal(allowed, 2 * calls);
  });

  it("refuses options that leave open what to do", () => {
    const make = (options: object) => () => createGate({ view: "v", ...options } as GateOptions);
    assert.throws(make({ fail: "open" }), /either url or kafka/);
    assert.throws(make({ url: "http://x", kafka: { brokers: [] }, fail: "open" }), /either url or kafka/);
    assert.throws(make({ url: "http://x" }), /fail is "open"/);
    assert.throws(make({ url: "reco", fail: "open" }), /url reco is no URL/);
    assert.throws(make({ view: "", url: "http://x", fail: "open" }), /view is the name/);
  });

  it("says why its state is not known, and that a fallback is missing before it is needed", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]));
    const unknown = gateOf(t, { url, view: "nobody" });
    assert.equal(await unknown.ready(200), false);
    assert.match(unknown.trouble ?? "", /v1\/gate\/nobody answered 404: no feature view "nobody"/);
    const away = gateOf(t, { url: "http://127.0.0.1:1/" });
    assert.equal(await away.ready(200), false);
    assert.match(away.trouble ?? "", /fetch failed: .+/);
    const gate = gateOf(t, { url });
    assert.equal(await gate.ready(), true);
    assert.equal(gate.trouble, undefined);
    assert.throws(() => gate.run(() => 1, undefined as never), /no fallback/);
  });
});

describe("server-sent events", () => {
  it("are read whole however they are cut, comments passed over", async () => {
    const text = 'event: breaker\ndata: {"a":1}\n\n: still here\n\ndata: x\r\ndata: y\r\n\r\n';
    for (let cut = 0; cut < text.length; cut++) {
      const seen: string[] = [];
      const chunks = [text.slice(0, cut), text.slice(cut)].map((part) => new TextEncoder().encode(part));
      await readEvents(
        (async function* () {
          yield* chunks;
        })(),
        (name, data) => seen.push(`${name} ${data}`),
      );
      assert.deepEqual(seen, ['breaker {"a":1}', "message x\ny"], `cut at ${cut}`);
    }
  });
});
