import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noon } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, openBreaker, recoUser, serve, statusOf } from "./support.ts";

const http = { host: "127.0.0.1", port: 0, token: "s3cret" };
const path = "/v1/breakers/reco_user";
const post = (order: object | string, token?: string): RequestInit => ({
  method: "POST",
  body: typeof order === "string" ? order : JSON.stringify(order),
  ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
});

describe("breakers by hand", () => {
  it("are moved by whoever has the token", async (t) => {
    const { url, orders } = await serve(t, fakeBoard([statusOf(recoUser)]), { http });
    const order = { action: "close", mute: "2h", reason: " known release ", segment: "node:a7" };
    const { status, body } = await ask(url, path, post(order, "s3cret"));
    assert.equal(status, 202);
    assert.equal(body.muteUntil, "2026-03-03T14:00:00.000Z");
    assert.deepEqual(orders, [
      {
        featureView: "reco_user",
        segment: { field: "node", value: "a7" },
        action: "close",
        at: noon,
        muteUntil: noon + 7_200_000,
        reason: "known release",
      },
    ]);
  });

  it("are moved by nobody without it, nor when none is configured", async (t) => {
    const order = { action: "open", reason: "so" };
    const guarded = await serve(t, fakeBoard([statusOf(recoUser)]), { http });
    assert.equal((await ask(guarded.url, path, post(order))).status, 401);
    assert.equal((await ask(guarded.url, path, post(order, "s3cre"))).status, 401);
    const off = await serve(t, fakeBoard([statusOf(recoUser)]));
    const { status, body } = await ask(off.url, path, post(order, "undefined"));
    assert.equal(status, 403);
    assert.match(body.detail, /http\.tokenFile/);
    assert.deepEqual([...guarded.orders, ...off.orders], []);
  });

  it("refuses orders that are none, and says which key is wrong", async (t) => {
    const { url, orders } = await serve(t, fakeBoard([statusOf(recoUser)]), { http });
    for (const [order, detail] of [
      ["no JSON", /JSON object/],
      [[], /JSON object/],
      [{ action: "explode", reason: "so" }, /action/],
      [{ action: "open" }, /reason/],
      [{ action: "open", reason: "so", mute: "60d" }, /mute/],
      [{ action: "open", reason: "so", mute: 7 }, /mute/],
      [{ action: "open", reason: "so", segment: "colour:red" }, /field of: node/],
      [{ action: "open", reason: "so", for: "2h" }, /unknown key "for"/],
    ] as const) {
      const { status, body } = await ask(url, path, post(order, "s3cret"));
      assert.equal(status, 400, JSON.stringify(order));
      assert.match(body.detail, detail);
    }
    assert.equal((await ask(url, "/v1/breakers/nobody", post({}, "s3cret"))).status, 404);
    assert.deepEqual(orders, []);
  });

  it("are shown at the gate and among the feature views, with who waits to be heard", async (t) => {
    const hold = { since: noon, until: noon + 60_000, reason: "known release", muted: true, silenced: 3 };
    const board = fakeBoard([statusOf(recoUser, { breaker: openBreaker({ hold }), silent: true })]);
    const { url } = await serve(t, board);
    const { body } = await ask(url, "/v1/gate/reco_user");
    assert.equal(body.hold.until, "2026-03-03T12:01:00.000Z");
    assert.equal(body.hold.silenced, 3);
    assert.equal(body.stale, true);
    const [view] = (await ask(url, "/v1/feature-views")).body;
    assert.equal(view.breaker.hold.reason, "known release");
    assert.equal(view.status, "stale", "what is stale is never green");
  });
});
