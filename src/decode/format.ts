import type { Batch } from "../model/batch.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";

/** A way to write rows as the bytes of one message. */
export interface Format {
  readonly name: string;
  /** Whether the first bytes look like it; cheap, and asked in the table's order. */
  recognises(bytes: Uint8Array): boolean;
  /** What decodes the messages of one stream; it may remember what they share (schemas, dictionaries), nothing else. */
  create(options: FormatOptions): (bytes: Uint8Array) => readonly Batch[];
}

export interface FormatOptions {
  /** Field name → type. Row formats decode the named fields only; `undefined`: every field, its type inferred. */
  readonly hints: ReadonlyMap<string, FieldType> | undefined;
  readonly limits: Limits;
}
