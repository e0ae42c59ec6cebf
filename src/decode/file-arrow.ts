import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { createDictionaryCache } from "./arrow-dictionary.ts";
import { footerLength, readFooter, startsWithMagic, trailerBytes } from "./arrow-footer.ts";
import { bodyLengthOf, frameAt, guarded, metadataBytesMax, metadataStart } from "./arrow-message.ts";
import { createSchemaCache } from "./arrow-schema.ts";
import { acceptMessage, createStreamState, type StreamState } from "./arrow-stream.ts";
import { type AsyncBytes, type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { readAhead } from "./read-ahead.ts";

/** Mark and length before a message's metadata. */
const framingBytes = 8;

/** Arrow IPC, file framing (by its footer) and stream framing, message after message. The bytes say which, not the name. */
export async function* readArrowFile({
  name,
  bytes,
  limits,
  columns,
}: OpenFileOptions): AsyncGenerator<Batch> {
  const source = readAhead(bytes);
  const head = await source.slice(0, framingBytes);
  const state = createStreamState(
    limits,
    { bytes: limits.decodedBytes },
    createSchemaCache(),
    createDictionaryCache(),
  );
  const marked = head.length === framingBytes && head.subarray(0, 4).every((byte) => byte === 0xff);
  if (!marked && !startsWithMagic(head)) throw wrongFormat(name, "Arrow");
  const batches = marked ? readStreamFraming(source, state) : readFileFraming(source, state);
  for await (const batch of batches) yield columns === undefined ? batch : pick(batch, columns);
}

function pick({ rows, columns }: Batch, names: readonly string[]): Batch {
  const wanted = new Set(names);
  return { rows, columns: new Map([...columns].filter(([name]) => wanted.has(name))) };
}

async function* readStreamFraming(bytes: AsyncBytes, state: StreamState): AsyncGenerator<Batch> {
  for (let at = 0; at < bytes.byteLength; ) {
    const size = await sizeAt(bytes, at);
    if (size === undefined) break; // the end-of-stream mark
    const batch = accept(state, await bytes.slice(at, at + size));
    if (batch !== undefined) yield batch;
    at += size;
  }
  if (state.schema === undefined) throw new DecodeError("truncated", "an Arrow stream without a schema");
}

/** Bytes of the message at `at`, framing, metadata and body; `undefined` at the end-of-stream mark. */
async function sizeAt(bytes: AsyncBytes, at: number): Promise<number | undefined> {
  const head = await bytes.slice(at, at + framingBytes);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const start = metadataStart(view, 0);
  const length = view.getInt32(start - 4, true);
  if (length === 0) return undefined;
  if (length < 8 || length > metadataBytesMax)
    throw new DecodeError("malformed", `Arrow metadata of ${length} bytes at byte ${at}`);
  const metadata = await bytes.slice(at + start, at + start + length);
  if (metadata.length < length)
    throw new DecodeError("truncated", `Arrow metadata of ${length} bytes at byte ${at + start} ends early`);
  const bodyLength = bodyLengthOf(metadata);
  const size = start + length + bodyLength;
  if (at + size > bytes.byteLength) {
    throw new DecodeError(
      "truncated",
      `an Arrow body of ${bodyLength} bytes at byte ${at + size - bodyLength} ends early`,
    );
  }
  return size;
}

async function* readFileFraming(bytes: AsyncBytes, state: StreamState): AsyncGenerator<Batch> {
  const end = Math.max(0, bytes.byteLength - trailerBytes);
  const length = footerLength(await bytes.slice(end, bytes.byteLength));
  if (length < 8 || length > end) throw new DecodeError("malformed", `an Arrow footer of ${length} bytes`);
  const blocks = readFooter(await bytes.slice(end - length, end), state);
  for (const { offset, size } of blocks) {
    if (size < framingBytes || offset + size > bytes.byteLength)
      throw new DecodeError("truncated", `an Arrow block of ${size} bytes at byte ${offset} passes the end`);
    const batch = accept(state, await bytes.slice(offset, offset + size));
    if (batch !== undefined) yield batch;
  }
}

/** Limits are for a message; a file is as long as it is. */
function accept(state: StreamState, bytes: Uint8Array): Batch | undefined {
  state.budget.bytes = state.limits.decodedBytes;
  const framed = frameAt(bytes, 0);
  if (framed === undefined) throw new DecodeError("malformed", "an Arrow block without a message");
  return guarded(() => acceptMessage(state, framed));
}
