import { mkdirSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
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

  /** Bytes of whole lines in the file. */
  let size = 0;

  const reopen = async (): Promise<FileHandle> => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const opened = await open(file, "a+", 0o600);
    try {
      size = await endOfLines(opened);
      await opened.truncate(size); // a line that a crash cut short is written again
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  };

  const append = async (letters: readonly DeadLetter[]): Promise<void> => {
    handle ??= await reopen();
    if (size > fileBytesMax) {
      await handle.close();
      handle = undefined;
      await rename(file, join(dir, "dead-letters.1.jsonl"));
      handle = await reopen();
    }
    const bytes = Buffer.from(letters.map(lineOf).join(""));
    try {
      await handle.appendFile(bytes);
      await handle.sync();
      size += bytes.length;
    } catch (error) {
      await handle.truncate(size); // a full disk takes a part
      throw error;
    }
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
        const full = code === "ENOSPC" || code === "EDQUOT";
        throw new Fault(full ? "store.full" : "store.failed", `${file}: ${message}`, {
          retryable: true,
          cause,
          hint: full
            ? "free some space; no checkpoint passes what is not written"
            : code === "EMFILE" || code === "ENFILE"
              ? "raise the limit of open files (ulimit -n); no checkpoint passes what is not written"
              : "is the directory writable?",
        });
      }
    },
    close: async () => handle?.close(),
  };
}

/** Behind the last line end. */
async function endOfLines(handle: FileHandle): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let { size: end } = await handle.stat(); end > 0; end = Math.max(0, end - chunk.length)) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const at = chunk.subarray(0, bytesRead).lastIndexOf("\n");
    if (at >= 0) return start + at + 1;
  }
  return 0;
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
