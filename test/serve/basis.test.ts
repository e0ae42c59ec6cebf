import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Alert, VerdictStatus } from "../../src/model/verdict.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { profileOf } from "../judge/profiles.ts";
import { alertOf, judgedOf, noon, verdictOf } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, recoUser, serve, statusOf } from "./support.ts";

const [location] = recoUser.fields;
assert(location !== undefined);
const before = profileOf(location, ["US", "US", "GB", "DE"]);
const fired = (change: Partial<Alert> = {}): Outcome & { kind: "alert" } => {
  const outcome = alertOf({ example: { value: "Canada", position: "t-0@7", requestId: "r1" }, ...change });
  assert(outcome.kind === "alert");
  return outcome;
};

/** A judged window whose profile holds these countries. */
function judged(cells: readonly string[], change: Parameters<typeof judgedOf>[2] = {}): Outcome {
  const outcome = judgedOf(
    0,
    [verdictOf("user_location", { statistic: "default_rate", shift: 9, rows: cells.length })],
    change,
  );
  assert(outcome.kind === "judged");
  assert(location !== undefined);
  const fields = new Map([["user_location", profileOf(location, cells)]]);
  return { ...outcome, profile: { ...outcome.profile, rows: cells.length, fields } };
}

const a7 = { segment: { field: "node", value: "a7" } };

describe("GET /v1/alerts/{fingerprint}", () => {
  it("has what the alert stood on when it began, and says it again when its window has closed", async (t) => {
    const { alert, ...kind } = fired();
    const recent = [
      {
        ...(
          judgedOf(0, [verdictOf("user_location", { statistic: "default_rate", shift: 9 })]) as Outcome & {
            kind: "judged";
          }
        ).judged,
      },
    ];
    const status = statusOf(recoUser, { recent, baselineFields: new Map([["user_location", before]]) });
    const board = fakeBoard([status], { activeAlerts: () => [alert] });
    const { url } = await serve(t, board);
    const get = async () => (await ask(url, `/v1/alerts/${alert.fingerprint}`)).body;
    assert.equal((await get()).basis, null, "judged before a restart, or elsewhere");

    board.emit(judged(["US", "Canada"], { final: false }), { ...kind, alert });
    const early = await get();
    assert.equal(early.basis.final, false);
    assert.deepEqual(early.basis.contributions[0], {
      what: "Canada",
      before: 0,
      now: 0.5,
      change: 0.5,
      unknown: true,
    });
    assert.deepEqual(early.basis.samples[0], { value: "Canada", requestId: "r1", position: "t-0@7" });

    board.emit(judged(["Canada", "Canada", "Canada", "US"]), judged(["Canada"], a7));
    const closed = await get();
    assert.equal(closed.basis.final, true);
    assert.equal(closed.basis.contributions[0].now, 0.75);
    assert.deepEqual(closed.basis.segments, [{ segment: "node:a7", rows: 1, observed: 0, shift: 9 }]);
    assert.deepEqual(closed.basis.models, ["linked: reco-engine v4.1 3f2a9c1"]);
    assert.deepEqual(closed.history, [
      { start: new Date(noon).toISOString(), observed: 0, shift: 9, status: "ok" },
    ]);

    board.emit({ ...kind, alert });
    assert.deepEqual((await get()).basis, closed.basis, "an alert that is told again is the same alert");
    board.emit({ ...kind, alert: { ...alert, status: "resolved" } });
    assert.equal((await get()).basis, null, "let go when the alert is over");
    assert.equal((await ask(url, "/v1/alerts/nobody")).status, 404);
  });

  it("has how a segment's statistic went from the first bad window on, and of 500 at most", async (t) => {
    const { alert } = fired({ segment: a7.segment });
    const of = (segment: string) => ({
      ...alert,
      fingerprint: segment,
      segment: { field: "node", value: segment },
    });
    const alerts = [of("a7"), of("a8"), of("n0"), of("n500")];
    const board = fakeBoard([statusOf(recoUser)], { activeAlerts: () => alerts });
    const { url } = await serve(t, board);
    const windowOf = (at: number, status: VerdictStatus, value = "a7", shift = at): Outcome =>
      judgedOf(at, [verdictOf("user_location", { statistic: "default_rate", status, shift, rows: 9 })], {
        segment: { field: "node", value },
      });
    const historyOf = async (segment: string): Promise<unknown[]> =>
      (await ask(url, `/v1/alerts/${segment}`)).body.history.map(
        ({ shift, status }: { shift: number; status: string }) => `${shift} ${status}`,
      );
    board.emit(windowOf(0, "ok"), windowOf(0, "ok", "a8"));
    assert.deepEqual(await historyOf("a7"), [], "what has always been well is not kept");
    board.emit(windowOf(1, "warning"), windowOf(2, "critical"));
    board.emit(windowOf(3, "ok"), windowOf(2, "critical", "a7", 22));
    assert.deepEqual(await historyOf("a7"), ["1 warning", "22 critical", "3 ok"]);
    assert.deepEqual(await historyOf("a8"), []);

    for (let at = 0; at < 121; at++) board.emit(windowOf(4 + at, "ok"));
    assert.equal((await historyOf("a7")).length, 120);
    for (let at = 0; at <= 500; at++) board.emit(windowOf(0, "critical", `n${at}`));
    assert.deepEqual(await historyOf("a7"), [], "those that have been well for longest go first");
    assert.deepEqual(await historyOf("n0"), []);
    assert.deepEqual(await historyOf("n500"), ["0 critical"]);
  });

  it("shows no value of a field that is redacted", async (t) => {
    const view = { ...recoUser, fields: recoUser.fields.map((field) => ({ ...field, redact: true })) };
    const { alert } = fired({ example: { value: "…" } });
    const status = statusOf(view, { baselineFields: new Map([["user_location", before]]) });
    const board = fakeBoard([status], { activeAlerts: () => [alert] });
    const { url } = await serve(t, board);
    board.emit(judged(["US", "Canada"]), { kind: "alert", alert });
    const answer = await ask(url, `/v1/alerts/${alert.fingerprint}`);
    assert.deepEqual(answer.body.basis.contributions, []);
    assert.ok(!JSON.stringify(answer.body.basis.contributions).includes("Canada"));
  });

  it("keeps the basis of the newest 500 alerts", async (t) => {
    const { alert } = fired();
    const alerts = Array.from({ length: 501 }, (_, index) => ({ ...alert, fingerprint: `f${index}` }));
    const status = statusOf(recoUser, { baselineFields: new Map([["user_location", before]]) });
    const board = fakeBoard([status], { activeAlerts: () => alerts });
    const { url } = await serve(t, board);
    board.emit(judged(["Canada"]), ...alerts.map((each): Outcome => ({ kind: "alert", alert: each })));
    assert.equal((await ask(url, "/v1/alerts/f0")).body.basis, null);
    for (const name of ["f1", "f500"])
      assert.equal((await ask(url, `/v1/alerts/${name}`)).body.basis.contributions.length, 4);
  });
});
