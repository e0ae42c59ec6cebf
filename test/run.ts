import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { seedVariable } from "./seed.ts";
import { freePorts } from "./services/ports.ts";
import { sharedBrokers, startBroker } from "./services/services.ts";
import { setUp } from "./services/setup.ts";
import { importsOf } from "./tidy/code.ts";

/**
 * Every test, or those whose path holds one of the arguments: `npm test -- judge/breaker sink`. First the files that
 * share the two cores well, two at a time; then those that time a whole system, one at a time. Ends with a plain line.
 * Property tests draw the cases of one seed, the same in every run; `--seed 7` or `--seed random` draws others.
 */
const root = join(import.meta.dirname, "..");
const serial = /^test\/(e2e|faults)\//;
/** A test that takes longer hangs, on a slow machine too. */
const timeoutMs = 300_000;
const usualSeed = 4_092;
/** Files whose time is told at the end. */
const slowestTold = 10;
/** By file, ms. */
const durations = new Map<string, number>();

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: filters } = parseArgs({
    args: [...args],
    options: { seed: { type: "string" } },
    allowPositionals: true,
  });
  const seed = seedOf(values.seed ?? process.env[seedVariable]);
  if (seed === undefined)
    return end({ passed: 0, failed: 1, skipped: 0 }, `--seed ${values.seed}: give a whole number or random`);
  process.env[seedVariable] = String(seed);
  const files = globSync("test/**/*.test.ts", { cwd: root })
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  if (files.length === 0)
    return end({ passed: 0, failed: 1, skipped: 0 }, `no test file matches ${filters.join(" ")}`);
  const scripts = new Map(files.map((file) => [file, closureOf(join(root, file))]));
  const needs = (what: RegExp): boolean => [...scripts.values()].some((text) => what.test(text));
  try {
    if (needs(/services\/services\.ts"|services\/tools\.ts"/)) setUp((text) => console.error(text));
  } catch (error) {
    return end({ passed: 0, failed: 1, skipped: 0 }, (error as Error).message);
  }
  const endings: (() => void | Promise<void>)[] = [];
  const broker = needs(/\bbroker\(/)
    ? await beginBroker({ after: (fn) => void endings.push(fn) })
    : undefined;
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  try {
    await runFiles(
      files.filter((file) => !serial.test(file)),
      2,
      count,
    );
    await runFiles(
      files.filter((file) => serial.test(file)),
      1,
      count,
    );
    await broker?.started;
  } catch (error) {
    count.failed += 1;
    console.error(error);
  } finally {
    for (const ending of endings.toReversed()) await ending();
  }
  if (durations.size > slowestTold) console.log(`slowest: ${slowest(durations)}`);
  return end(
    count,
    count.failed > 0 ? `property tests had seed ${seed}: npm test -- --seed ${seed}` : undefined,
  );
}

/** @returns undefined for what is no seed */
function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return usualSeed;
  const seed = text === "random" ? Math.floor(Math.random() * 2 ** 31) : Number(text);
  return text.trim() !== "" && Number.isInteger(seed) ? seed : undefined;
}

/**
 * Starts the broker that test files share while the first of them run already; `broker()` waits for it.
 * The inner promise rejects when it does not start.
 */
async function beginBroker(scope: Parameters<typeof startBroker>[0]): Promise<{ started: Promise<unknown> }> {
  const port = await freePorts(10);
  process.env[sharedBrokers] = `127.0.0.1:${port}`;
  const started = startBroker(scope, { port });
  started.catch(() => undefined); // told when the tests have run
  return { started };
}

async function runFiles(files: readonly string[], concurrency: number, count: Count): Promise<void> {
  if (files.length === 0) return;
  const events = run({
    files: files.map((file) => join(root, file)),
    concurrency,
    timeout: timeoutMs,
    cwd: root,
    execArgv: [
      "--disable-warning=TimeoutNegativeWarning", // kafkajs gives one a connection (tulios/kafkajs#1751)
      `--import=${pathToFileURL(join(import.meta.dirname, "seed.ts")).href}`,
    ],
  });
  events.on("test:summary", ({ file, counts, success, duration_ms }) => {
    if (file !== undefined) durations.set(relative(root, file), duration_ms);
    if (file !== undefined) return;
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
    count.passed += counts.passed;
    count.failed += failed === 0 && !success ? 1 : failed; // a suite's own hook failed
    count.skipped += counts.skipped + counts.todo;
  });
  const reporter = new spec();
  const output = events.compose(reporter);
  for await (const text of output) process.stdout.write(text as string);
}

/** A file's own text and that of the test files it imports: what a test needs can be read off it. */
function closureOf(file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return "";
  seen.add(file);
  if (relative(root, file).startsWith("test/services/")) return "";
  const text = readFileSync(file, "utf8");
  const imports = importsOf({ path: file, text }).map(({ specifier }) => join(dirname(file), specifier));
  const helpers = imports.filter((path) => relative(root, path).startsWith("test/") && existsSync(path));
  return [text, ...helpers.map((path) => closureOf(path, seen))].join("\n");
}

function slowest(files: ReadonlyMap<string, number>): string {
  const first = [...files].toSorted(([, a], [, b]) => b - a).slice(0, slowestTold);
  return first.map(([file, ms]) => `${file} ${Math.round(ms / 1_000)} s`).join(", ");
}

function end({ passed, failed, skipped }: Count, problem?: string): number {
  if (problem !== undefined) console.error(problem);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
