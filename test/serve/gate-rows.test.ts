import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { noon } from "../pipeline/outcomes.ts";
import { ask, recoUser, serve } from "./support.ts";

const view = { ...recoUser, source: { ...recoUser.source, topic: "features", eventTime: "event_time" } };
const row = { user_location: "US", session_seconds: 12.5, user_embedding: [0.1, 0.2], event_time: noon };
const refused = { ...row, user_location: "United States" };
const clock = { now: () => noon, elapsed: () => noon };

function watch(store = createMemoryStore()): Monitor {
  return createMonitor({
    views: [{ view, baseline: undefined }],
    ...{ limits: defaultLimits, sinks: [], store, clock, idleAfterMs: 10_000 },
  });
}

describe("rows that are posted to the gate", () => {
  it("are each counted once, the refused ones too: read = profiled + late + rejected, over a restart", async (t) => {
    const store = createMemoryStore();
    const monitor = watch(store);
    const { url } = await serve(t, monitor.board, { intake: monitor.intake });
    const place = { topic: "features", partition: 0 };
    await monitor.assigned(place);
    const bytes = new TextEncoder().encode(JSON.stringify(row));
    await monitor.receive(place, [
      { offset: 0, timestamp: noon, headers: new Map(), body: { kind: "bytes", bytes } },
    ]);
    const post = async (...rows: readonly object[]): Promise<number> => {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", body: JSON.stringify(rows), headers };
      return (await ask(url, "/v1/validate/reco_user", init)).status;
    };
    assert.equal(await post(row, row, row), 200);
    assert.equal(await post(row, refused), 400);
    assert.equal(await post(refused), 400);
    assert.equal(await post({ ...row, event_time: noon + 3_600_000 }), 200); // a clock that is an hour ahead
    assert.equal(await post({ ...row, event_time: noon + 240_000 }, row), 200); // four minutes on, then back: late

    const gate = { read: 9, profiled: 4, late: 1, rejected: 4, deadLettered: 0 };
    const stream = { read: 1, profiled: 1, late: 0, rejected: 0, deadLettered: 0 };
    const [{ counts, sources }] = (await ask(url, "/v1/feature-views")).body;
    assert.deepEqual(sources, { stream, gate });
    assert.deepEqual(counts, { read: 10, profiled: 5, late: 1, rejected: 4, deadLettered: 0 });
    const metrics = (await ask(url, "/metrics")).text;
    const countAt = (labels: string): number =>
      Number(
        metrics
          .split("\n")
          .find((line) => line.startsWith(labels))
          ?.split(" ")
          .at(-1),
      );
    const total = 'tidemark_records_total{feature_view="reco_user",outcome="rejected"}';
    assert.equal(countAt(total), 4);
    const own = 'tidemark_source_records_total{feature_view="reco_user",source="gate",outcome="rejected"}';
    assert.equal(countAt(own), 4);
    assert.equal(countAt('tidemark_gate_rows_total{feature_view="reco_user",outcome="refused"}'), 3);

    await monitor.checkpoint();
    const again = watch(store);
    await again.restore();
    await again.assigned(place);
    await again.intake.refuse(view.name, 2);
    assert.deepEqual(again.board.view(view.name)?.sources, {
      stream,
      gate: { ...gate, read: 11, rejected: 6 },
    });
  });
});
