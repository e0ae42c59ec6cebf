import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Incident, readIncident, replayData } from "../../src/cli/incident.ts";
import { paintFor } from "../../src/cli/paint.ts";
import { createPlay, filesFor } from "../../src/cli/play.ts";
import { createStory, type Telling } from "../../src/cli/story.ts";
import { readBaseline, readSpec } from "../../src/cli/views.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Alert, BreakerTransition } from "../../src/model/verdict.ts";
import type { Sink } from "../../src/pipeline/ports.ts";
import type { Summary } from "../../src/pipeline/summary.ts";

interface Expected {
  readonly clean: { readonly rows: number };
  readonly incident: { readonly rows: number };
  readonly breaker: {
    readonly openings: number;
    readonly opens: Span & {
      readonly field: string;
      readonly statistic: string;
      readonly withinEvents: number;
    };
    readonly closes: Span;
    readonly state: string;
  };
  readonly alerts: readonly (Span & Pick<Alert, "alertname" | "field" | "statistic">)[];
  readonly resolvedBy: string;
  readonly calmFields: readonly string[];
}

/** `[from, to)`, ISO 8601. */
interface Span {
  readonly from: string;
  readonly to: string;
}

interface Played {
  readonly summary: Summary;
  readonly telling: Telling;
  readonly alerts: readonly Alert[];
  readonly active: readonly Alert[];
  readonly transitions: readonly BreakerTransition[];
}

const incidents = readdirSync(replayData).filter((name) =>
  existsSync(new URL(`${name}/expected.json`, replayData)),
);

for (const name of incidents) {
  describe(`replay-data/${name}`, async () => {
    const incident = readIncident(name);
    const expected = incident.expected as unknown as Expected;
    const calm = await play(incident, incident.clean);
    const day = await play(incident, incident.input);

    it("raises nothing on clean days: no breaker, no alert, of the view or any segment", () => {
      assert.equal(calm.summary.rows, expected.clean.rows);
      assert.equal(calm.summary.profiled, expected.clean.rows);
      assert.deepEqual(calm.alerts.map(placeOf), []);
      assert.equal(calm.summary.breaker.openings, 0);
      assert.deepEqual(calm.summary.segments, {});
    });

    it("reads every row of the day once", () => {
      const { rows, profiled, late, rejected, deadLettered } = day.summary;
      assert.equal(rows, expected.incident.rows);
      assert.equal(rows, profiled + late + rejected + deadLettered);
      assert.equal(profiled, rows);
    });

    it("is silent until it happens", () => {
      const [first] = incident.story;
      const early = day.alerts.filter(({ startsAt }) => startsAt < (first?.at ?? 0));
      assert.deepEqual(early.map(placeOf), []);
    });

    it("opens the breaker in time, for the right reason", () => {
      const { opens, openings } = expected.breaker;
      const { openedAt, reasons } = day.summary.breaker;
      assertWithin(Date.parse(openedAt ?? ""), opens, "opened");
      assert.deepEqual([reasons[0]?.field, reasons[0]?.statistic], [opens.field, opens.statistic]);
      assert.equal(day.summary.breaker.openings, openings);
      const events = day.telling.eventsUntilOpen ?? Number.POSITIVE_INFINITY;
      assert.ok(events <= opens.withinEvents, `opened after ${events} events`);
    });

    for (const wanted of expected.alerts) {
      it(`fires ${wanted.alertname} for ${wanted.field}`, () => {
        const found = day.alerts.find(
          (alert) =>
            alert.status === "firing" &&
            alert.segment === null &&
            alert.alertname === wanted.alertname &&
            alert.field === wanted.field &&
            alert.statistic === wanted.statistic,
        );
        assertWithin(found?.startsAt ?? Number.NaN, wanted, wanted.alertname);
      });
    }

    it("closes by itself, and resolves every alert", () => {
      const { closes, state } = expected.breaker;
      assertWithin(Date.parse(day.summary.breaker.closedAt ?? ""), closes, "closed");
      assert.equal(day.summary.breaker.state, state);
      assert.deepEqual(day.active.map(placeOf), []);
      // a warning's evidence decays as it grew, window by window: it is over by the end of the day
      const critical = day.alerts.filter(({ severity }) => severity === "critical");
      const last = Math.max(...critical.map(({ time }) => time));
      assert.ok(last < Date.parse(expected.resolvedBy), `last alert at ${new Date(last).toISOString()}`);
    });

    it("leaves fields in peace that nothing happened to", () => {
      const bad = expected.calmFields.filter((field) => day.summary.fields[field]?.status !== "ok");
      assert.deepEqual(bad, []);
    });

    it("comes out the same when it is played again", async () => {
      assert.deepEqual((await play(incident, incident.input)).summary, day.summary);
    });
  });
}

async function play(incident: Incident, file: string): Promise<Played> {
  const view = readSpec(incident.spec);
  const baseline = readBaseline(incident.baseline);
  const alerts: Alert[] = [];
  const transitions: BreakerTransition[] = [];
  const story = createStory({
    view,
    events: incident.story,
    paint: paintFor({ isTTY: false, env: {} }),
    say: () => undefined,
    askGate: async () => "",
  });
  const recorder: Sink = {
    name: "recorder",
    async accept(outcomes) {
      await story.outcomes(outcomes);
      for (const outcome of outcomes) {
        if (outcome.kind === "alert") alerts.push(outcome.alert);
        if (outcome.kind === "breaker" && outcome.breaker.segment === null)
          transitions.push(outcome.transition);
      }
    },
    close: async () => undefined,
  };
  const { monitor, run } = createPlay({
    view,
    baseline,
    limits: defaultLimits,
    clock: { now: () => 0, elapsed: () => 0 },
    sinks: [recorder],
  });
  const source = filesFor(view, [file], defaultLimits);
  const summary = await run(source, new AbortController().signal, ({ body }) => {
    if (body.kind === "batch") story.rows(body.batch);
  });
  return { summary, telling: story.telling(), alerts, active: monitor.active(), transitions };
}

function placeOf({ alertname, field, statistic, segment, startsAt, summary }: Alert): string {
  const where = segment === null ? "" : ` ${segment.field}:${segment.value}`;
  return `${new Date(startsAt).toISOString()} ${alertname} ${field} ${statistic}${where}: ${summary}`;
}

function assertWithin(time: number, { from, to }: Span, what: string): void {
  const inside = time >= Date.parse(from) && time < Date.parse(to);
  assert.ok(
    inside,
    `${what} at ${Number.isNaN(time) ? "no time" : new Date(time).toISOString()}, not in [${from}, ${to})`,
  );
}

describe("replay-data", () => {
  it("has an incident, and a README in every folder", () => {
    assert.ok(incidents.length > 0);
    for (const name of incidents)
      assert.ok(existsSync(fileURLToPath(new URL(`${name}/README.md`, replayData))), name);
  });
});
