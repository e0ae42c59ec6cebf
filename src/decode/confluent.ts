import type { SchemaReference } from "../model/writer-schema.ts";

/** The header that Confluent's serializers write when they leave the payload unframed. */
export const schemaIdHeader = "__value_schema_id";

/** A zero and the id, before the payload. */
export const prefixBytes = 5;
const [idMark, guidMark] = [0, 1];
const [idBytes, guidBytes] = [5, 17];

/**
 * The schema id of a message: by its header (a zero and four bytes, or a one and the sixteen of a GUID), else by its first
 * five bytes. `undefined` when it has neither.
 * @see https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */
export function schemaReferenceOf(
  bytes: Uint8Array,
  header: Uint8Array | undefined,
): SchemaReference | undefined {
  if (header !== undefined) {
    if (header.length === idBytes && header[0] === idMark)
      return { kind: "id", id: idAt(header), framing: "header" };
    if (header.length === guidBytes && header[0] === guidMark)
      return { kind: "guid", guid: guidOf(header.subarray(1)), framing: "header" };
  }
  return hasPrefix(bytes) ? { kind: "id", id: idAt(bytes), framing: "prefix" } : undefined;
}

/** No other format that we read begins with a zero. */
export function hasPrefix(bytes: Uint8Array): boolean {
  return bytes.length >= prefixBytes && bytes[0] === idMark;
}

/** The payload behind the prefix, where there is one. */
export function withoutPrefix(bytes: Uint8Array): Uint8Array {
  return hasPrefix(bytes) ? bytes.subarray(prefixBytes) : bytes;
}

/** The big-endian id behind the mark. */
export function idAt(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(1);
}

function guidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
