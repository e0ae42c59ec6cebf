import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { holdsText } from "../../src/model/ascii.ts";

it("a text is found in bytes where Buffer finds it, and not beyond the end that was given", () => {
  const text = fc
    .array(fc.constantFrom(...'"ab'), { minLength: 1, maxLength: 4 })
    .map((chars) => chars.join(""));
  const bytes = fc
    .array(fc.constantFrom(...'"ab'), { maxLength: 30 })
    .map((chars) => Buffer.from(chars.join("")));
  fc.assert(
    fc.property(bytes, fc.nat(35), text, (all, end, sought) => {
      const found = holdsText(all, end, Buffer.from(sought));
      assert.equal(found, all.subarray(0, end).includes(sought));
    }),
  );
});
