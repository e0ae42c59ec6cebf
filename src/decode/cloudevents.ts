import { holdsText } from "../model/ascii.ts";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { jsonCells } from "./cells.ts";
import { type Hints, inferTypes, isObject, parseRows, type Row, rowsToBatch } from "./json.ts";
import { buildColumn } from "./rows.ts";

/** Attributes of an event as columns: `ce_time`, `ce_id`, `ce_source`, `ce_type`, `ce_subject` and extensions. */
const prefix = "ce_";
const structuredType = /^application\/cloudevents(\+json)?\s*(;|$)/i;
const jsonType = /^(application|text)\/([\w.-]+\+)?json\s*(;|$)/i;
/** Attributes that a structured event must have. */
const required = ["specversion", "id", "source", "type"] as const;
/** How far into a JSON message its `specversion` is looked for. */
const probeBytes = 4_096;
const specVersion = new TextEncoder().encode('"specversion"');

export interface CloudEventOptions {
  readonly hints: Hints;
  readonly limits: Limits;
  /** Reads an event's data: Arrow, Avro or JSON. */
  readonly payload: (bytes: Uint8Array, contentType: string | undefined) => readonly Batch[];
  /** JSON that is no event is an error; else it is plain rows. */
  readonly strict: boolean;
}

/** By its headers, or by a `specversion` near the start of JSON. */
export function looksLikeEvent(bytes: Uint8Array, headers: ReadonlyMap<string, string>): boolean {
  if (
    headers.size > 0 &&
    (headers.has("ce_specversion") || structuredType.test(contentTypeOf(headers) ?? ""))
  )
    return true;
  return holdsText(bytes, probeBytes, specVersion);
}

/**
 * CloudEvents 1.0 by its Kafka binding: in binary mode the message is the data and the attributes are headers, in structured
 * mode both stand in one JSON object. The rows are the data's (an object, or an array of them); every row has its event's attributes.
 * @throws DecodeError
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export function decodeCloudEvents(
  bytes: Uint8Array,
  headers: ReadonlyMap<string, string>,
  options: CloudEventOptions,
): readonly Batch[] {
  const version = headers.get("ce_specversion");
  if (version === undefined) return decodeStructured(bytes, headers, options);
  checkVersion(version);
  const attributes = new Map([...headers].filter(([name]) => name.startsWith(prefix)));
  const batches = options.payload(bytes, contentTypeOf(headers));
  return batches.map((batch) => withAttributes(batch, attributes, options.hints));
}

function contentTypeOf(headers: ReadonlyMap<string, string>): string | undefined {
  return headers.get("content-type") ?? headers.get("Content-Type");
}

function checkVersion(version: unknown): void {
  if (version !== "1.0" && version !== "0.3")
    throw new DecodeError(
      "format",
      `CloudEvents version ${JSON.stringify(version)?.slice(0, 40)}: 1.0 is read`,
    );
}

function decodeStructured(
  bytes: Uint8Array,
  headers: ReadonlyMap<string, string>,
  { hints, limits, payload, strict }: CloudEventOptions,
): readonly Batch[] {
  const events = parseRows(bytes, hints, limits);
  const plain = events.find((event) => !required.every((name) => typeof event[name] === "string"));
  if (plain !== undefined) {
    const declared = structuredType.test(contentTypeOf(headers) ?? "");
    if (!strict && !declared) return [rowsToBatch(events, hints ?? inferTypes(events, limits), limits)];
    const missing = required.find((name) => typeof plain[name] !== "string");
    throw new DecodeError("schema", `no CloudEvent: it has no "${missing}"`);
  }
  for (const { specversion } of events) checkVersion(specversion);
  const [only] = events;
  if (only !== undefined && events.length === 1 && typeof only["data_base64"] === "string") {
    const data = new Uint8Array(Buffer.from(only["data_base64"], "base64"));
    const type = only["datacontenttype"];
    const batches = payload(data, typeof type === "string" ? type : undefined);
    return batches.map((batch) => withAttributes(batch, attributesOf(only), hints));
  }
  const rows = events.flatMap((event) => rowsOf(event, hints !== undefined));
  return [rowsToBatch(rows, hints ?? inferTypes(rows, limits), limits)];
}

/** The rows of one event. With hints the event's own members can be named as they stand in it: `time`, `data.a`. */
function rowsOf(event: Row, whole: boolean): readonly Row[] {
  const { data } = event;
  const items = Array.isArray(data) ? data : [data];
  return items.map((item: unknown) => {
    if (!isObject(item)) {
      const found =
        item === undefined ? "data_base64 among others, or no data" : item === null ? "null" : typeof item;
      throw new DecodeError(
        "schema",
        `a CloudEvent's data is ${found}, where an object or an array of them is expected`,
      );
    }
    // Without a prototype, so that any name is a name.
    const row: Record<string, unknown> = Object.create(null);
    if (whole) Object.assign(row, event);
    for (const [name, value] of attributesOf(event)) row[name] = value;
    return Object.assign(row, item);
  });
}

/** Context attributes and extensions as columns are called: everything but the data. */
function attributesOf(event: Row): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(event)) {
    const simple = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (simple && name !== "data" && name !== "data_base64") attributes.set(prefix + name, String(value));
  }
  return attributes;
}

/** Attributes as columns behind the data's own; with hints only those that the spec names, as `ce_time` or as `time`. */
function withAttributes(batch: Batch, attributes: ReadonlyMap<string, string>, hints: Hints): Batch {
  const columns = new Map(batch.columns);
  const names = hints === undefined ? [...attributes.keys()] : [...hints.keys()];
  for (const name of names) {
    const attribute = name.startsWith(prefix) ? name : prefix + name;
    const value = attributes.get(attribute);
    if (value === undefined || columns.has(name)) continue;
    const type = hints?.get(name) ?? (attribute === "ce_time" ? "timestamp" : "string");
    columns.set(name, constantColumn(value, batch.rows, type));
  }
  return { rows: batch.rows, columns };
}

function constantColumn(value: string, rows: number, type: Parameters<typeof buildColumn>[1]): Column {
  return buildColumn(new Array<string>(rows).fill(value), type, jsonCells);
}

/** What an event's content type says of its data; `undefined` when the bytes must tell. @throws DecodeError format */
export function formatOfContent(contentType: string | undefined): "arrow" | "avro" | "json" | undefined {
  if (contentType === undefined) return undefined;
  if (jsonType.test(contentType)) return "json";
  if (/^application\/vnd\.apache\.arrow\.(stream|file)\b/i.test(contentType)) return "arrow";
  if (/^(application|avro)\/([\w.-]*\.)?(avro|binary)\b/i.test(contentType)) return "avro";
  if (/octet-stream/i.test(contentType)) return undefined;
  throw new DecodeError(
    "format",
    `a CloudEvent's data of type ${contentType.slice(0, 80)}: JSON, Arrow and Avro are read`,
  );
}
