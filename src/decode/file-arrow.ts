import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import {
  acceptMessage,
  createStreamState,
  type Framed,
  frameAt,
  guarded,
  type StreamState,
} from "./arrow.ts";
import { createDictionaryCache } from "./arrow-dictionary.ts";
import { readSchema } from "./arrow-schema.ts";
import { type AsyncBytes, type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { rootTable, safeInt64, type Table, table, vectorOf } from "./flatbuffer.ts";

const magic = "ARROW1";
/** Framing of one message of a stream: continuation, metadata length. */
const framingBytes = 8;
const metadataBytesMax = 16 * 1024 * 1024;
const blockBytes = 24;

/** Arrow IPC, file framing (by its footer) and stream framing (message after message). */
export async function* readArrowFile({ name, bytes, limits }: OpenFileOptions): AsyncGenerator<Batch> {
  const head = await bytes.slice(0, framingBytes);
  const state = createStreamState(limits, { bytes: limits.decodedBytes }, createDictionaryCache());
  if (new TextDecoder().decode(head.subarray(0, magic.length)) === magic) {
    yield* readFileFraming(bytes, state);
    return;
  }
  const first = new DataView(head.buffer, head.byteOffset, head.length);
  if (head.length < framingBytes || first.getUint32(0, true) !== 0xffff_ffff)
    throw wrongFormat(name, "Arrow");
  let at = 0;
  while (at < bytes.byteLength) {
    const framed = await readFramed(bytes, at);
    if (framed === undefined) return;
    const batch = accept(state, framed);
    if (batch !== undefined) yield batch;
    at += framed.end;
  }
}

/** Limits are for a message; a file is as long as it is. */
function accept(state: StreamState, framed: Framed): Batch | undefined {
  state.budget.bytes = state.limits.decodedBytes;
  return guarded(() => acceptMessage(state, framed));
}

async function readFramed(bytes: AsyncBytes, at: number): Promise<Framed | undefined> {
  const head = await bytes.slice(at, at + framingBytes);
  if (head.length < framingBytes) {
    if (head.length === 0) return undefined;
    throw new DecodeError("truncated", `an Arrow stream that ends in a length at byte ${at}`);
  }
  const length = new DataView(head.buffer, head.byteOffset, head.length).getInt32(4, true);
  if (length === 0) return undefined;
  if (length < 0 || length > metadataBytesMax)
    throw new DecodeError("malformed", `Arrow metadata of ${length} bytes at byte ${at}`);
  const metadata = await bytes.slice(at, at + framingBytes + length);
  if (metadata.length < framingBytes + length)
    throw new DecodeError("truncated", `Arrow metadata at byte ${at} ends early`);
  const bodyLength = guarded(() => int64At(rootTable(metadata.subarray(framingBytes))));
  const end = framingBytes + length + bodyLength;
  if (at + end > bytes.byteLength) {
    throw new DecodeError(
      "truncated",
      `an Arrow body of ${bodyLength} bytes at byte ${at + end - bodyLength} ends early`,
    );
  }
  return frameAt(await bytes.slice(at, at + end), 0);
}

/** Message.bodyLength */
function int64At(message: Table): number {
  const vtable = message.at - message.view.getInt32(message.at, true);
  const offset = message.view.getUint16(vtable, true) >= 12 ? message.view.getUint16(vtable + 10, true) : 0;
  return offset === 0 ? 0 : safeInt64(message.view, message.at + offset);
}

async function* readFileFraming(bytes: AsyncBytes, state: StreamState): AsyncGenerator<Batch> {
  const tail = await bytes.slice(Math.max(0, bytes.byteLength - 10), bytes.byteLength);
  const end = new DataView(tail.buffer, tail.byteOffset, tail.length);
  if (tail.length < 10 || new TextDecoder().decode(tail.subarray(4)) !== magic) {
    throw new DecodeError(
      "truncated",
      "an Arrow file without its closing ARROW1: it was cut, or is still being written",
    );
  }
  const length = end.getInt32(0, true);
  const at = bytes.byteLength - 10 - length;
  if (length < 8 || at < 8) throw new DecodeError("malformed", `an Arrow footer of ${length} bytes`);
  const footer = await bytes.slice(at, at + length);
  const blocks = guarded(() => {
    const root = rootTable(footer);
    const schema = table(root, 1);
    if (schema === undefined) throw new DecodeError("malformed", "an Arrow footer without a schema");
    state.schema = readSchema(schema, state.limits);
    return [...blocksOf(root, 2), ...blocksOf(root, 3)];
  });
  for (const { offset, size } of blocks) {
    if (offset + size > bytes.byteLength)
      throw new DecodeError("truncated", `an Arrow block at byte ${offset} passes the end`);
    const framed = frameAt(await bytes.slice(offset, offset + size), 0);
    const batch = framed === undefined ? undefined : accept(state, framed);
    if (batch !== undefined) yield batch;
  }
}

function blocksOf(footer: Table, slot: number): { offset: number; size: number }[] {
  const vector = vectorOf(footer, slot, blockBytes);
  if (vector === undefined) return [];
  return Array.from({ length: vector.length }, (_, index) => {
    const at = vector.at + blockBytes * index;
    const metadata = footer.view.getInt32(at + 8, true);
    return { offset: safeInt64(footer.view, at), size: metadata + safeInt64(footer.view, at + 16) };
  });
}
