import type { KafkaMessage } from "kafkajs";
import { schemaIdHeader, schemaReferenceOf } from "../decode/confluent.ts";
import type { Message } from "../model/record.ts";

/** A record as the client gives it, as ours; of a header that stands twice the last one counts. */
export function toMessage({
  offset,
  timestamp,
  headers,
  key,
  value,
}: Pick<KafkaMessage, "offset" | "timestamp" | "headers" | "key" | "value">): Message {
  const texts = new Map<string, string>();
  let schemaId: Uint8Array | undefined;
  for (const [name, header] of Object.entries(headers ?? {})) {
    const last = Array.isArray(header) ? header.at(-1) : header;
    if (last === undefined) continue;
    texts.set(name, last.toString());
    if (name === schemaIdHeader && typeof last !== "string") schemaId = last;
  }
  const place = { offset: Number(offset), timestamp: Number(timestamp), headers: texts };
  if (value === null || value === undefined) return { ...place, body: { kind: "tombstone" } };
  const bytes = value;
  const schemaReference = schemaReferenceOf(bytes, schemaId);
  return {
    ...place,
    ...(schemaReference === undefined ? {} : { schemaReference }),
    body: key === null || key === undefined ? { kind: "bytes", bytes } : { kind: "bytes", bytes, key },
  };
}
