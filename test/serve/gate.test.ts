import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newBreaker } from "../../src/judge/breaker.ts";
import { breakerOf, noon } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, openBreaker, recoUser, serve, statusOf } from "./support.ts";

describe("the gate", () => {
  it("answers 200 while the breaker is closed or half-open and 503 while it is open, uncached", async (t) => {
    const board = fakeBoard([]);
    const { url } = await serve(t, board);
    for (const [breaker, status] of [
      [breakerOf("closed"), 200],
      [breakerOf("half-open"), 200],
      [openBreaker(), 503],
    ] as const) {
      board.says.views = [statusOf(recoUser, { breaker })];
      const answer = await ask(url, "/v1/gate/reco_user");
      assert.equal(answer.status, status, breaker.state);
      assert.equal(answer.body.state, breaker.state);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const head = await ask(url, "/v1/gate/reco_user", { method: "HEAD" });
      assert.equal(head.status, status, `HEAD, ${breaker.state}`);
    }
  });

  it("says since when, why, and which models are linked to the view", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser, { breaker: openBreaker() })]));
    const { body, headers } = await ask(url, "/v1/gate/reco_user");
    assert.deepEqual(body, {
      featureView: "reco_user",
      segment: null,
      state: "open",
      since: "2026-03-03T12:00:00.000Z",
      openedAt: "2026-03-03T12:00:00.000Z",
      reasons: [
        { field: "user_location", statistic: "default_rate", summary: "99% of user_location are unknown" },
      ],
      openSegments: [],
      hold: null,
      stale: false,
      models: [{ name: "reco-engine", version: "v4.1", gitSha: "3f2a9c1", weights: "s3://models/reco/v4.1" }],
    });
    assert.equal(headers.get("x-model-git-sha"), "3f2a9c1");
    assert.equal(headers.get("x-model-weights"), "s3://models/reco/v4.1");
  });

  it("says no time of a breaker that no window has been judged for", async (t) => {
    const { url } = await serve(
      t,
      fakeBoard([statusOf(recoUser, { breaker: newBreaker("reco_user", null, 0) })]),
    );
    assert.equal((await ask(url, "/v1/gate/reco_user")).body.since, null);
    assert.equal((await ask(url, "/v1/feature-views")).body[0].breaker.since, null);
  });

  it("closes for the segment whose breaker is open, and for every segment when the view's is", async (t) => {
    const segment = { field: "node", value: "a:7" };
    const board = fakeBoard([
      statusOf(recoUser, { segments: new Map([["node:a:7", openBreaker({ segment })]]) }),
    ]);
    const { url } = await serve(t, board);
    const gate = async (query: string): Promise<number> =>
      (await ask(url, `/v1/gate/reco_user${query}`)).status;
    assert.equal(await gate(""), 200, "one sick node does not condemn the view");
    assert.equal(await gate("?segment=node:a:7"), 503);
    assert.equal(await gate("?segment=node:b1"), 200);
    board.says.views = [statusOf(recoUser, { breaker: openBreaker() })];
    assert.equal(await gate("?segment=node:b1"), 503);
  });

  it("refuses a segment that no field of the view makes", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]));
    for (const query of ["?segment=shard:1", "?segment=node", "?segment=__proto__:x", "?segment="]) {
      const { status, body } = await ask(url, `/v1/gate/reco_user${query}`);
      assert.equal(status, 400, query);
      assert.match(body.detail, /field:value.*node/);
    }
  });

  it("names the view that was meant", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]));
    const { status, headers, body } = await ask(url, "/v1/gate/reco_usr");
    assert.equal(status, 404);
    assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.deepEqual(body, {
      type: "about:blank",
      title: "unknown feature view",
      status: 404,
      detail: 'no feature view "reco_usr": did you mean "reco_user"?; there are reco_user',
    });
    for (const name of ["__proto__", "constructor", "toString", "%F0%9F%A6%86"])
      assert.equal((await ask(url, `/v1/gate/${name}`)).status, 404, name);
  });

  it("names no model in the headers when the view is linked to several, and encodes what a header cannot hold", async (t) => {
    const [model] = recoUser.models;
    assert(model !== undefined);
    const odd = { ...model, gitSha: "größe\r\nx-evil: 1", weights: undefined };
    const board = fakeBoard([
      statusOf({ ...recoUser, name: "two", models: [model, odd] }),
      statusOf({ ...recoUser, name: "odd", models: [odd] }),
    ]);
    const { url } = await serve(t, board);
    assert.equal((await ask(url, "/v1/gate/two")).headers.has("x-model-git-sha"), false);
    const { status, headers } = await ask(url, "/v1/gate/odd");
    assert.equal(status, 200);
    assert.equal(headers.get("x-model-git-sha"), "gr%C3%B6%C3%9Fe%0D%0Ax-evil: 1");
    assert.equal(headers.has("x-evil"), false);
    assert.equal(headers.has("x-model-weights"), false);
  });

  it("counts event time, not its own: an old incident keeps its date", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]), {
      clock: { now: () => noon + 1e9, elapsed: () => 0 },
    });
    assert.equal((await ask(url, "/v1/gate/reco_user")).body.since, "2026-03-03T12:00:00.000Z");
  });
});
