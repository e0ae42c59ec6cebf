import type { Batch, Column, DictionaryColumn, UnsupportedColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type Budget, openBody } from "./arrow-body.ts";
import { readColumn, readColumns } from "./arrow-columns.ts";
import { appendDictionary, type DictionaryCache, type Values } from "./arrow-dictionary.ts";
import type { Framed } from "./arrow-message.ts";
import { type ArrowField, type ArrowSchema, readSchema, type SchemaCache } from "./arrow-schema.ts";
import { bool, int8, int16, int64, rootTable, type Table, table } from "./flatbuffer.ts";

const [schemaHeader, dictionaryHeader, batchHeader] = [1, 2, 3];
/** V4, since Arrow 0.8: before it, buffers were laid out otherwise. */
const versionMin = 3;

/** What the messages of one stream build on. */
export interface StreamState {
  readonly limits: Limits;
  readonly budget: Budget;
  readonly schemas: SchemaCache;
  readonly cache: DictionaryCache;
  readonly dictionaries: Map<number, Values>;
  schema: ArrowSchema | undefined;
}

export function createStreamState(
  limits: Limits,
  budget: Budget,
  schemas: SchemaCache,
  cache: DictionaryCache,
): StreamState {
  return { limits, budget, schemas, cache, dictionaries: new Map(), schema: undefined };
}

/** Takes one message in; a record batch comes back as a `Batch`. @throws DecodeError, or RangeError: see `guarded` */
export function acceptMessage(state: StreamState, { metadata, body }: Framed): Batch | undefined {
  // A known schema is known by its bytes, before they are looked into.
  const known = state.schemas.find(metadata);
  if (known !== undefined) {
    startSchema(state, known);
    return undefined;
  }
  const message = rootTable(metadata);
  const header = table(message, 2);
  if (header === undefined) throw new DecodeError("malformed", "a message without a header");
  if (int16(message, 0, 0) < versionMin)
    throw new DecodeError("format", "Arrow data from before version 0.8");
  switch (int8(message, 1, 0)) {
    case schemaHeader: {
      const schema = readSchema(header, state.limits);
      state.schemas.keep(metadata, schema);
      startSchema(state, schema);
      return undefined;
    }
    case dictionaryHeader:
      acceptDictionary(state, header, metadata, body);
      return undefined;
    case batchHeader: {
      if (state.schema === undefined) throw new DecodeError("malformed", "a record batch before its schema");
      const opened = openBody(header, body, state.limits, state.budget);
      const columns: ReadonlyMap<string, Column> = readColumns(
        state.schema.fields,
        opened,
        state.dictionaries,
      );
      return { rows: opened.rows, columns };
    }
    default:
      throw new DecodeError("format", `Arrow message type ${int8(message, 1, 0)}`);
  }
}

function startSchema(state: StreamState, schema: ArrowSchema): void {
  state.schema = schema;
  state.dictionaries.clear();
}

function acceptDictionary(state: StreamState, header: Table, metadata: Uint8Array, body: Uint8Array): void {
  const id = int64(header, 0);
  const field = state.schema === undefined ? undefined : findDictionary(state.schema.fields, id);
  if (field === undefined) return; // no column uses it
  const before = state.dictionaries.get(id);
  const delta = bool(header, 2);
  if (delta && before === undefined)
    throw new DecodeError(
      "malformed",
      `column "${field.name}": a delta of dictionary ${id}, which has not been sent`,
    );
  const make = (): Values => {
    const data = table(header, 1);
    if (data === undefined) throw new DecodeError("malformed", `dictionary ${id} without data`);
    // A copy: the dictionary outlives the message.
    const opened = openBody(data, new Uint8Array(body), state.limits, state.budget);
    if (opened.rows > state.limits.dictionaryEntries)
      throw new DecodeError("limit", `a dictionary of ${opened.rows} values`);
    const values = asValues(readColumn({ ...field, dictionary: undefined }, opened, new Map(), opened.rows));
    opened.finish();
    return delta && before !== undefined
      ? appendDictionary(before, values, state.limits, state.budget)
      : values;
  };
  const key = { metadata, body, declared: field.declared, before: delta ? before : undefined };
  state.dictionaries.set(id, state.cache.of(key, make));
}

function asValues(values: Column): Values {
  switch (values.kind) {
    case "utf8":
    case "numeric":
    case "int64":
    case "bool":
    case "timestamp":
      return values satisfies DictionaryColumn["dictionary"];
    default: {
      const { rows, validity, validityOffset, nullCount, declared } = values;
      const known: UnsupportedColumn = {
        kind: "unsupported",
        rows,
        validity,
        validityOffset,
        nullCount,
        declared,
      };
      return known;
    }
  }
}

function findDictionary(fields: readonly ArrowField[], id: number): ArrowField | undefined {
  for (const field of fields) {
    if (field.dictionary?.id === id) return field;
    const inside = findDictionary(field.children, id);
    if (inside !== undefined) return inside;
  }
  return undefined;
}
