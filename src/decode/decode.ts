import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { Hints } from "./json.ts";
import { formats } from "./table.ts";

/** Bytes of one message → batches. Remembers schemas and dictionaries, so one decoder serves one stream of messages. */
export interface Decoder {
  /** @throws DecodeError, and nothing else, whatever the bytes are. */
  decode(bytes: Uint8Array): readonly Batch[];
}

export interface DecoderOptions {
  /** Field name → type of the spec: how row formats choose their columns. `undefined`: infer all. */
  readonly hints: Hints;
  readonly format: "auto" | keyof typeof formats;
  readonly limits: Limits;
}

export function createDecoder({ hints, format, limits }: DecoderOptions): Decoder {
  const opened = new Map<string, (bytes: Uint8Array) => readonly Batch[]>();
  const readerOf = (name: keyof typeof formats): ((bytes: Uint8Array) => readonly Batch[]) => {
    const reader = opened.get(name) ?? formats[name].open({ hints, limits });
    opened.set(name, reader);
    return reader;
  };
  return {
    decode(bytes) {
      if (bytes.length === 0) throw new DecodeError("truncated", "an empty message");
      if (bytes.length > limits.messageBytes) {
        throw new DecodeError("limit", `a message of ${bytes.length} bytes, at most ${limits.messageBytes}`);
      }
      const name = format === "auto" ? detect(bytes) : format;
      try {
        return readerOf(name)(bytes);
      } catch (error) {
        if (error instanceof DecodeError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        throw new DecodeError("malformed", `${name}: ${message}`, { cause: error });
      }
    },
  };
}

function detect(bytes: Uint8Array): keyof typeof formats {
  const names = Object.keys(formats) as (keyof typeof formats)[];
  const found = names.find((name) => formats[name].detects(bytes));
  if (found !== undefined) return found;
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new DecodeError("format", `neither of ${names.join(", ")}: the message starts with ${start}`);
}
