import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { foldAlerts, newAlertBook } from "../../src/judge/alerts.ts";
import { foldBreaker, newBreaker } from "../../src/judge/breaker.ts";
import { createJudge } from "../../src/judge/judge.ts";
import type { FieldSpec } from "../../src/model/feature-view.ts";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import { baselineOf, type Cell, profileOf, windowProfile } from "./profiles.ts";
import { createRandom, type Random } from "./random.ts";
import { featureView, fieldSpec, minute } from "./samples.ts";

interface Hovering {
  readonly field: FieldSpec;
  readonly rows: number;
  readonly windows: number;
  readonly clean: (random: Random) => Cell;
  readonly at: (random: Random) => Cell;
  /** Of the five windows that come after; `clean` when left out. */
  readonly after?: (random: Random) => Cell;
}

/** Windows of one kind, then five of another: how often breaker and alert began, and how the breaker stands at the end. */
function hover({ field, rows, windows, clean, at, after = clean }: Hovering): {
  opened: number;
  fired: number;
  state: string;
} {
  const random = createRandom(7);
  const view = featureView([field]);
  const profile = (cell: (random: Random) => Cell) =>
    profileOf(
      field,
      Array.from({ length: rows }, () => cell(random)),
    );
  const calm = Array.from({ length: 30 }, () => new Map([[field.name, profile(clean)]]));
  const whole = profileOf(
    field,
    Array.from({ length: 30 * rows }, () => clean(random)),
  );
  const judge = createJudge(view, baselineOf(view, new Map([[field.name, whole]]), calm));
  let [breaker, book] = [newBreaker(view.name, null, 0), newAlertBook()];
  let [opened, fired] = [0, 0];
  for (let number = 0; number < windows + 5; number++) {
    const window = { start: number * minute, end: (number + 1) * minute };
    const seen = windowProfile(view, new Map([[field.name, profile(number < windows ? at : after)]]));
    const judged: JudgedWindow = judge.judge({ ...seen, window }, { final: true, asOf: window.end });
    const folded = foldBreaker(breaker, judged, view.breaker);
    breaker = folded.breaker;
    if (folded.transition?.from === "closed") opened += 1;
    const told = foldAlerts(book, [judged], [], view);
    book = told.book;
    fired += told.changed.filter(({ status }) => status === "firing").length;
  }
  return { opened, fired, state: breaker.state };
}

const mapping: FieldSpec["mapping"] = { values: ["US"], maxDefaultRate: 0.01 };
const hovering: Readonly<Record<string, Hovering>> = {
  "of the mean": {
    field: fieldSpec("age", "float64"),
    rows: 200,
    windows: 150,
    clean: (random) => random.normal(),
    at: (random) => random.normal(2),
  },
  "of the share of nulls": {
    field: fieldSpec("age", "float64"),
    rows: 200,
    windows: 150,
    clean: (random) => (random.uniform() < 0.005 ? null : random.normal()),
    at: (random) => (random.uniform() < 0.105 ? null : random.normal()),
  },
  "of the default cases, about where a limit of its own is surely passed": {
    field: fieldSpec("country", "string", { mapping }),
    rows: 200,
    windows: 150,
    clean: (random) => (random.uniform() < 0.002 ? "Mars" : "US"),
    at: (random) => (random.uniform() < 0.08 ? "Mars" : "US"),
  },
};

describe("a shift that hovers about the breaker's line", () => {
  for (const [what, how] of Object.entries(hovering))
    it(`${what} is one opening and one alert, and is over when it is`, () => {
      assert.deepEqual(hover(how), { opened: 1, fired: 1, state: "closed" });
    });

  it("is over as well when what lasts is surely below the line", () => {
    const field = fieldSpec("age", "float64");
    const clean = (random: Random): Cell => random.normal();
    const left = { field, rows: 200, windows: 1, clean, at: (random: Random) => random.normal(2.5) };
    assert.deepEqual(hover({ ...left, after: (random) => random.normal(1.5) }), {
      opened: 1,
      fired: 1,
      state: "closed",
    });
  });
});
