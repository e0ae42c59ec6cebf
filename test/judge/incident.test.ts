import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { incidentsOf, incidentText } from "../../src/judge/incident.ts";
import type { Alert } from "../../src/model/verdict.ts";
import { alertOf } from "../pipeline/outcomes.ts";
import { minute } from "./samples.ts";

function alert(field: string, startsAt: number, own: Partial<Alert> = {}): Alert {
  const outcome = alertOf({
    field,
    statistic: "location",
    startsAt: startsAt * minute,
    evidence: 10,
    ...own,
  });
  assert(outcome.kind === "alert");
  return outcome.alert;
}

describe("incidents", () => {
  it("name the earliest mover, and of several in one window the one with most evidence", () => {
    const alerts = [
      alert("price", 12, { evidence: 900 }),
      alert("country", 10, { evidence: 50 }),
      alert("currency", 10, { evidence: 300 }),
      alert("currency", 10, { evidence: 700, segment: { field: "node", value: "a7" } }),
    ];
    const [incident, ...more] = incidentsOf(alerts);
    assert.equal(more.length, 0);
    assert.equal(incident?.first.field, "currency");
    assert.equal(incident?.first.segment, null, "the whole view before its segments");
    assert.equal(incident?.alerts, 4);
    assert.deepEqual(incident?.others.length, 3);
  });

  it("go by the estimated onset of a warning rather than by when it was sure", () => {
    const slow = alert("price", 30, { since: 9 * minute });
    const [incident] = incidentsOf([alert("country", 10), slow]);
    assert.equal(incident?.first.field, "price");
    assert.equal(incident?.since, 9 * minute);
  });

  it("are several when they began far apart or in different views, and a breaker is none", () => {
    const alerts = [
      alert("price", 10),
      alert("country", 60),
      alert("price", 10, { featureView: "orders" }),
      alert("price", 10, { statistic: "breaker", field: null }),
    ];
    assert.equal(incidentsOf(alerts).length, 3);
  });

  it("are told with each of their alerts, and not with one that stands alone", () => {
    const [first, second] = [alert("country", 10), alert("price", 11)];
    const incidents = incidentsOf([second, first]);
    assert.match(
      incidentText(second, incidents) ?? "",
      /^moved first: country location, since .*; with it: price/,
    );
    assert.equal(incidentText(first, incidents), incidentText(second, incidents));
    assert.equal(incidentText(first, incidentsOf([first])), undefined);
  });
});
