import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { collectFindings } from "../../src/report/findings.ts";
import { type ReportInput, renderReport } from "../../src/report/report.ts";
import { reportStyle, reportStyleHash } from "../../src/report/report-style.ts";
import { type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { alertOf, movedOf } from "../pipeline/outcomes.ts";

const evil = '</style><script>alert("x")</script>';
const location = fieldSpec("user_location", "string", { mapping: { values: ["US"], maxDefaultRate: 0.01 } });
const age = fieldSpec("age", "float64");

function inputOf(change: Partial<ReportInput> = {}, fields = [age, location], windows = 12): ReportInput {
  const view = featureView(fields, { fingerprint: "sha256:spec" });
  const cells = (name: string): Cell[] => (name === "user_location" ? ["US", evil, evil] : [1, 2, 3.5]);
  const profiles = new Map(
    fields.map((field) => [
      field.name,
      profileOf(field, field.type === "string" ? cells("user_location") : cells("")),
    ]),
  );
  const collector = collectFindings(view);
  for (let at = 0; at < windows; at++) {
    const bad = at >= 4 && at < 8;
    const told = fields.map(({ name }) =>
      bad && name === "user_location"
        ? breach({
            field: name,
            statistic: "default_rate",
            shift: 39.6,
            summary: "99% are outside the mapping",
          })
        : verdict({ field: name, shift: 0.3 }),
    );
    const asOf = bad && at === 4 ? { asOf: at * minute + 16_000 } : {};
    if ("asOf" in asOf) collector.judged(judgedMinute(at, told, asOf), windowProfile(view, profiles));
    collector.judged(judgedMinute(at, told), windowProfile(view, profiles));
  }
  for (const status of ["firing", "resolved"] as const) {
    const outcome = alertOf({ status, time: status === "firing" ? 4 * minute : 9 * minute });
    assert(outcome.kind === "alert");
    collector.alert(outcome.alert);
  }
  const moved = movedOf("closed", "open", 4 * minute + 16_000);
  assert(moved.kind === "breaker");
  collector.breaker(moved.breaker, moved.transition);
  return {
    view,
    baseline: {
      rows: 26_182,
      windows: 144,
      from: -86_400_000,
      to: 0,
      spec: "sha256:spec",
      toolVersion: "0.1.0",
    },
    baselineFields: profiles,
    findings: collector.findings(),
    summary: {
      partial: false,
      rows: 5_204,
      profiled: 5_200,
      late: 1,
      rejected: 2,
      deadLettered: 1,
      windows,
      alerts: { warning: 0, critical: 1 },
      breaker: {
        state: "closed",
        openedAt: "1970-01-01T00:04:16.000Z",
        closedAt: "1970-01-01T00:09:00.000Z",
        openings: 1,
        reasons: [{ summary: "19.4% of user_location are outside the mapping" }],
      },
    },
    command: "tidemark replay --spec a.yaml --input 'b c.arrow' --out out",
    toolVersion: "0.1.0",
    ...change,
  };
}

describe("report.html", () => {
  it("opens to the answer: state, when, by what", () => {
    const html = renderReport(inputOf());
    const answer = html.slice(html.indexOf("<main>"), html.indexOf("What moved"));
    assert.match(answer, /<h1>The breaker opened, and closed again<\/h1>/);
    assert.match(answer, /Opened <time datetime="1970-01-01T00:04:16.000Z">/);
    assert.match(answer, /after 4 min 44 s/);
    assert.match(answer, /19\.4% of user_location are outside the mapping/);
    assert.match(answer, /5,204/);
  });

  it("says so when nothing moved, and when it is still open", () => {
    const { summary } = inputOf();
    const breaker = { ...summary.breaker, closedAt: null };
    const open = renderReport(inputOf({ summary: { ...summary, breaker: { ...breaker, state: "open" } } }));
    assert.match(open, /<h1>Breaker open<\/h1>/);
    assert.match(open, /was open at the end/);
    const never = { ...breaker, openedAt: null, reasons: [], openings: 0 };
    const calm = renderReport(inputOf({ summary: { ...summary, breaker: never } }));
    assert.match(calm, /<h1>The breaker stayed closed<\/h1>/);
  });

  it("has the fields in order of severity, with what each was at its worst", () => {
    const html = renderReport(inputOf());
    assert.ok(html.indexOf('id="field-user_location"') < html.indexOf('id="field-age"'));
    const moved = html.slice(html.indexOf("What moved"), html.indexOf("Window by window"));
    assert.match(
      moved,
      /user_location.*1970-01-01T00:04:16.000Z.*99% are outside the mapping.*39\.6 SD.*>4</s,
    );
    assert.match(moved, /1 of 2 fields stood where they normally stand/);
    assert.doesNotMatch(moved, /#field-age/);
  });

  it("gives each alert one line, from when until when", () => {
    const html = renderReport(inputOf());
    const alerts = html.slice(html.indexOf("<h2>Alerts"), html.indexOf("Field by field"));
    assert.match(alerts, /1 fired/);
    assert.match(alerts, /00:04:00\.000Z.*00:09:00\.000Z.*5 min/s);
  });

  it("says what it was made of, and how to make it again", () => {
    const html = renderReport(inputOf());
    assert.match(html, /<pre>tidemark replay --spec a\.yaml --input &#39;b c\.arrow&#39; --out out<\/pre>/);
    assert.match(html, /sha256:spec/);
    assert.match(html, /26,182 rows in 144 windows/);
    assert.match(html, /none: only hard rules/.test(html) ? /^$/ : /with this spec/);
    assert.match(renderReport(inputOf({ baseline: undefined })), /none: only hard rules were judged/);
  });

  it("needs nothing else and runs nothing: no script, no link outside, its style allowed by hash", () => {
    const html = renderReport(inputOf());
    assert.doesNotMatch(html, /<script|javascript:|\son\w+=|\sstyle=/i);
    const links = [...html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, url]) => url ?? "");
    assert.deepEqual(
      links.filter((url) => !url.startsWith("#") && url !== "data:,"),
      [],
    );
    const hash = `sha256-${createHash("sha256").update(reportStyle).digest("base64")}`;
    assert.equal(
      reportStyleHash,
      hash,
      "src/report/report-style.ts: the style has changed, so does its hash",
    );
    assert.ok(html.includes(`style-src '${hash}'`));
    assert.ok(html.includes(`<style>${reportStyle}</style>`));
  });

  it("shows hostile values as text", () => {
    const html = renderReport(inputOf());
    assert.ok(html.includes("&lt;/style&gt;&lt;script&gt;"));
    assert.equal(html.match(/<\/style>/g)?.length, 1);
  });

  it("has a text alternative and the numbers for every picture", () => {
    const html = renderReport(inputOf());
    const pictures = html.match(/<svg /g)?.length ?? 0;
    assert.equal(pictures, 5, "a strip, and two for each field");
    assert.equal(html.match(/<svg role="img"[^>]* aria-label="[^"]{10,}"><title>/g)?.length, pictures);
    assert.equal(html.match(/<summary>numbers<\/summary>/g)?.length, 2);
    assert.equal(html.match(/<summary>classical statistics<\/summary>/g)?.length, 2);
    assert.match(
      html,
      /<th scope="row">psi <small>Population stability index<\/small><\/th><td class="number">[\d.]+<\/td><td>nats<\/td>/,
    );
  });

  it("stays below 2 MB for 50 fields over a month of minutes", () => {
    const fields = Array.from({ length: 50 }, (_, at) =>
      fieldSpec(`f${at}`, at % 5 === 0 ? "string" : "float64"),
    );
    const html = renderReport(inputOf({}, fields, 1_439));
    assert.ok(html.length < 2_000_000, `${html.length} bytes`);
  });
});
