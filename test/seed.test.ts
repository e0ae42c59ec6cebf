import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { it } from "node:test";
import { seedVariable } from "./seed.ts";

const script = `
  import fc from "fast-check";
  console.log(fc.sample(fc.integer(), 5).join());
  fc.assert(fc.property(fc.integer(), () => false));
`;

/** What a test file says that draws five numbers, and has a property that does not hold. */
function draw(seed: string | undefined): { readonly drawn: string; readonly failure: string } {
  const env = { ...process.env, [seedVariable]: seed };
  const args = [
    `--import=${new URL("./seed.ts", import.meta.url).href}`,
    "--input-type=module",
    "-e",
    script,
  ];
  try {
    execFileSync(process.execPath, args, { env, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { drawn: stdout, failure: stderr };
  }
  return assert.fail("the property does not hold");
}

it("property tests draw the same cases from the same seed, and tell it when they fail", () => {
  const [one, again, other] = [draw("7"), draw("7"), draw("8")];
  assert.match(one.drawn, /^(-?\d+,){4}-?\d+\n$/);
  assert.equal(one.drawn, again.drawn);
  assert.notEqual(one.drawn, other.drawn);
  assert.match(one.failure, /\{ seed: 7, path: /);
});

it("property tests draw other cases each time where no seed is given", () => {
  assert.notEqual(draw(undefined).drawn, draw(undefined).drawn);
});
