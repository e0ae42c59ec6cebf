import assert from "node:assert/strict";

/** What is used of kafkajs's own `Runner` (src/consumer/runner.js of 2.2.4). */
export interface KafkajsRunner {
  readonly running: boolean;
  fetch: (this: KafkajsRunner, nodeId: string) => Promise<readonly unknown[]>;
}

const mended = new WeakSet<KafkajsRunner>();

/**
 * A consumer that is stopped while the set of brokers changes never ends: it makes new fetchers for the new set, each of which
 * finds that nothing runs any more, has an empty answer at once, and asks again, without ever leaving the event loop a turn. What
 * fetches for a consumer that has been stopped is told so by an error, which ends it.
 *
 * @param prototype  of `Runner`: whoever has loaded kafkajs hands it in
 */
export function endFetchingWhenStopped(prototype: KafkajsRunner): void {
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { fetch } = prototype;
  assert(typeof fetch === "function", "kafkajs has another way to fetch than 2.2.4 had");
  prototype.fetch = async function (this: KafkajsRunner, nodeId) {
    if (!this.running) throw new Error("the consumer has been stopped");
    return fetch.call(this, nodeId);
  };
}
