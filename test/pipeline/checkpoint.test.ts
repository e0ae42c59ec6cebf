import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Fault } from "../../src/model/fault.ts";
import { decodeJudging, decodeLane, encodeJudging, encodeLane } from "../../src/pipeline/checkpoint.ts";

const lane = {
  spec: "sha256:abc",
  frames: "[]",
  nextOffset: 2 ** 52,
  counts: { read: 10, profiled: 7, late: 1, rejected: 1, deadLettered: 1 },
  deadLetters: { truncated: 1 },
  state: Uint8Array.of(1, 2, 3),
};

const judging = {
  judgedThrough: 1_000,
  breakers: "[]",
  alerts: "{}",
  profiles: [
    { partition: "t-0", bytes: Uint8Array.of(9) },
    { partition: "t-1", bytes: new Uint8Array() },
  ],
  gathered: [{ start: 0, revision: 1, partial: false, changed: true }],
  windows: [{ start: 0, end: 60, rows: 5, late: 1, partial: true, status: "ok" as const }],
};

describe("a lane's checkpoint", () => {
  it("comes back as it was", () => {
    assert.deepEqual(decodeLane(encodeLane(lane)), lane);
  });

  it("of a newer version is refused, with what to do", () => {
    const bytes = encodeLane(lane);
    bytes[0] = 3;
    assert.throws(() => decodeLane(bytes), { code: "store.version", hint: /newer tidemark/ });
  });

  it("that was cut or changed is a fault, never a wrong state with another length", () => {
    const whole = encodeLane(lane);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (cut) => {
        assert.throws(
          () => decodeLane(whole.subarray(0, cut)),
          (error) => error instanceof Fault,
        );
      }),
    );
  });
});

describe("a view's judging", () => {
  it("comes back with every pending profile under its partition", () => {
    assert.deepEqual(decodeJudging(encodeJudging(judging, "s", "f")), {
      state: judging,
      spec: "s",
      frames: "f",
      log: undefined,
    });
  });

  it("comes back with the warning layer's state when there is one", () => {
    const drifting = { ...judging, drift: Uint8Array.of(1, 2, 3) };
    assert.deepEqual(decodeJudging(encodeJudging(drifting, "s", "f")).state, drifting);
  });

  it("without any judged window keeps that", () => {
    const none = { ...judging, judgedThrough: null };
    assert.equal(decodeJudging(encodeJudging(none, "s", "f")).state.judgedThrough, null);
  });
});
