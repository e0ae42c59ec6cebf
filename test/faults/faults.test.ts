import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Evidence, runCampaign } from "./campaign.ts";
import { laws } from "./report.ts";

/** The short part of `npm run faults`: half a minute of harm. */
const harm = { kills: 5, brokerKills: 1, rebalances: 2, cuts: 2 };

describe("three monitors on three brokers, killed, cut off and sent away", () => {
  let evidence: Evidence;
  const endings: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const ending of endings.toReversed()) await ending();
  });
  before(async () => {
    evidence = await runCampaign(
      { after: (fn) => void endings.push(fn) },
      {
        ...harm,
        seed: 5,
        minutes: 0.5,
        processes: 3,
        rhythm: { everyWindows: 15, badWindows: 5 },
        say: () => undefined,
        onMinute: () => undefined,
      },
    );
  });

  it("came to as much harm as was meant", () => {
    const { kills, brokerKills, rebalances, cuts } = evidence.done;
    assert.deepEqual({ kills, brokerKills, rebalances, cuts }, harm);
    assert.ok(evidence.truth.poison.length > 0, "some messages are poison");
    assert.ok(evidence.truth.late > 0, "some rows are late");
  });

  for (const [title, law] of Object.entries(laws)) {
    it(title, () => assert.deepEqual(law(evidence), []));
  }
});
