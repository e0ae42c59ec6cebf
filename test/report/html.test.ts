import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { escapeHtml, number, percent, shiftText, span, timeTag, when } from "../../src/report/html.ts";

describe("escapeHtml", () => {
  it("leaves nothing that ends text or a quoted attribute, whatever the value", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = escapeHtml(text);
        assert.doesNotMatch(escaped, /[<>"']/);
        assert.doesNotMatch(escaped.replace(/&(?:amp|lt|gt|quot|#39);/g, ""), /&/);
        assert.ok(escaped.isWellFormed());
      }),
    );
  });

  it("shows what would disguise a value: control characters and reversed reading", () => {
    assert.equal(escapeHtml("US\u202egnp\u0000\n"), "US\\u{202e}gnp\\u{0}\\u{a}");
    assert.equal(escapeHtml("Côte d’Ivoire 🇨🇮"), "Côte d’Ivoire 🇨🇮");
  });
});

describe("numbers for people", () => {
  it("keep a digit that says something", () => {
    assert.deepEqual([0, 0.0015, 0.012, 0.099, 0.5, 1].map(percent), [
      "0%",
      "0.15%",
      "1.2%",
      "9.9%",
      "50%",
      "100%",
    ]);
    assert.equal(percent(Number.NaN), "–");
    assert.deepEqual([0.05694, 12_753.4, 1.7e8, -3.15159].map(number), [
      "0.0569",
      "12,753",
      "1.7e+8",
      "-3.15",
    ]);
    assert.deepEqual([1.5, 2005, Number.POSITIVE_INFINITY].map(shiftText), [
      "1.5 SD",
      "> 999 SD",
      "> 999 SD",
    ]);
  });

  it("tell times in UTC and spans by their two largest units", () => {
    const time = Date.parse("2026-03-03T04:14:00Z");
    assert.equal(when(time), "Tue 3 Mar 04:14");
    assert.equal(when(time + 16_000), "Tue 3 Mar 04:14:16");
    assert.equal(timeTag(time), '<time datetime="2026-03-03T04:14:00.000Z">Tue 3 Mar 04:14</time>');
    assert.equal(when(1e20), "100000000000000000000ms");
    assert.deepEqual([250, 82_000, 14_400_000, 93_600_000].map(span), [
      "250 ms",
      "1 min 22 s",
      "4 h",
      "1 d 2 h",
    ]);
  });
});
