import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { FoundSchema, WriterSchema } from "../model/writer-schema.ts";
import { type AvroReader, openAvro } from "./avro.ts";
import { parseAvroSchema } from "./avro-schema.ts";
import { hasPrefix, idAt, withoutPrefix } from "./confluent.ts";
import { decodeJson, type Hints } from "./json.ts";

/** Reads messages with a schema id (Confluent's framing), each by the schema that it was written with. */
export type FramedReader = (bytes: Uint8Array, schema: WriterSchema | undefined) => readonly Batch[];

/**
 * Avro and JSON Schema payloads. The same schema object is compiled once; JSON is read by the spec's types, as always.
 * @throws DecodeError schema: the schema is unknown or none of a kind that is read
 */
export function createFramedReader(hints: Hints, limits: Limits): FramedReader {
  const readers = new WeakMap<FoundSchema, AvroReader>();
  return (bytes, schema) => {
    if (schema === undefined) throw unknownSchema(bytes);
    if (schema.kind === "missing") throw new DecodeError("schema", `${schema.name}: ${schema.reason}`);
    if (schema.framing === "prefix" && !hasPrefix(bytes))
      throw new DecodeError("truncated", `${schema.name}: ${bytes.length} bytes without the id's prefix`);
    const payload = schema.framing === "prefix" ? withoutPrefix(bytes) : bytes;
    switch (schema.type) {
      case "AVRO": {
        const reader =
          readers.get(schema) ?? openAvro(parseAvroSchema(schema.text, schema.references), hints, limits);
        readers.set(schema, reader);
        return [reader.read(payload)];
      }
      case "JSON":
        return [decodeJson(payload, hints, limits)];
      case "PROTOBUF":
        throw new DecodeError(
          "format",
          `${schema.name} is Protobuf: Avro and JSON Schema are read, send one of them`,
        );
    }
  };
}

/** Whether a message bears a schema id. */
export function isFramed(bytes: Uint8Array, schema: WriterSchema | undefined): boolean {
  return schema !== undefined || hasPrefix(bytes);
}

/** The payload behind a schema id, for formats that need no schema to be read. */
export function unframed(bytes: Uint8Array): Uint8Array {
  return withoutPrefix(bytes);
}

function unknownSchema(bytes: Uint8Array): DecodeError {
  const framed = bytes[0] === 0 && bytes.length > 4;
  const found = framed
    ? `schema id ${idAt(bytes)} before the payload`
    : "no schema id, before the payload or in a header";
  return new DecodeError(
    "schema",
    framed ? `${found}, and no schema registry to ask: set kafka.schemaRegistry.url` : `Avro with ${found}`,
  );
}
