import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { blank, importsOf, type SourceFile } from "./tidy/code.ts";
import {
  countLines,
  filesAreShort,
  type HouseRule,
  importsPointDown,
  linesWarned,
  noMachinePaths,
  nothingIsSwept,
  packagesStayHome,
  pureRoomsArePure,
  tables,
  tablesAreWhole,
} from "./tidy/rules.ts";

const root = join(import.meta.dirname, "..");
const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};
const packages = packagesStayHome(Object.keys(dependencies));

/** What git knows, and what it would know after the next `git add`. */
const paths = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 1 << 26,
})
  .split("\n")
  .filter((path) => existsSync(join(root, path)) && path !== "");
const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), "utf8") });
const sources = paths.filter((path) => /^src\/.*\.ts$/.test(path)).map(read);
const scripts = paths.filter((path) => /^(test|bench|replay-data)\/.*\.ts$/.test(path)).map(read);
const texts = paths
  .filter((path) => /\.(ts|md|ya?ml|json|sh|html|css|js)$|^bin\/|^\.ci\/|Dockerfile|^\.\w+$/.test(path))
  .filter((path) => !/^package-lock\.json$|^test\/tidy/.test(path))
  .map(read);

function assertHolds(rule: HouseRule, files: readonly SourceFile[]): void {
  const findings = rule(files).map(({ file, line, message }) => `${file}:${line}  ${message}`);
  assert.equal(findings.length, 0, `\n${findings.join("\n")}`);
}

describe("the house", () => {
  it("has sources to look at", () => assert.ok(sources.length > 50));
  it("imports downwards only", () => assertHolds(importsPointDown, sources));
  it("imports packages where they belong", () => assertHolds(packages, sources));
  it("keeps its pure rooms pure, and the process to main.ts", () => assertHolds(pureRoomsArePure, sources));
  it("lists every part in its room's table", () => assertHolds(tablesAreWhole, sources));
  it("sweeps nothing under the carpet", () => {
    const own = /^test\/tidy/; // has to name what it forbids
    assertHolds(nothingIsSwept, [...sources, ...scripts.filter(({ path }) => !own.test(path))]);
  });
  it("names no path of one machine", () => assertHolds(noMachinePaths, texts));
  it("has short files", (t) => {
    for (const file of sources)
      if (countLines(file) > linesWarned)
        t.diagnostic(`${file.path} has ${countLines(file)} lines: split it soon`);
    assertHolds(filesAreShort, sources);
  });
});

/** What a rule says of one file: `line message`. */
function told(rule: HouseRule, path: string, text: string): string[] {
  return rule([{ path, text }]).map(({ line, message }) => `${line} ${message}`);
}

/** Every rule, seen to fail: rule, file, text, and what it says. */
const broken: readonly (readonly [string, HouseRule, string, string, RegExp])[] = [
  [
    "an import upwards",
    importsPointDown,
    "src/sketch/a.ts",
    'import { x } from "../judge/judge.ts";',
    /^1 sketch \(floor 2\) imports judge\/, up on floor 4$/,
  ],
  [
    "an import over several lines",
    importsPointDown,
    "src/model/a.ts",
    '\nimport {\n  type A,\n  b,\n} from "../check/b.ts";',
    /^5 model \(floor 1\)/,
  ],
  [
    "an import of the types of a higher room",
    importsPointDown,
    "src/model/a.ts",
    'import type { X } from "../judge/x.ts";',
    /imports judge/,
  ],
  [
    "an import on the same floor",
    importsPointDown,
    "src/check/a.ts",
    '\nimport { x } from "../decode/decode.ts";',
    /^2 .*a room of the same floor$/,
  ],
  [
    "a lazy import upwards",
    importsPointDown,
    "src/sink/a.ts",
    'const x = await import("../cli/run.ts");',
    /imports cli/,
  ],
  [
    "a re-export from above",
    importsPointDown,
    "src/model/a.ts",
    'export { x } from "../cli/run.ts";',
    /imports cli/,
  ],
  [
    "an import of the client",
    importsPointDown,
    "src/cli/a.ts",
    'import { gate } from "../client/gate.ts";',
    /no room below it/,
  ],
  [
    "an import from a test",
    importsPointDown,
    "src/cli/a.ts",
    'import { x } from "../../test/x.ts";',
    /outside src/,
  ],
  ["a folder that is no room", importsPointDown, "src/util/a.ts", "", /src\/util is no room/],
  [
    "a client that runs the judge",
    importsPointDown,
    "src/client/a.ts",
    'import { x } from "../judge/judge.ts";',
    /client imports judge/,
  ],
  [
    "a package in a pure room",
    packages,
    "src/model/a.ts",
    'import { z } from "zod";',
    /model is pure and does not import zod/,
  ],
  [
    "the file system in a pure room",
    packages,
    "src/spec/a.ts",
    'import { readFileSync } from "node:fs";',
    /spec is pure/,
  ],
  [
    "Arrow outside decode",
    packages,
    "src/serve/a.ts",
    'import { tableFromIPC } from "apache-arrow";',
    /apache-arrow is named in decode only/,
  ],
  [
    "Kafka in the CLI",
    packages,
    "src/cli/a.ts",
    'const { Kafka } = await import("kafkajs");',
    /kafkajs is named in/,
  ],
  [
    "a package for developers",
    packages,
    "src/cli/a.ts",
    'import fc from "fast-check";',
    /no entry of dependencies/,
  ],
  [
    "a client with a dependency",
    packages,
    "src/client/a.ts",
    'import { z } from "zod";',
    /client brings no dependency/,
  ],
  [
    "the process",
    pureRoomsArePure,
    "src/judge/a.ts",
    "const a = process.env;",
    /judge is pure and touches process/,
  ],
  [
    "the process outside main.ts",
    pureRoomsArePure,
    "src/cli/a.ts",
    "// fine\nif (process.stdout.isTTY) x();",
    /^2 main\.ts alone reads the process/,
  ],
  ["fetch", pureRoomsArePure, "src/spec/a.ts", "await fetch(url);", /touches fetch/],
  ["a timer", pureRoomsArePure, "src/pipeline/a.ts", "setTimeout(f, 1);", /touches a timer/],
  ["the clock", pureRoomsArePure, "src/profile/a.ts", "const t = Date.now();", /touches Date\.now/],
  [
    "a new date of today",
    pureRoomsArePure,
    "src/profile/a.ts",
    "f(new Date());",
    /touches the date of today/,
  ],
  [
    "a new date of today without brackets",
    pureRoomsArePure,
    "src/profile/a.ts",
    "f(new Date);",
    /touches the date of today/,
  ],
  ["today as a text", pureRoomsArePure, "src/profile/a.ts", "f(Date());", /touches the date of today/],
  ["a performance counter", pureRoomsArePure, "src/profile/a.ts", "performance.now()", /touches performance/],
  ["chance", pureRoomsArePure, "src/sketch/a.ts", "\n\nMath.random()", /^3 .*Math\.random/],
  [
    "a random id",
    pureRoomsArePure,
    "src/judge/a.ts",
    'import { randomUUID } from "node:crypto";',
    /touches chance/,
  ],
  [
    "impurity in a template",
    pureRoomsArePure,
    "src/judge/a.ts",
    "const a = `at $" + "{Date.now()} ms`;",
    /touches Date\.now/,
  ],
  ["unfinished work", nothingIsSwept, "src/judge/a.ts", "// TODO: later", /TODO/],
  ["a silenced compiler", nothingIsSwept, "src/judge/a.ts", "// @ts-expect-error", /the compiler is right/],
  ["any as a type", nothingIsSwept, "src/judge/a.ts", "\nconst a: any = 1;", /^2 : any/],
  ["any as a cast", nothingIsSwept, "src/judge/a.ts", "f(a as any);", /as any/],
  ["any as an argument", nothingIsSwept, "src/judge/a.ts", "const a: Map<string, any> = x;", /any/],
  ["a test alone", nothingIsSwept, "test/a.test.ts", 'it.only("x", () => {});', /a test alone/],
  ["a long file", filesAreShort, "src/judge/a.ts", "\n".repeat(501), /^501 501 lines, at most 500$/],
  ["a path of one machine", noMachinePaths, "docs/a.md", "see\n/home/alice/data.csv", /^2 \/home\/alice/],
];

describe("a house rule", () => {
  for (const [title, rule, path, text, says] of broken) {
    it(`finds ${title}`, () => assert.match(told(rule, path, text).join("\n"), says));
  }

  it("has nothing to say of what only looks like a breach", () => {
    const fine: readonly (readonly [HouseRule, string, string])[] = [
      [importsPointDown, "src/judge/a.ts", 'import { x } from "../model/x.ts";\nimport { y } from "./y.ts";'],
      [importsPointDown, "src/judge/a.ts", '// import { x } from "../cli/x.ts";\nconst s = "from";'],
      [
        importsPointDown,
        "src/client/a.ts",
        'import type { FeatureView } from "../spec/x.ts";\nimport { type A, type B } from "../spec/y.ts";',
      ],
      [
        packages,
        "src/decode/a.ts",
        'import { parse } from "csv-parse/sync";\nimport assert from "node:assert/strict";',
      ],
      [packages, "src/store/a.ts", 'import { Kafka } from "kafkajs";'],
      [
        pureRoomsArePure,
        "src/judge/a.ts",
        'const s = "Date.now()"; // process.env\n/* fetch(x) */ const r = /setTimeout/;',
      ],
      [
        pureRoomsArePure,
        "src/judge/a.ts",
        "new Date(0); options.fetch(x); const o = { process: 1 }; a.performance; toDate(x);",
      ],
      [pureRoomsArePure, "src/main.ts", "process.exit();"],
      [pureRoomsArePure, "src/serve/a.ts", "f(process.memoryUsage.rss(), process.version, process.pid);"],
      [nothingIsSwept, "src/judge/a.ts", 'const many = "any"; if (any(x)) f(any, [any]); // as any of them'],
      [filesAreShort, "src/judge/a.ts", "x\n".repeat(500)],
      [noMachinePaths, "docs/a.md", "https://example.org/home/page and src/work/x and ~/.cache"],
    ];
    for (const [rule, path, text] of fine) assert.deepEqual(told(rule, path, text), [], `${path}: ${text}`);
  });
});

describe("the rule of tables", () => {
  const statistic = "export const psi: Statistic = {};";
  const rate: SourceFile = {
    path: "src/judge/null-rate.ts",
    text: "export const nullRate = rateStatistic({});",
  };
  const table: SourceFile = {
    path: "src/judge/table.ts",
    text: 'import { psi } from "./psi.ts";\nimport { nullRate } from "./null-rate.ts";\nexport const statistics = [psi, nullRate];',
  };
  const psi: SourceFile = { path: "src/judge/psi.ts", text: statistic };
  const says = (files: readonly SourceFile[]): string[] =>
    tablesAreWhole(files).map(({ file, line, message }) => `${file}:${line} ${message}`);

  it("holds when all parts are listed", () => assert.deepEqual(says([table, psi, rate]), []));

  it("finds a part that is not listed, and one that is only imported for its type", () => {
    const partial = { ...table, text: 'import { nullRate } from "./null-rate.ts";' };
    assert.deepEqual(says([partial, psi, rate]), [
      "src/judge/psi.ts:1 psi is not listed in src/judge/table.ts",
    ]);
    const typed = {
      ...table,
      text: 'import { type psi } from "./psi.ts";\nimport { nullRate } from "./null-rate.ts";',
    };
    assert.equal(says([typed, psi, rate]).length, 1);
  });

  it("finds a table that lists what the convention does not know", () => {
    const other = { ...psi, text: "export const psi = makeStatistic({});" };
    assert.match(says([table, other, rate]).join(), /psi\.ts:1 listed in .* no part by the convention/);
  });

  it("finds a table without a convention, and a convention without a table", () => {
    assert.match(says([{ path: "src/report/table.ts", text: "" }]).join(), /no convention/);
    assert.match(says([psi]).join(), /no such table/);
  });

  it("knows commands that are loaded when asked for", () => {
    const run: SourceFile = {
      path: "src/cli/run.ts",
      text: "export function addRun(program: Command, io: Io): void {}",
    };
    const commands = (text: string): SourceFile => ({ path: "src/cli/commands.ts", text });
    assert.deepEqual(says([run, commands('load: async () => (await import("./run.ts")).addRun')]), []);
    assert.match(says([run, commands("")]).join(), /addRun is not listed/);
  });

  it("finds parts in every room that has a table today", () => {
    for (const [room, { table: name, part }] of Object.entries(tables)) {
      const others = sources.filter(({ path }) => path.startsWith(`src/${room}/`) && !path.endsWith(name));
      assert.ok(
        others.some(({ text }) => new RegExp(part).test(blank(text))),
        `no file of ${room} has a part`,
      );
    }
  });
});

describe("the reader of sources", () => {
  it("blanks what is no code and keeps every line and column", () => {
    const text = [
      'const a = "x // y"; // z',
      `const b = \`p \${f('q', { r: 1 })} s\`; const c = a / b / 2; /* t */`,
      "const d = /[\"'`/]/g.test(a);",
    ];
    const expected = [
      'const a = "      ";     ',
      `const b = \`  \${f(' ', { r: 1 })}  \`; const c = a / b / 2;        `,
      "const d = /      /g.test(a);",
    ];
    assert.deepEqual(blank(text.join("\n")).split("\n"), expected);
  });

  it("reads imports of every form", () => {
    const text = [
      'import a from "a";',
      'import type { B } from "b";',
      'import { type C, d as e } from "c";',
      'import * as f from "f";',
      'import "g";',
      'const h = await import("h");',
      'export { i } from "i";',
      '// import "j";',
      "const k = 'import l from \"l\";';",
    ].join("\n");
    assert.deepEqual(
      importsOf({ path: "", text }).map(({ line, specifier, typeOnly, names }) => [
        line,
        specifier,
        typeOnly,
        names,
      ]),
      [
        [1, "a", false, []],
        [2, "b", true, ["B"]],
        [3, "c", false, ["C", "d"]],
        [4, "f", false, []],
        [7, "i", false, ["i"]],
        [5, "g", false, []],
        [6, "h", false, []],
      ],
    );
  });
});
