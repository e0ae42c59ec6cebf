import assert from "node:assert/strict";
import { createRequire } from "node:module";

/** What is used of kafkajs's own `Runner` (src/consumer/runner.js of 2.2.4). */
interface Runner {
  readonly running: boolean;
  fetch(nodeId: string): Promise<readonly unknown[]>;
}

let mended = false;

/**
 * A consumer of kafkajs 2.2.4 that is stopped while the set of brokers changes never ends: it makes new fetchers for the
 * new set, each of which finds that nothing runs any more, has an empty answer at once, and asks again, without ever leaving
 * the event loop a turn. What fetches for a consumer that has been stopped is told so by an error, which ends it.
 */
export function mendRunner(): void {
  if (mended) return;
  mended = true;
  const { prototype } = createRequire(import.meta.url)("kafkajs/src/consumer/runner.js") as {
    readonly prototype: Runner;
  };
  const { fetch } = prototype;
  assert(typeof fetch === "function", "kafkajs has another way to fetch than 2.2.4 had");
  prototype.fetch = async function (this: Runner, nodeId) {
    if (!this.running) throw new Error("the consumer has been stopped");
    return fetch.call(this, nodeId);
  };
}
