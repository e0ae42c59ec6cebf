import type { KafkaMessage } from "kafkajs";
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
  for (const [name, header] of Object.entries(headers ?? {})) {
    const last = Array.isArray(header) ? header.at(-1) : header;
    if (last !== undefined) texts.set(name, last.toString());
  }
  const bytes = value ?? new Uint8Array();
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    headers: texts,
    body: key === null || key === undefined ? { kind: "bytes", bytes } : { kind: "bytes", bytes, key },
  };
}
