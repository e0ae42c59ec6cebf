import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Command } from "commander";
import { exitCodeOf, type Io } from "../../src/cli/io.ts";
import { addStat } from "../../src/cli/stat.ts";
import type { Fault } from "../../src/model/fault.ts";
import { statisticsPage } from "../../src/statistics/page.ts";
import { classicalStatistics } from "../../src/statistics/table.ts";
import { root } from "./command.ts";
import { inside } from "./inside.ts";

const dir = mkdtempSync(join(tmpdir(), "tidemark-stat-"));
after(() => rmSync(dir, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const low = file("low.json", JSON.stringify(Array.from({ length: 50 }, (_, i) => i)));
const high = file("high.json", JSON.stringify(Array.from({ length: 40 }, (_, i) => i + 10)));
const places = file("places.json", JSON.stringify(["US", "US", "GB", "DE"]));
const swapped = file("swapped.json", JSON.stringify(["United States", "US", "GB", "DE"]));

/** For what needs no process of its own: nothing may be printed. */
const inProcess: Io = {
  stdout: (text) => assert.fail(`printed ${text}`),
  stderr: () => undefined,
  env: {},
  isTTY: false,
  cwd: root,
  signal: new AbortController().signal,
  flushed: async () => undefined,
  takeSignals: () => undefined,
  kill: () => undefined,
  now: () => 0,
};

const stat = (...args: string[]): ReturnType<typeof inside> => inside(["stat", ...args]);
const compare = (
  name: string,
  reference: string,
  current: string,
  ...more: string[]
): ReturnType<typeof inside> => stat(name, "--reference", reference, "--current", current, ...more);

describe("tidemark stat", () => {
  it("prints one statistic as JSON, with its p-value", async () => {
    const { code, stdout, stderr } = await compare("ks", low, high, "--json");
    assert.equal(code, 0, stderr);
    const { ks, ...more } = JSON.parse(stdout);
    assert.deepEqual(more, {});
    assert.ok(Math.abs(ks.value - 0.2) < 1e-12);
    assert.ok(Math.abs(ks.pValue - 0.3361) < 1e-3 && ks.exactPValue < ks.pValue);
  });

  it("prints every statistic that fits numbers, and no other", async () => {
    const found = JSON.parse((await compare("all", low, high, "--json")).stdout);
    const fit = classicalStatistics.filter(({ fits }) => fits !== "categorical").map(({ name }) => name);
    assert.deepEqual(Object.keys(found), fit);
  });

  it("prints every statistic that fits categories as a table with titles", async () => {
    const { code, stdout } = await compare("all", places, swapped);
    assert.equal(code, 0);
    assert.match(stdout, /places\.json \(4 categories\) against .*swapped\.json \(4 categories\)/);
    assert.match(stdout, /^defaultShift +0\.25 +0\.\d+ +Shift of the share of default cases$/m);
    assert.doesNotMatch(stdout, /^ks/m);
  });

  it("counts nulls, says so, and leaves them out", async () => {
    const holes = file("holes.json", "[0, null, 1, 2, null, 3]");
    const { code, stdout, stderr } = await compare("all", low, holes, "--json");
    assert.equal(code, 0);
    assert.ok(Math.abs(JSON.parse(stdout).nullShift.value - 1 / 3) < 1e-12);
    assert.match(stderr, /holes\.json: 2 nulls left out/);
  });

  const wrong: Record<string, readonly [readonly string[], number, RegExp]> = {
    "a name with a slip": [["psii", low, high], 2, /psii: no such statistic.*\n.*did you mean psi\?/],
    "a file that is not there": [["ks", low, join(dir, "nope.json")], 4, /nope\.json: no such file/],
    NaN: [["ks", low, file("nan.json", "[1,\n NaN]")], 2, /nan\.json:2: NaN is no JSON.*\n.*write null/],
    "no values": [["ks", low, file("empty.json", "[]")], 2, /empty\.json: an empty array/],
    "only nulls": [["ks", low, file("void.json", "[null]")], 2, /void\.json: 1 nulls and no value/],
    "numbers and strings mixed": [
      ["ks", low, file("mixed.json", '[1,"2"]')],
      2,
      /element 1 is a string among numbers/,
    ],
    "arrays in the array": [["ks", low, file("nested.json", "[[1]]")], 2, /element 0 is an array/],
    "no array": [["ks", low, file("object.json", "{}")], 2, /object\.json: an object, an array was wanted/],
    "half a file": [["ks", low, file("half.json", "[1, 2")], 2, /half\.json: .*position/],
    "a number beyond all doubles": [["ks", low, file("huge.json", "[1, 1e999]")], 2, /element 1 is beyond/],
    "numbers against strings": [["ks", low, places], 2, /holds numbers, .* holds categories/],
    "a statistic of categories over numbers": [["gTest", low, high], 2, /gTest compares categories/],
    "a statistic that is not defined": [["welchT", low, file("one.json", "[1]")], 2, /welchT is not defined/],
  };
  for (const [what, [[name = "", reference = "", current = ""], exit, message]] of Object.entries(wrong)) {
    it(`ends with ${exit} on ${what}, and says where`, async () => {
      const program = new Command("tidemark").exitOverride();
      addStat(program, inProcess);
      const args = ["stat", name, "--reference", reference, "--current", current];
      await assert.rejects(program.parseAsync(args, { from: "user" }), (fault: Fault) => {
        assert.match(`${fault.message}\n${fault.hint}`, message);
        assert.equal(exitCodeOf(fault), exit);
        return true;
      });
    });
  }

  it("ends with that code as a process, the message on stderr alone", async () => {
    const { code, stdout, stderr } = await compare("ks", low, join(dir, "nope.json"));
    assert.deepEqual([code, stdout], [4, ""]);
    assert.match(stderr, /nope\.json: no such file \[input\.missing\]/);
  });

  it("wants a name and two files", async () => {
    assert.match((await stat()).stderr, /which statistic\?.*\n.*psi, kl/);
    const { code, stderr } = await stat("ks", "--reference", low);
    assert.equal(code, 2);
    assert.match(stderr, /--current is missing/);
  });

  it("lists its statistics, and helps with examples", async () => {
    const { stdout } = await stat("--list");
    for (const { name } of classicalStatistics) assert.match(stdout, new RegExp(`^${name} `, "m"));
    assert.match((await stat("--help")).stdout, /Examples:\n {2}tidemark stat all --reference/);
  });
});

describe("docs/statistics.md", () => {
  it("is what the registry says: npm run docs", () => {
    assert.equal(readFileSync(join(root, "docs/statistics.md"), "utf8"), statisticsPage());
  });
});
