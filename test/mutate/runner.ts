import { globSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
} from "@stryker-mutator/api/test-runner";
import fc from "fast-check";
import { type Collected, collected, inFile } from "./node-test.ts";

/** The tests that are to notice a mutant of the rooms in `stryker.config.json`, the quickest first. */
const suites = ["sketch", "profile", "statistics", "laws"].map((room) => `test/${room}/*.test.ts`);

/** Tests of accuracy over many seeds: they take seconds, and whatever they notice a quicker one should. */
const slow = /10 million|RMS|is as good|700 times|under a checksum that fits/;

/** As many random cases as a quick answer allows, and no search for the smallest that fails. */
const cases = { seed: 4_092, numRuns: 30, endOnFailure: true, interruptAfterTimeLimit: 400 };

/** Where Stryker's instrumented code reads which mutant is alive, and writes which ones it met. */
interface Instrument {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

/**
 * Runs node:test files inside Stryker's worker, test by test: a process a mutant would take hours. Modules that a mutant left in
 * disorder (scratch arrays, caches) are loaded anew.
 */
class NodeTestRunner implements TestRunner {
  readonly #instrument: Instrument;
  #tests: readonly Collected[] = [];
  #generation = 0;

  constructor() {
    const holder = globalThis as { __stryker__?: Instrument };
    holder.__stryker__ ??= {};
    this.#instrument = holder.__stryker__;
  }

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: false };
  }

  async init(): Promise<void> {
    fc.configureGlobal(cases);
    const root = pathToFileURL(`${process.cwd()}/`).href;
    const stand = new URL("./node-test.ts", import.meta.url).href;
    registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier === "node:test") return { url: stand, shortCircuit: true };
        const found = next(specifier, context);
        const own = found.url.startsWith(root) && found.url.endsWith(".ts") && found.url !== stand;
        const reloads = own && !found.url.includes("node_modules");
        return reloads ? { ...found, url: `${found.url}?generation=${this.#generation}` } : found;
      },
    });
    await this.#load();
  }

  async dryRun(_options: DryRunOptions): Promise<DryRunResult> {
    this.#instrument.activeMutant = undefined;
    const tests: TestResult[] = [];
    for (const test of this.#tests) {
      this.#instrument.currentTestId = test.name;
      const start = performance.now();
      const failureMessage = await failureOf(test);
      const own = { id: test.name, name: test.name, timeSpentMs: performance.now() - start };
      tests.push(
        failureMessage === undefined
          ? { ...own, status: TestStatus.Success }
          : { ...own, status: TestStatus.Failed, failureMessage },
      );
    }
    this.#instrument.currentTestId = undefined;
    const { mutantCoverage = { static: {}, perTest: {} } } = this.#instrument;
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit }: MutantRunOptions): Promise<MutantRunResult> {
    const wanted = testFilter === undefined ? undefined : new Set(testFilter);
    const tests = this.#tests.filter(({ name }) => wanted?.has(name) ?? true);
    for (const [index, test] of tests.entries()) {
      Object.assign(this.#instrument, { activeMutant: activeMutant.id, hitLimit, hitCount: 0 });
      const failureMessage = await failureOf(test);
      const hits = this.#instrument.hitCount ?? 0;
      Object.assign(this.#instrument, { activeMutant: undefined, hitLimit: undefined, hitCount: undefined });
      if (failureMessage === undefined) continue;
      if ((await failureOf(test)) !== undefined) await this.#load();
      return hitLimit !== undefined && hits > hitLimit
        ? { status: MutantRunStatus.Timeout, reason: "goes round and round" }
        : { status: MutantRunStatus.Killed, killedBy: [test.name], failureMessage, nrOfTests: index + 1 };
    }
    return { status: MutantRunStatus.Survived, nrOfTests: tests.length };
  }

  async #load(): Promise<void> {
    this.#generation += 1;
    collected.length = 0;
    for (const file of suites.flatMap((suite) => globSync(suite).sort()))
      await inFile(file, () => import(pathToFileURL(join(process.cwd(), file)).href));
    this.#tests = collected.filter(({ name }) => !slow.test(name));
  }
}

async function failureOf(test: Collected): Promise<string | undefined> {
  const endings: (() => unknown)[] = [];
  const context = { after: (end: () => unknown) => void endings.push(end), diagnostic: () => undefined };
  try {
    await test.run(context as unknown as TestContext);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 500) : String(error);
  } finally {
    for (const end of endings) await end();
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "node-test", NodeTestRunner)];
