import assert from "node:assert/strict";
import { pino } from "pino";
import type { Reporting } from "../../src/sink/courier.ts";

export interface Heard {
  readonly reporting: Required<Reporting>;
  /** Messages of the log. */
  said(): string[];
  /** The log's lines as objects. */
  lines(): Record<string, unknown>[];
  /** `name: text` of what is wrong now. */
  troubles(): string[];
  /** Peers, one for each failed attempt. */
  failures(): string[];
}

/** Keeps what a sink tells. */
export function listen(): Heard {
  const lines: Record<string, unknown>[] = [];
  const troubles = new Map<string, string>();
  const failures: string[] = [];
  const log = pino(
    { level: "info", formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return {
    reporting: {
      log,
      onTrouble: (name, text) => void (text === undefined ? troubles.delete(name) : troubles.set(name, text)),
      onFailure: (peer) => void failures.push(peer),
    },
    said: () => lines.map(({ msg }) => String(msg)),
    lines: () => [...lines],
    troubles: () => [...troubles].map(([name, text]) => `${name}: ${text}`),
    failures: () => [...failures],
  };
}

/** As long as a slow machine under load may take for what happens at all. */
const patienceMs = 30_000;

/** Asks until the answer is defined. */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) assert.fail(`after ${patienceMs} ms, not yet: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
