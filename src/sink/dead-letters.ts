import { mkdirSync } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../model/fault.ts";
import type { DeadLetter, Sink } from "../pipeline/ports.ts";

/** The file is set aside as `dead-letters.1.jsonl` beyond this; two files are the bound. */
const fileBytesMax = 64 * 1024 * 1024;

/**
 * Embedded mode's dead letters: one JSON object a line in `<dir>/dead-letters.jsonl`, with topic, partition, offset, reason,
 * message, headers and the bytes in base64, on the disk (fsync) before `accept` resolves.
 * @throws Fault `store.full` or `store.failed`, retryable
 */
export function createDeadLetterFile({ dir }: { readonly dir: string }): Sink {
  const file = join(dir, "dead-letters.jsonl");
  let handle: FileHandle | undefined;

  const append = async (letters: readonly DeadLetter[]): Promise<void> => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const size = await stat(file).then(
      ({ size: bytes }) => bytes,
      () => 0, // not there yet
    );
    if (size > fileBytesMax) {
      await handle?.close();
      handle = undefined;
      await rename(file, join(dir, "dead-letters.1.jsonl"));
    }
    handle ??= await open(file, "a", 0o600);
    await handle.appendFile(letters.map(lineOf).join(""));
    await handle.sync();
  };

  return {
    name: "dead-letters",
    accept: async (outcomes) => {
      const letters = outcomes.flatMap((outcome) =>
        outcome.kind === "dead-letter" ? [outcome.deadLetter] : [],
      );
      if (letters.length === 0) return;
      try {
        await append(letters);
      } catch (cause) {
        const { code, message } = cause as NodeJS.ErrnoException;
        throw new Fault(code === "ENOSPC" ? "store.full" : "store.failed", `${file}: ${message}`, {
          retryable: true,
          cause,
        });
      }
    },
    close: async () => handle?.close(),
  };
}

function lineOf({ partition, offset, reason, message, bytes, key, headers }: DeadLetter): string {
  const base64 = (some: Uint8Array): string => Buffer.from(some).toString("base64");
  const line = {
    topic: partition.topic,
    partition: partition.partition,
    offset,
    reason,
    message,
    headers: Object.fromEntries(headers),
    ...(key === undefined ? {} : { key: base64(key) }),
    bytes: base64(bytes),
  };
  return `${JSON.stringify(line)}\n`;
}
