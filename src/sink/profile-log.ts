import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../model/fault.ts";
import type { Outcome, Sink } from "../pipeline/ports.ts";
import { decodeProfile, encodeProfile } from "../profile/codec.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { guardFiles } from "./report-files.ts";

/** Name of the file in the directory of a replay. */
export const profileLogName = "profiles.bin";

/**
 * Layout: the eight bytes `TMPROF1\n`; a JSON header as UTF-8 behind its length; then every closed window's profile, in the order
 * in which it was judged, whole view before segments, as `profile/codec.ts` writes it behind its length. Lengths are four bytes,
 * little-endian. A window that was judged again stands there again: the last one counts.
 */
const magic = "TMPROF1\n";
const lengthBytes = 4;
/** No profile is larger: a field's sketches are bounded. */
const profileBytesMax = 256 * 1024 * 1024;
const bufferBytes = 4 * 1024 * 1024;

export interface ProfileLogHeader {
  readonly featureView: string;
  /** Fingerprint of the spec that the rows were profiled with. */
  readonly spec: string;
  readonly toolVersion: string;
  /** Where spec and baseline were, and what the baseline's bytes were. */
  readonly specFile?: string;
  readonly baselineFile?: string;
  readonly baselineDigest?: string;
  /** Of the topic that was replayed. */
  readonly brokers?: string;
}

/**
 * Keeps what verdicts are made of, so that they can be made again without the rows.
 * @throws Fault `store.full` or `sink.rejected` when the directory cannot be written
 */
export async function createProfileLog(dir: string, header: ProfileLogHeader): Promise<Sink> {
  const path = join(dir, profileLogName);
  let handle: FileHandle | undefined = await guardFiles(dir, async () => {
    await mkdir(dir, { recursive: true });
    return open(`${path}.partial`, "w");
  });
  let waiting: Uint8Array[] = [];
  let size = 0;
  const seen = new WeakSet<Outcome>();
  const add = (bytes: Uint8Array): void => {
    waiting.push(bytes);
    size += bytes.length;
  };
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(waiting);
    [waiting, size] = [[], 0];
    if (bytes.length > 0) await guardFiles(dir, async () => handle?.appendFile(bytes));
  };
  add(Buffer.from(magic));
  for (const part of framed(Buffer.from(JSON.stringify(header)))) add(part);
  return {
    name: "profile-log",
    async accept(outcomes) {
      for (const outcome of outcomes) {
        if (outcome.kind !== "judged" || !outcome.judged.final || seen.has(outcome)) continue;
        seen.add(outcome);
        for (const part of framed(encodeProfile(outcome.profile))) add(part);
      }
      if (size > bufferBytes) await flush();
    },
    async close() {
      if (handle === undefined) return;
      await flush();
      await handle.close();
      handle = undefined;
      await rename(`${path}.partial`, path);
    },
  };
}

function framed(bytes: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(bytes.length);
  return [length, bytes];
}

export interface ProfileLog {
  readonly header: ProfileLogHeader;
  /** In the order of the file; memory holds one. */
  profiles(): AsyncGenerator<WindowProfile>;
  close(): Promise<void>;
}

/** @throws Fault `input.missing`, `input.format`; while reading `sketch.corrupt` */
export async function openProfileLog(dir: string): Promise<ProfileLog> {
  const path = join(dir, profileLogName);
  const handle = await open(path).catch((cause: unknown) => {
    throw new Fault("input.missing", `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: "`tidemark replay … --out DIR` writes it beside the alerts",
    });
  });
  let at = 0;
  const read = async (length: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, at);
    at += bytesRead;
    return bytes.subarray(0, bytesRead);
  };
  const block = async (): Promise<Buffer | undefined> => {
    const head = await read(lengthBytes);
    if (head.length === 0) return undefined;
    const length = head.length < lengthBytes ? Number.POSITIVE_INFINITY : head.readUInt32LE();
    const bytes = length > profileBytesMax ? Buffer.alloc(0) : await read(length);
    if (bytes.length === length) return bytes;
    throw new Fault("input.format", `${path}: ends in the middle of a profile, at byte ${at}`);
  };
  const header =
    (await read(magic.length)).toString("latin1") === magic ? await block().then(headerOf) : undefined;
  if (header === undefined) {
    await handle.close();
    throw new Fault("input.format", `${path}: no profiles of this version of tidemark`);
  }
  return {
    header,
    async *profiles() {
      for (let bytes = await block(); bytes !== undefined; bytes = await block()) yield decodeProfile(bytes);
    },
    close: () => handle.close(),
  };
}

function headerOf(bytes: Buffer | undefined): ProfileLogHeader | undefined {
  try {
    return JSON.parse(bytes?.toString() ?? "") as ProfileLogHeader;
  } catch {
    return undefined; // said by the caller, with the file's name
  }
}
