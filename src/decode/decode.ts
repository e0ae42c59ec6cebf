import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { isFeastLog, withFeatureNames } from "./feast.ts";
import type { Hints } from "./json.ts";
import { type Envelope, type FormatName, formats, type MessageReader, unknownFormat } from "./table.ts";

/** Bytes of one message → batches. Remembers schemas and dictionaries, so one decoder serves one stream of messages. */
export interface Decoder {
  /** @throws DecodeError, and nothing else, whatever the bytes are. */
  decode(bytes: Uint8Array, envelope?: Envelope): readonly Batch[];
  /** A batch that was decoded elsewhere (a file's), its columns named as the spec names them. */
  named(batch: Batch): Batch;
}

export interface DecoderOptions {
  /** Field name → type of the spec: how row formats choose their columns. `undefined`: infer all. */
  readonly hints: Hints;
  readonly format: "auto" | FormatName;
  readonly limits: Limits;
}

const bare: Envelope = { headers: new Map(), schema: undefined };
const names = Object.keys(formats) as FormatName[];

export function createDecoder({ hints, format, limits }: DecoderOptions): Decoder {
  const opened = new Map<FormatName, MessageReader>();
  const readerOf = (name: FormatName): MessageReader => {
    const reader = opened.get(name) ?? formats[name].open({ hints, limits, strict: format !== "auto" });
    opened.set(name, reader);
    return reader;
  };
  const named = (batch: Batch): Batch =>
    format === "feast" || (format === "auto" && isFeastLog(batch)) ? withFeatureNames(batch, hints) : batch;
  return {
    named,
    decode(bytes, envelope = bare) {
      if (bytes.length === 0) throw new DecodeError("truncated", "an empty message");
      if (bytes.length > limits.messageBytes) {
        throw new DecodeError("limit", `a message of ${bytes.length} bytes, at most ${limits.messageBytes}`);
      }
      const name = format === "auto" ? detect(bytes, envelope) : format;
      try {
        const batches = readerOf(name)(bytes, envelope);
        return format === "auto" && name === "arrow" ? batches.map(named) : batches;
      } catch (error) {
        if (error instanceof DecodeError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        throw new DecodeError("malformed", `${name}: ${message}`, { cause: error });
      }
    },
  };
}

function detect(bytes: Uint8Array, envelope: Envelope): FormatName {
  const found = names.find((name) => formats[name].detects(bytes, envelope));
  if (found === undefined) throw unknownFormat(bytes, names);
  return found;
}
