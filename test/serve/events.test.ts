import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alertOf, judgedOf, movedOf, noon, verdictOf } from "../pipeline/outcomes.ts";
import { eventually } from "../services/wait.ts";
import { ask, fakeBoard, recoUser, serve, statusOf } from "./support.ts";

const waitMs = 30_000;

/** Reads a stream until `enough` says so. */
async function listen(url: URL, enough: (text: string) => boolean, ready: () => void): Promise<string> {
  const response = await fetch(new URL("/v1/events", url), { signal: AbortSignal.timeout(waitMs) });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert(response.body !== null);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    if (text === "") ready();
    text += decoder.decode(chunk, { stream: true });
    if (enough(text)) break;
  }
  return text;
}

describe("the stream of events", () => {
  it("tells of judged windows of whole views, breakers and alerts as they happen", async (t) => {
    const board = fakeBoard([statusOf(recoUser)]);
    const { url } = await serve(t, board);
    const judged = judgedOf(0, [verdictOf("user_location", { status: "critical" })]);
    const ofSegment = judgedOf(0, [], { segment: { field: "node", value: "a7" } });
    const text = await listen(
      url,
      (so_far) => so_far.includes("event: alert"),
      () => board.emit(judged, ofSegment, movedOf("closed", "open", noon), alertOf()),
    );
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(
      ([, name, data]) => [name, JSON.parse(data ?? "")] as const,
    );
    assert.deepEqual(
      events.map(([name]) => name),
      ["judged", "breaker", "alert"],
    );
    assert.equal(events[0]?.[1].status, "critical");
    assert.equal(events[1]?.[1].to, "open");
    assert.equal(events[1]?.[1].time, "2026-03-03T12:00:00.000Z");
    assert.equal(events[2]?.[1].alertname, "TidemarkDefaultCase");
  });

  it("takes a hundred listeners, and one more only when one has left", async (t) => {
    const { url } = await serve(t, fakeBoard([statusOf(recoUser)]));
    const leaving = new AbortController();
    t.after(() => leaving.abort());
    const held: Response[] = []; // a response that nobody holds is collected, and its place is free
    const open = async (signal = leaving.signal): Promise<number> => {
      const response = await fetch(new URL("/v1/events", url), { signal });
      held.push(response);
      if (response.status !== 200) await response.body?.cancel();
      return response.status;
    };
    const first = new AbortController();
    assert.equal(await open(first.signal), 200);
    const others = await Promise.all(Array.from({ length: 99 }, () => open()));
    assert.deepEqual(new Set(others), new Set([200]));
    assert.equal(await open(), 503);
    first.abort();
    await eventually(async () => (await open()) === 200); // the place of the one that left is free
    assert.equal(held.filter(({ status }) => status === 200).length, 101);
  });

  it("ends when the server closes, so that a shutdown is not held up", { timeout: waitMs }, async () => {
    const endings: (() => Promise<void>)[] = [];
    const { url } = await serve({ after: (fn) => void endings.push(fn) }, fakeBoard([]));
    const response = await fetch(new URL("/v1/events", url)); // nobody but the server ends it
    const rest = response.text().catch(() => "cut");
    for (const end of endings) await end();
    await rest;
  });

  it("is not opened by HEAD", async (t) => {
    const { url } = await serve(t, fakeBoard([]));
    assert.equal((await ask(url, "/v1/events", { method: "HEAD" })).status, 405);
  });
});
