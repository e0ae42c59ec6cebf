import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Segment, Verdict } from "../../src/model/verdict.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { draftSegments, type SegmentsDraft } from "../../src/report/segment-findings.ts";
import { type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { movedOf } from "../pipeline/outcomes.ts";

const age = fieldSpec("age", "float64");
const view = featureView([age], { segments: ["node"] });
const node = (value: string): Segment => ({ field: "node", value });

/** Says what it was shown. */
const judge = ({ fields, window, segment }: WindowProfile): readonly Verdict[] =>
  [...fields].map(([field, { rows }]) => {
    const where = segment?.value ?? "all";
    return verdict({ field, rows, summary: `${where} ${window.start / minute}–${window.end / minute}` });
  });

function add(
  draft: SegmentsDraft,
  at: number,
  segment: Segment | null,
  cells: readonly Cell[],
  verdicts: readonly Verdict[] = [],
): void {
  const own = windowProfile(view, new Map([["age", profileOf(age, cells)]]), segment);
  const profile = { ...own, window: { start: at * minute, end: (at + 1) * minute } };
  draft.closed(
    judgedMinute(at, verdicts, { rows: cells.length, ...(segment === null ? {} : { segment }) }),
    profile,
  );
}

describe("segments", () => {
  it("are compared by their rows of the windows in which a field was bad, no other", () => {
    const draft = draftSegments(view, judge);
    for (const [at, verdicts] of [[0, []], [1, [breach()]], [2, [breach()]], [3, []]] as const) {
      add(draft, at, null, [1, 2, 3], verdicts);
      add(draft, at, node("a7"), [1, 2]);
      add(draft, at, node("a8"), [3]);
    } // biome-ignore format: one window a line
    const found = draft.findings();
    assert.deepEqual(
      found.map(({ segment, rows, compared }) => [
        segment?.value ?? "all",
        rows,
        compared.get("age")?.rows,
        compared.get("age")?.summary,
      ]),
      [
        ["all", 12, 6, "all 1–3"],
        ["a7", 8, 4, "a7 1–3"],
        ["a8", 4, 2, "a8 1–3"],
      ],
    );
  });

  it("are compared also when the last of them is the only one that knows", () => {
    const draft = draftSegments(view, judge);
    add(draft, 0, null, [1, 2, 3]);
    add(draft, 0, node("a7"), [1, 2]);
    add(draft, 0, node("a8"), [3], [breach()]);
    assert.deepEqual(
      draft.findings().map(({ compared }) => compared.get("age")?.rows),
      [3, 2, 1],
    );
  });

  it("have the state of their own breaker, and when it first opened", () => {
    const draft = draftSegments(view, judge);
    add(draft, 0, null, [1]);
    add(draft, 0, node("a7"), [1]);
    for (const [to, time] of [["open", 5], ["half-open", 7], ["open", 9]] as const) {
      const moved = movedOf("closed", to, time);
      assert(moved.kind === "breaker");
      draft.breaker({ ...moved.breaker, segment: node("a7") }, moved.transition);
    } // biome-ignore format: one move a line
    const [whole, a7] = draft.findings();
    assert.deepEqual(
      [whole?.state, whole?.openedAt, a7?.state, a7?.openedAt],
      ["closed", undefined, "open", 5],
    );
  });

  it("are compared by the first eight fields only, so that they cost what they cost", () => {
    const fields = Array.from({ length: 20 }, (_, at) => fieldSpec(`f${at}`, "float64"));
    const wide = featureView(fields, { segments: ["node"] });
    const draft = draftSegments(wide, judge);
    const profiles = new Map(fields.map((field) => [field.name, profileOf(field, [1])]));
    const verdicts = fields.map(({ name }) => breach({ field: name }));
    draft.closed(judgedMinute(0, verdicts), windowProfile(wide, profiles));
    assert.equal(draft.findings()[0]?.compared.size, 8);
  });
});
