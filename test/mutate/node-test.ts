import type { TestContext } from "node:test";

/** A test as `it` was told of it. */
export interface Collected {
  /** File and titles: the same in every run. */
  readonly name: string;
  readonly run: (context: TestContext) => unknown;
}

/**
 * What stands in for `node:test` under mutation: it collects tests, so that the runner can run those that reach a mutant, again and
 * again in one process, and stop at the first that fails.
 */
export const collected: Collected[] = [];

const titles: string[] = [];

/** The tests that are told of while `load` runs stand under this title. */
export async function inFile(title: string, load: () => Promise<unknown>): Promise<void> {
  titles.push(title);
  await load();
  titles.pop();
}

export function describe(title: string, body: () => void): void {
  titles.push(title);
  body();
  titles.pop();
}

export function it(title: string, run: (context: TestContext) => unknown): Promise<void> {
  collected.push({ name: [...titles, title].join(" › "), run });
  return Promise.resolve();
}

export const test = it;
