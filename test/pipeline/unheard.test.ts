import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Alert } from "../../src/model/verdict.ts";
import { createUnheard } from "../../src/pipeline/unheard.ts";
import { alertOf, noon } from "./outcomes.ts";

function alertAt(minute: number, status: Alert["status"] = "firing"): Alert {
  const outcome = alertOf({ startsAt: noon + minute * 60_000, status });
  assert(outcome.kind === "alert");
  return outcome.alert;
}

describe("what nobody has heard of", () => {
  it("is a beginning, then its end, until somebody has taken each", () => {
    const book = createUnheard();
    const [began, ended] = [alertAt(0), alertAt(0, "resolved")];
    book.add(began);
    book.add(ended);
    assert.deepEqual(book.changes(), [began, ended]);
    book.told(began);
    assert.deepEqual(book.changes(), [ended]);
    assert.equal(book.has(began), false);
    assert.equal(book.has(ended), true);
    book.told(ended);
    assert.deepEqual(book.changes(), []);
  });

  it("is the end alone when the beginning was heard long before", () => {
    const book = createUnheard();
    book.add(alertAt(0));
    book.told(alertAt(0));
    book.add(alertAt(0, "resolved"));
    assert.deepEqual(book.changes(), [alertAt(0, "resolved")]);
  });

  it("is nothing of an earlier incident when a later one of the same labels was taken", () => {
    const book = createUnheard();
    for (const minute of [0, 10]) {
      book.add(alertAt(minute));
      book.add(alertAt(minute, "resolved"));
    }
    book.told(alertAt(10));
    assert.deepEqual(book.changes(), [alertAt(10, "resolved")]);
  });

  it("comes back after a restart, in its order", () => {
    const [book, restored] = [createUnheard(), createUnheard()];
    for (const minute of [3, 1, 2]) book.add(alertAt(minute));
    book.add(alertAt(1, "resolved"));
    restored.restore(JSON.parse(JSON.stringify(book.encode())));
    assert.deepEqual(restored.changes(), book.changes());
  });

  it("is bounded, and is no news any more six hours after its end", () => {
    const book = createUnheard();
    for (let minute = 0; minute < 100; minute++) book.add(alertAt(minute));
    assert.equal(book.changes().length, 64);
    assert.equal(book.has(alertAt(35)), false, "the oldest are let go of");
    book.add({ ...alertAt(99, "resolved"), time: noon });
    book.forget(noon + 6 * 60 * 60_000);
    assert.equal(book.has(alertAt(99)), true);
    book.forget(noon + 6 * 60 * 60_000 + 1);
    assert.equal(book.has(alertAt(99)), false);
  });
});
