import type { Batch } from "kafkajs";

/** What is used of kafkajs's own `Runner` (src/consumer/runner.js of 2.2.4). */
export interface FetchingRunner {
  fetch(nodeId: string): Promise<readonly Batch[]>;
}

/** What one fetch was answered with, as long as some of it has not been taken. */
interface Answer {
  left: number;
  readonly memory: ReadonlySet<ArrayBufferLike>;
}

const answers = new WeakMap<Batch, Answer>();

/** Counts the batches of each answer on their way from kafkajs. @param runner  the prototype, changed in place, once */
export function countBatches(runner: FetchingRunner): void {
  const { fetch } = runner;
  runner.fetch = async function (this: FetchingRunner, nodeId) {
    const batches = await fetch.call(this, nodeId);
    const full = batches.filter(({ messages }) => messages.length > 0);
    const answer = { left: full.length, memory: memoryUnder(full) };
    for (const batch of full) answers.set(batch, answer);
    return batches;
  };
}

function memoryUnder(batches: readonly Batch[]): ReadonlySet<ArrayBufferLike> {
  const memory = new Set<ArrayBufferLike>();
  for (const { messages } of batches)
    for (const { value, key } of messages) {
      if (value) memory.add(value.buffer);
      if (key) memory.add(key.buffer);
    }
  return memory;
}

/**
 * Whoever has taken all that he wants of a batch, and looks at none of its bytes any more, may ask for its memory.
 * @returns what the batches of one answer lay in, to whoever asks for the last of them
 */
export function memoryOf(batch: Batch): Iterable<ArrayBufferLike> {
  const answer = answers.get(batch);
  if (answer === undefined || !answers.delete(batch)) return [];
  answer.left -= 1;
  return answer.left === 0 ? answer.memory : [];
}
