import { holdsText } from "../model/ascii.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { WriterSchema } from "../model/writer-schema.ts";
import { createArrowReader } from "./arrow.ts";
import { decodeCloudEvents, formatOfContent, looksLikeEvent } from "./cloudevents.ts";
import { decodeFeastJson, feastLogTimestamp, withFeatureNames } from "./feast.ts";
import { createFramedReader, isFramed, unframed } from "./framed.ts";
import { decodeJson, type Hints } from "./json.ts";

/** What came with a message's bytes. */
export interface Envelope {
  readonly headers: ReadonlyMap<string, string>;
  /** By a schema registry; `undefined` when the message names none, or nobody was asked. */
  readonly schema: WriterSchema | undefined;
}

export type MessageReader = (bytes: Uint8Array, envelope: Envelope) => readonly Batch[];

export interface ReaderOptions {
  readonly hints: Hints;
  readonly limits: Limits;
  /** The spec names the format: what is none of it is an error. */
  readonly strict: boolean;
}

/** A format of messages: one file that reads it, one entry here. */
export interface MessageFormat {
  /** Whether a message looks like it; the first format that says yes is tried. */
  detects(bytes: Uint8Array, envelope: Envelope): boolean;
  open(options: ReaderOptions): MessageReader;
}

export type FormatName = "cloudevents" | "feast" | "avro" | "arrow" | "json";

const [openBrace, openBracket] = [0x7b, 0x5b];
/** How far into JSON the log's timestamp is looked for. */
const feastProbeBytes = 4_096;
const feastMark = new TextEncoder().encode(`"${feastLogTimestamp}"`);

/** What wraps data of another format stands before what is data. */
export const formats: Readonly<Record<FormatName, MessageFormat>> = {
  cloudevents: {
    detects: (bytes, { headers }) => (headers.size > 0 || isJson(bytes)) && looksLikeEvent(bytes, headers),
    open({ hints, limits, strict }) {
      const readers = openPayloads({ hints, limits, strict: false });
      return (bytes, { headers, schema }) =>
        decodeCloudEvents(bytes, headers, {
          hints,
          limits,
          strict,
          payload: (data, contentType) =>
            readPayload(readers, data, { headers: nothing, schema }, formatOfContent(contentType)),
        });
    },
  },
  feast: {
    detects: (bytes, { schema }) =>
      schema === undefined
        ? isJson(bytes) && holdsText(bytes, feastProbeBytes, feastMark)
        : schema.kind === "found" && schema.type === "AVRO" && schema.text.includes(`"${feastLogTimestamp}"`),
    open({ hints, limits }) {
      const readers = openPayloads({ hints: undefined, limits, strict: false });
      return (bytes, envelope) => {
        const payload =
          envelope.schema?.kind === "found" && envelope.schema.type === "JSON" ? unframed(bytes) : bytes;
        const batches = isJson(payload)
          ? [decodeFeastJson(payload, hints, limits)]
          : readPayload(readers, bytes, envelope, undefined);
        return batches.map((batch) => withFeatureNames(batch, hints));
      };
    },
  },
  avro: {
    detects: (bytes, { schema }) => isFramed(bytes, schema),
    open({ hints, limits }) {
      const read = createFramedReader(hints, limits);
      return (bytes, { schema }) => read(bytes, schema);
    },
  },
  arrow: {
    detects: (bytes) =>
      startsWith(bytes, [0xff, 0xff, 0xff, 0xff]) || startsWith(bytes, [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31]),
    open({ limits }) {
      const reader = createArrowReader(limits);
      return (bytes) => reader.read(bytes);
    },
  },
  json: {
    detects: isJson,
    open:
      ({ hints, limits }) =>
      (bytes) => [decodeJson(unframed(bytes), hints, limits)],
  },
};

const nothing: ReadonlyMap<string, string> = new Map();

/** Formats of an event's data or a feature log's rows: those that wrap nothing. */
const payloadNames = ["avro", "arrow", "json"] as const;
type PayloadReaders = Readonly<Record<(typeof payloadNames)[number], MessageReader>>;

function openPayloads(options: ReaderOptions): PayloadReaders {
  return {
    avro: formats.avro.open(options),
    arrow: formats.arrow.open(options),
    json: formats.json.open(options),
  };
}

function readPayload(
  readers: PayloadReaders,
  bytes: Uint8Array,
  envelope: Envelope,
  told: (typeof payloadNames)[number] | undefined,
): readonly Batch[] {
  if (bytes.length === 0) throw new DecodeError("truncated", "a message without data");
  const name = told ?? payloadNames.find((each) => formats[each].detects(bytes, envelope));
  if (name === undefined) throw unknownFormat(bytes, payloadNames);
  return readers[name](bytes, envelope);
}

/** Bytes that look like none of the formats. */
export function unknownFormat(bytes: Uint8Array, names: readonly string[]): DecodeError {
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return new DecodeError("format", `neither of ${names.join(", ")}: the message starts with ${start}`);
}

function isJson(bytes: Uint8Array): boolean {
  const first = firstVisible(bytes);
  return first === openBrace || first === openBracket;
}

/** The first byte behind blanks and a byte order mark. */
function firstVisible(bytes: Uint8Array): number | undefined {
  let at = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? 3 : 0;
  while (at < bytes.length && (bytes[at] as number) <= 0x20) at += 1;
  return bytes[at];
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
