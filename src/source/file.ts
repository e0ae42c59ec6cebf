import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { openFile } from "../decode/file.ts";
import type { AsyncBytes } from "../decode/file-reader.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import { createUnpacker, type Placed } from "./captured.ts";
import { pause } from "./pause.ts";

/** How often a followed file is looked at again. */
const followEveryMs = 500;

/** How long to wait before a message that was not taken is offered again. */
const retryAfterMs = 1_000;

/** All files of one input are one ordered log: partition 0 of this topic, offsets running over them. */
export const filesPartition: Partition = { topic: "files", partition: 0 };

export interface FileSourceOptions {
  /** Read in this order, as one log. */
  readonly files: readonly string[];
  readonly hints: ReadonlyMap<string, FieldType> | undefined;
  readonly limits: Limits;
  /** After the end, wait for batches that are appended; until the signal. */
  readonly follow?: boolean;
  /** Only these columns, where the format can leave others unread. */
  readonly columns?: readonly string[];
  /** Bytes read, of how many in all files. */
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Files as a source: a message a record batch; what was captured from a topic comes as that topic's messages. A file that breaks in the middle gives one undecodable message, and the next
 * file is read.
 */
export function createFileSource({
  files,
  hints,
  limits,
  follow = false,
  columns,
  onProgress,
}: FileSourceOptions): Source {
  return {
    async run(receiver, signal) {
      const sizes = await requireFiles(files);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      let before = 0;
      const unpacker = createUnpacker();
      const captured = new Map<string, Partition>();
      const deliverCaptured = async (placed: readonly Placed[]): Promise<void> => {
        // the files' own log is empty then: it must not hold back the windows of the captured ones
        if (placed.length > 0 && captured.size === 0) await receiver.ended(filesPartition);
        for (const { partition, among, message } of placed) {
          for (const number of among) {
            const place = { topic: partition.topic, partition: number };
            if (captured.has(partitionKey(place))) continue;
            captured.set(partitionKey(place), place);
            await receiver.assigned(place);
          }
          await handOver(receiver, partition, message, signal);
        }
      };
      const resume = (await receiver.assigned(filesPartition))?.offset ?? 0;
      const seen = new Map<string, number>();
      let offset = 0;
      for (let round = 0; ; round++) {
        for (const file of files) {
          const done = seen.get(file) ?? 0;
          let batches = 0;
          const onRead = (at: number): void => onProgress?.(Math.min(total, before + at), total);
          for await (const body of bodiesOf(
            file,
            { hints, limits, onRead, ...(columns === undefined ? {} : { columns }) },
            round > 0,
          )) {
            if (signal.aborted) return;
            batches += 1;
            if (batches <= done) continue; // read in an earlier round
            const placed = body.kind === "batch" ? unpacker.add(body.batch) : undefined;
            if (placed !== undefined) await deliverCaptured(placed);
            else if (offset >= resume) await deliver(receiver, offset, body, signal);
            offset += 1;
          }
          seen.set(file, Math.max(batches, done));
          before += sizes[files.indexOf(file)] ?? 0;
        }
        if (!follow) break;
        await pause(followEveryMs, signal);
        if (signal.aborted) return;
      }
      await deliverCaptured(unpacker.end());
      for (const partition of [...captured.values(), filesPartition]) await receiver.ended(partition);
    },
  };
}

async function deliver(
  receiver: Receiver,
  offset: number,
  body: Message["body"],
  signal: AbortSignal,
): Promise<void> {
  await handOver(
    receiver,
    filesPartition,
    { offset, timestamp: undefined, headers: new Map(), body },
    signal,
  );
}

/** Waits for a receiver that cannot take it now: what was handed over before waits there for a full disk. */
async function handOver(
  receiver: Receiver,
  partition: Partition,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await receiver.receive(partition, [message]);
    } catch (error) {
      if (!(error instanceof Fault) || !error.retryable) throw error;
      await pause(retryAfterMs, signal);
    }
  }
}

interface OpenOptions {
  readonly hints: ReadonlyMap<string, FieldType> | undefined;
  readonly limits: Limits;
  readonly columns?: readonly string[];
  /** Told the end of each stretch of bytes that is read. */
  readonly onRead?: (at: number) => void;
}

/** A followed file may end in the middle of a batch that is still being written: that is no error then. */
async function* bodiesOf(
  file: string,
  options: OpenOptions,
  growing: boolean,
): AsyncGenerator<Message["body"]> {
  try {
    for await (const batch of readFileBatches(file, options)) yield { kind: "batch", batch };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const early = error instanceof Fault && (error.code === "input.empty" || error.code === "input.format");
    if (early) {
      if (growing) return;
      throw error;
    }
    if (growing) return;
    yield { kind: "undecodable", bytes: new Uint8Array(), error: named(error, file) };
  }
}

/** A dead letter of a file has no bytes to look into: its message must say which file. */
function named(error: Error, file: string): Error {
  if (error.message.includes(basename(file))) return error;
  const reason = error instanceof DecodeError ? error.reason : "malformed";
  return new DecodeError(reason, `${file}: ${error.message}`, { cause: error });
}

/** @throws Fault `input.missing`, `input.empty`, `input.format`, or a DecodeError of the file's own bytes */
export async function* readFileBatches(file: string, options: OpenOptions): AsyncGenerator<Batch> {
  const handle = await open(file).catch((cause: unknown) => {
    throw missing(file, cause);
  });
  try {
    yield* openFile({ name: file, bytes: await bytesOf(handle, options.onRead), ...options });
  } finally {
    await handle.close();
  }
}

async function bytesOf(handle: FileHandle, onRead?: (at: number) => void): Promise<AsyncBytes> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      if (at < size) onRead?.(start + at);
      return at === bytes.length ? bytes : bytes.subarray(0, at);
    },
  };
}

/** Their sizes in bytes. */
async function requireFiles(files: readonly string[]): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (const file of files) {
    const found = await stat(file).catch((cause: unknown) => {
      throw missing(file, cause);
    });
    if (!found.isFile()) throw missing(file, new Error("it is no file"));
    sizes.push(found.size);
  }
  return sizes;
}

function missing(file: string, cause: unknown): Fault {
  return new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
