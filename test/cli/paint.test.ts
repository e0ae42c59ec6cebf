import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { number, paintFor, printable, span } from "../../src/cli/paint.ts";

describe("paint", () => {
  it("colours for a terminal only, and not with NO_COLOR or TERM=dumb", () => {
    assert.equal(paintFor({ isTTY: true, env: {} }).red("x"), "\u001b[31mx\u001b[39m");
    assert.equal(paintFor({ isTTY: true, env: { NO_COLOR: "" } }).red("x"), "\u001b[31mx\u001b[39m");
    for (const io of [
      { isTTY: false, env: {} },
      { isTTY: true, env: { NO_COLOR: "1" } },
      { isTTY: true, env: { TERM: "dumb" } },
    ])
      assert.equal(paintFor(io).red("x"), "x");
  });

  it("lets no value from data move the cursor or turn the reading direction", () => {
    assert.equal(printable("a\u001b[2Jb\u202ec\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
    const any = fc.string({ unit: "binary", maxLength: 40 });
    fc.assert(fc.property(any, (text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(printable(text))));
  });

  it("says numbers with four digits and spans in two units", () => {
    const numbers = [0, 0.16041, 12.3456, 1e9, -0.00001234, 5.2e12, 8_999_999].map(number);
    assert.deepEqual(numbers, ["0", "0.1604", "12.35", "1e+9", "-1.23e-5", "5.2e+12", "9000000"]);
    const spans = [0, 320, 1_000, 82_000, 3_600_000, 18_343_000, 90_000_000].map(span);
    assert.deepEqual(spans, ["0 ms", "320 ms", "1 s", "1 min 22 s", "1 h", "5 h 5 min", "1 d 1 h"]);
  });
});
