import { join } from "node:path/posix";
import { blank, type Finding, importsOf, lineAt, roomOf, type SourceFile } from "./code.ts";

/** A law of the house. It names what breaks it by file and line; an empty answer is what everybody wants. */
export type HouseRule = (files: readonly SourceFile[]) => readonly Finding[];

/** Rooms by floor; a room imports itself and lower floors. `client` is what others import: it stands apart. */
export const floors: Readonly<Record<string, number>> = {
  model: 1,
  sketch: 2,
  check: 2,
  decode: 2,
  profile: 3,
  statistics: 3,
  judge: 4,
  report: 4,
  pipeline: 5,
  spec: 5,
  canary: 5,
  audit: 5,
  source: 6,
  sink: 6,
  store: 6,
  serve: 6,
  cli: 7,
  "main.ts": 8,
};

/** What the client may run, and of what it may know the types. */
const clientRuns = ["client", "model", "check", "decode", "spec"];
const clientKnows = [...clientRuns, "sketch", "profile"];
/** Loaded when it is asked for: a service that polls HTTP brings no Kafka client into its memory. */
const clientLoads = ["kafkajs"];

const topPureFloor = 5;
const isPure = (room: string): boolean => (floors[room] ?? topPureFloor + 1) <= topPureFloor;

/** What pure rooms import besides each other. `node:assert/strict` is everybody's. */
const packagesOfPureRooms: Readonly<Record<string, readonly string[]>> = {
  model: [],
  sketch: [],
  check: ["re2js"],
  decode: [
    "node:zlib",
    "apache-arrow",
    "hyparquet",
    "hyparquet-compressors",
    "hyparquet-writer",
    "lz4-napi",
    "csv-parse",
  ],
  profile: ["node:crypto"],
  statistics: ["simple-statistics"],
  judge: ["simple-statistics", "node:crypto"],
  report: ["d3-scale", "d3-shape"],
  pipeline: [],
  spec: ["yaml", "zod", "re2js", "node:crypto"],
  canary: [],
  audit: ["yaml", "smol-toml"],
};

/** Packages that only some rooms may name, so that another one can take their place. */
const roomsOfPackages: Readonly<Record<string, readonly string[]>> = {
  "apache-arrow": ["decode"],
  kafkajs: ["source", "store", "sink", "client"],
};

const at = ({ path }: SourceFile, line: number, message: string): Finding => ({ file: path, line, message });

/** Imports point down. */
export const importsPointDown: HouseRule = (files) =>
  files.flatMap((file) => {
    const room = roomOf(file.path);
    if (room !== "client" && floors[room] === undefined)
      return [at(file, 1, `src/${room} is no room: see the floors in test/tidy/rules.ts`)];
    return importsOf(file).flatMap(({ line, specifier, typeOnly }) => {
      if (!specifier.startsWith(".")) return [];
      const target = join(file.path, "..", specifier);
      if (target === "package.json" && room === "cli") return [];
      if (!target.startsWith("src/"))
        return [at(file, line, `${room} imports ${target}, which is outside src/`)];
      const other = roomOf(target);
      if (other === room) return [];
      if (room === "client") {
        const allowed = typeOnly ? clientKnows : clientRuns;
        return allowed.includes(other)
          ? []
          : [at(file, line, `client imports ${other}/${typeOnly ? "" : " as more than a type"}`)];
      }
      const [from, to] = [floors[room] ?? 0, floors[other]];
      if (to !== undefined && to < from) return [];
      const why =
        to === undefined
          ? "no room below it"
          : to === from
            ? "a room of the same floor"
            : `up on floor ${to}`;
      return [at(file, line, `${room} (floor ${from}) imports ${other}/, ${why}`)];
    });
  });

/** `csv-parse/sync` → `csv-parse`, `@scope/name/sub` → `@scope/name`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

/** Packages are imported where they belong, and are installed where tidemark is. */
export function packagesStayHome(dependencies: readonly string[]): HouseRule {
  return (files) =>
    files.flatMap((file) => {
      const room = roomOf(file.path);
      return importsOf(file).flatMap(({ line, specifier, typeOnly }) => {
        if (specifier.startsWith(".") || specifier === "node:assert/strict") return [];
        const name = packageOf(specifier);
        if (isPure(room) && packagesOfPureRooms[room]?.includes(name) !== true)
          return [at(file, line, `${room} is pure and does not import ${name}`)];
        if (roomsOfPackages[name]?.includes(room) === false)
          return [at(file, line, `${name} is named in ${roomsOfPackages[name]?.join(", ")} only`)];
        if (room === "client" && !typeOnly && !name.startsWith("node:") && !clientLoads.includes(name))
          return [at(file, line, `client brings no dependency, and imports ${name}`)];
        if (!name.startsWith("node:") && !dependencies.includes(name))
          return [at(file, line, `${name} is no entry of dependencies in package.json`)];
        return [];
      });
    });
}

const impurities: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w$])process\b(?!\s*[:?])/g, "process"],
  [/(?<![.\w$])fetch\s*\(/g, "fetch"],
  [/(?<![.\w$])(?:setTimeout|setInterval|setImmediate)\b/g, "a timer"],
  [/\bDate\.now\b/g, "Date.now"],
  [/\bMath\.random\b/g, "Math.random"],
  [/\bnew\s+Date\s*(?:\(\s*\)|(?=[;,)\s])(?!\s*\())/g, "the date of today"],
  [/(?<!new\s+)(?<![.\w$])Date\s*\(/g, "the date of today"],
  [/(?<![.\w$])performance\b(?!\s*[:?])/g, "performance"],
  [/(?<![.\w$])(?:console|globalThis)\b/g, "console or globalThis"],
  [/\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/g, "chance"],
  [/\bTemporal\.Now\b/g, "the clock"],
];

/** What `main.ts` alone reads and does; others may say of the process they are in what it is (pid, version, memory). */
const outerProcess = /(?<![.\w$])process(?!\s*[:?])(?!\.(?:pid|version|memoryUsage)\b)\b/g;

/** Pure rooms are handed time, chance and bytes; arguments, environment, streams, signals and the end are `main.ts`'s. */
export const pureRoomsArePure: HouseRule = (files) =>
  files.flatMap((file) => {
    const room = roomOf(file.path);
    const code = blank(file.text);
    if (!isPure(room)) {
      if (room === "main.ts") return [];
      return [...code.matchAll(outerProcess)].map(({ index }) =>
        at(file, lineAt(code, index), "main.ts alone reads the process: take an Io"),
      );
    }
    return impurities.flatMap(([pattern, what]) =>
      [...code.matchAll(pattern)].map(({ index }) =>
        at(file, lineAt(code, index), `${room} is pure and touches ${what}`),
      ),
    );
  });

interface TableConvention {
  readonly table: string;
  /** Captures the exported name of a part. */
  readonly part: RegExp;
}

/** How a room's parts are told by their exports. A new room with a table declares its convention here. */
export const tables: Readonly<Record<string, TableConvention>> = {
  judge: { table: "table.ts", part: /^export const (\w+)(?:: Statistic\b| = rateStatistic\()/gm },
  statistics: { table: "table.ts", part: /^export const (\w+): ClassicalStatistic\b/gm },
  check: { table: "table.ts", part: /^export const (\w+): CompileRule\b/gm },
  sketch: { table: "table.ts", part: /^export (?:const|function) (\w+)(?:\([^)]*\))?: Sketch</gm },
  decode: { table: "table.ts", part: /^export function (create\w+Reader|decode[A-Z]\w*)\b/gm },
  audit: { table: "table.ts", part: /^export const (\w+): Auditor\b/gm },
  spec: { table: "foreign.ts", part: /^export const (\w+): ForeignFormat\b/gm },
  cli: { table: "commands.ts", part: /^export function (add\w+)\(program: Command, io: Io\)/gm },
};

/** A part that no table lists is never used; a table whose entries are no parts by the convention has outgrown it. */
export const tablesAreWhole: HouseRule = (files) => {
  const rooms = new Set(files.map(({ path }) => roomOf(path)));
  return [...rooms].flatMap((room) => {
    const inRoom = files.filter(({ path }) => roomOf(path) === room);
    const convention = tables[room];
    const found = inRoom.find(({ path }) => path === `src/${room}/${convention?.table ?? "table.ts"}`);
    if (convention === undefined)
      return found === undefined
        ? []
        : [at(found, 1, `no convention in test/tidy/rules.ts tells the parts of ${room}`)];
    if (found === undefined)
      return [{ file: `src/${room}/${convention.table}`, line: 1, message: "there is no such table" }];
    const used = namesIn(found);
    return inRoom.flatMap((file) => {
      if (file === found) return [];
      const code = blank(file.text);
      const parts = [...code.matchAll(convention.part)];
      const here = used.get(file.path.slice(`src/${room}/`.length)) ?? [];
      const unlisted = parts.filter(([, name]) => name !== undefined && !here.includes(name));
      const findings = unlisted.map(({ 1: name, index }) =>
        at(file, lineAt(code, index), `${name} is not listed in ${found.path}`),
      );
      if (parts.length === 0 && here.length > 0)
        findings.push(
          at(file, 1, `listed in ${found.path}, but no part by the convention of test/tidy/rules.ts`),
        );
      return findings;
    });
  });
};

/** File of the same room → the names that a table takes from it, `(await import("./x.ts")).name` included; types are not taken. */
function namesIn(table: SourceFile): ReadonlyMap<string, readonly string[]> {
  const code = blank(table.text, { keepStrings: true });
  const lazy = [...code.matchAll(/import\("\.\/([^"]+)"\)\)\.(\w+)/g)].map(
    ([, file, name]) => [file, name] as const,
  );
  const types = new Set([...code.matchAll(/\btype (\w+)/g)].map(([, name]) => name));
  const eager = importsOf(table).flatMap(({ specifier, typeOnly, names }) =>
    typeOnly || !specifier.startsWith("./")
      ? []
      : names.filter((name) => !types.has(name)).map((name) => [specifier.slice(2), name] as const),
  );
  const byFile = Map.groupBy([...lazy, ...eager], ([file]) => file ?? "");
  return new Map([...byFile].map(([file, entries]) => [file, entries.map(([, name]) => name ?? "")]));
}

const slips: readonly (readonly [RegExp, string, "code" | "text"])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/g, "unfinished work belongs into an issue", "text"],
  [/@ts-(?:ignore|expect-error|nocheck)\b/g, "the compiler is right", "text"],
  [/(?:[:<|&]\s*|\bas\s+)any\b(?!\s*[:(.])|,\s*any\s*>|\bany\[\]/g, "any", "code"],
  [/\.(?:only)\s*\(/g, "a test alone", "code"],
];

/** No unfinished work, no silenced compiler, no `any`, no test that silences the others. */
export const nothingIsSwept: HouseRule = (files) =>
  files.flatMap((file) => {
    const code = blank(file.text);
    return slips.flatMap(([pattern, why, where]) => {
      const text = where === "code" ? code : file.text;
      return [...text.matchAll(pattern)].map((match) =>
        at(file, lineAt(text, match.index), `${match[0].trim()}: ${why}`),
      );
    });
  });

export const linesMax = 500;
export const linesWarned = 400;

export function countLines({ text }: SourceFile): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** A file is one idea. */
export const filesAreShort: HouseRule = (files) =>
  files
    .filter((file) => countLines(file) > linesMax)
    .map((file) => at(file, linesMax + 1, `${countLines(file)} lines, at most ${linesMax}`));

/** Paths of somebody's machine, which no other machine has. */
const machinePath = /(?<![\w./:-])\/(?:work|root|home|Users)\/[\w.-]+/g;

export const noMachinePaths: HouseRule = (files) =>
  files.flatMap((file) =>
    [...file.text.matchAll(machinePath)].map((match) =>
      at(file, lineAt(file.text, match.index), `${match[0]} is a path of one machine`),
    ),
  );
