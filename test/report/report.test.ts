import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { renderReport } from "../../src/report/report.ts";
import { reportStyle, reportStyleHash } from "../../src/report/report-style.ts";
import { breach, featureView, fieldSpec, minute } from "../judge/samples.ts";
import { evil, inputOf, location } from "./input.ts";
import { largeInput } from "./large.ts";

const between = (html: string, from: string, to: string): string =>
  html.slice(html.indexOf(from), html.indexOf(to, html.indexOf(from)));
/** A section without its tags. */
const wordsOf = (html: string, id: string): string =>
  between(html, `<section id="${id}"`, "</section>").replace(/<svg.*?<\/svg>|<[^>]+>/gs, "");

describe("report.html", () => {
  it("opens to the answer: state, when, by what, how much", () => {
    const answer = between(renderReport(inputOf()), "<main>", "</header>");
    assert.match(answer, /<h1>The breaker opened, and closed again<\/h1>/);
    assert.match(answer, /Opened <time datetime="1970-01-01T00:04:16.000Z">/);
    assert.match(answer, /after 4 min 44 s/);
    assert.match(answer, /19\.4% of user_location are outside the mapping/);
    assert.match(answer, /user_location moved, nothing else did/);
    assert.match(answer, /1970-01-01 00:00 to 1970-01-01 00:12 UTC/);
    assert.match(answer, /critical windows<\/dt><dd>4 of 12</);
    assert.match(answer, /rows in them<\/dt><dd>4,000 </);
    assert.match(answer, /5,204/);
  });

  it("says so when nothing moved, and when it is still open", () => {
    const { summary } = inputOf();
    const breaker = { ...summary.breaker, closedAt: null };
    const open = renderReport(
      inputOf({ change: { summary: { ...summary, breaker: { ...breaker, state: "open" } } } }),
    );
    assert.match(open, /<h1>Breaker open<\/h1>/);
    assert.match(open, /was open at the end/);
    const never = { ...breaker, openedAt: null, reasons: [], openings: 0 };
    const calm = renderReport(inputOf({ bad: [0, 0], change: { summary: { ...summary, breaker: never } } }));
    assert.match(calm, /<h1>The breaker stayed closed<\/h1>/);
    assert.match(wordsOf(calm, "moved"), /Nothing\. 3 of 3 fields stood where they normally stand/);
  });

  it("has the fields in order of severity, with what each was at its worst", () => {
    const html = renderReport(inputOf());
    assert.ok(html.indexOf('id="field-user_location"') < html.indexOf('id="field-age"'));
    const moved = wordsOf(html, "moved");
    assert.match(moved, /user_location.*critical.*00:04:16.*99% are .*39\.6 SD.*4/s);
    assert.match(moved, /2 of 3 fields stood where they normally stand/);
    assert.doesNotMatch(moved, /age/);
  });

  it("shows over time what moved, the default cases, and what happened", () => {
    const time = between(renderReport(inputOf()), '<section id="time"', "</section>");
    assert.match(time, /aria-label="fields over time: user_location critical in 4 windows"/);
    assert.match(time, /aria-label="default cases over time: user_location at most 67% at Thu 1 Jan 00:04"/);
    assert.equal(time.match(/class="heat-5"/g)?.length, 3, "wide, narrow, legend");
    assert.match(time, /<b>A<\/b> <time[^>]*>Thu 1 Jan 00:04<\/time> deploy of &lt;/);
  });

  it("sets model versions and nodes side by side: their rows of the bad windows, judged together", () => {
    const segments = wordsOf(renderReport(inputOf()), "segments");
    assert.match(segments, /all12,000 100%opened Thu 1 Jan 00:04:1626 SD/);
    assert.match(segments, /a74,800 40%stayed closed26 SDdefault_rate, critical/);
    assert.match(segments, /a84,800 40%stayed closed0\.1 SDlocation, ok/);
  });

  it("draws each statistic that matters with line, breaker and alerts, and an embedding's lengths", () => {
    const html = renderReport(inputOf());
    const card = between(html, 'id="field-user_location"', "</article>");
    assert.match(card, /<figcaption>default_rate <small>at most 39\.6 SD, critical in 4<\/small>/);
    assert.match(
      card,
      /default_rate of user_location, 12 points in time: at most 39\.6 SD at Thu 1 Jan 00:04/,
    );
    assert.match(card, /class="span open"/);
    assert.match(card, /class="limit"/);
    assert.match(card, /<path class="mark critical"/);
    assert.match(card, /<text class="event"[^>]*>A</);
    assert.match(
      between(html, 'id="field-taste"', "</article>"),
      /length of taste, 12 points in time: mean from 2\.33 to 2\.33/,
    );
  });

  it("tells of the stream itself when something is wrong with it", () => {
    const { findings } = inputOf();
    const worst = breach({ field: null, statistic: "volume", shift: 7, summary: "5 rows, 1,000 expected" });
    const stream = {
      ...findings.stream,
      status: "critical" as const,
      firstCriticalAt: 5 * minute,
      worst: { verdict: worst, window: { start: 0, end: minute }, rows: 5, profile: undefined },
    };
    const html = renderReport(inputOf({ change: { findings: { ...findings, stream } } }));
    assert.match(wordsOf(html, "moved"), /the stream itself.*5 rows, 1,000 expected volume7 SD/s);
    assert.match(html, /<article id="stream" class="critical">/);
  });

  it("gives each alert one line, from when until when", () => {
    const alerts = wordsOf(renderReport(inputOf()), "alerts");
    assert.match(alerts, /1 fired/);
    assert.match(alerts, /Thu 1 Jan 00:04Thu 1 Jan 00:09 5 min/);
  });

  it("says what it was made of, and how to make it again", () => {
    const html = renderReport(inputOf());
    assert.match(html, /<pre>tidemark replay --spec a\.yaml --input &#39;b c\.arrow&#39; --out out<\/pre>/);
    const made = wordsOf(html, "made");
    assert.match(made, /a\.yaml: reco_user version 4, sha256:spec/);
    assert.match(made, /a\.baseline\.json: 26,182 rows in 144 windows.*with this spec; sha256:base/);
    assert.match(made, /user_locationstringmapping of 1 values, at most 1% others, line at 2 SD/);
    assert.match(made, /2 standard deviations, at least 50 rows/);
    assert.match(renderReport(inputOf({ change: { baseline: undefined } })), /only hard rules were judged/);
    const other = renderReport(inputOf({ change: { sigma: 3 } }));
    assert.match(wordsOf(other, "made"), /3 standard deviations, instead of the spec’s 2/);
    assert.match(other, />3 SD</);
  });

  it("needs nothing else and runs nothing: no script, no link outside, its style allowed by hash", () => {
    const html = renderReport(inputOf());
    assert.doesNotMatch(html, /<script|javascript:|\son\w+=|\sstyle=/i);
    const links = [...html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, url]) => url ?? "");
    const ids = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => `#${id}`));
    assert.deepEqual(
      links.filter((url) => !ids.has(url) && url !== "data:,"),
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

  it("shows hostile values, field names and view names as text", () => {
    const named = fieldSpec(evil, "float64", { pattern: evil });
    const input = inputOf({ fields: [location, named] });
    const view = { ...input.view, ...featureView(input.view.fields, { name: evil, owner: evil }) };
    const html = renderReport({ ...input, view, command: evil, files: { ...input.files, spec: evil } });
    assert.ok(html.includes("&lt;/style&gt;&lt;script&gt;"));
    assert.equal(html.match(/<\/style>/g)?.length, 1);
    assert.doesNotMatch(html, /<script|<a href="http|\u202e/);
    assert.match(html, /\\u\{202e\}/);
  });

  it("has a text alternative for every picture that says more than the words beside it, and the numbers of every distribution", () => {
    const html = renderReport(inputOf());
    const pictures = html.match(/<svg (?!aria-hidden)/g)?.length ?? 0;
    assert.ok(pictures > 12, String(pictures));
    assert.equal(html.match(/<svg role="img"[^>]* aria-label="[^"]{10,}"><title>/g)?.length, pictures);
    assert.equal(html.match(/<summary>numbers<\/summary>/g)?.length, 3);
    assert.equal(html.match(/<summary>classical statistics<\/summary>/g)?.length, 2);
    assert.match(
      html,
      /<th scope="row">psi <small>Population stability index<\/small><\/th><td class="number">[\d.]+<\/td><td>nats<\/td>/,
    );
  });

  it("stays below 1.5 MB for 50 fields over days, when everything is wrong with all of them", () => {
    const html = renderReport(largeInput(719));
    const bytes = Buffer.byteLength(html);
    assert.ok(bytes > 1_000_000 && bytes < 1_500_000, `${bytes} bytes`);
    for (const type of ["string", "embedding"] as const) {
      const own = Buffer.byteLength(renderReport(largeInput(719, [type])));
      assert.ok(own < 2_000_000, `${own} bytes of nothing but ${type} fields`);
    }
  });
});
