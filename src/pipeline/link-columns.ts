import { type Batch, type Column, cellOf, type DictionaryColumn, isPresent } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type LinkField, linkFields, valueOnShard } from "../model/link-fields.ts";

/** Versions told apart in one batch; more are the last one's. */
const versionsMax = 256;

/**
 * Adds a column for each thing that the batch, or its message's headers, says of the model it belongs to. What the spec
 * links stays as the spec writes it; anything else carries its shard.
 */
export function withLinks(
  batch: Batch,
  headers: ReadonlyMap<string, string>,
  view: FeatureView,
  shard: string,
): Batch {
  const added: [string, Column][] = [];
  for (const link of linkFields(view)) {
    const name = (text: string): string => nameOf(text, link, shard);
    const column = batch.columns.get(link.column);
    const header = headers.get(link.header);
    if (column !== undefined) added.push([link.field.name, renamed(column, name)]);
    else if (header !== undefined) added.push([link.field.name, constant(batch.rows, name(header))]);
  }
  return added.length === 0 ? batch : { rows: batch.rows, columns: new Map([...batch.columns, ...added]) };
}

/** A short commit is the long one that begins with it; `v4` is version 4. */
function nameOf(text: string, { column, linked }: LinkField, shard: string): string {
  const same = linked.find((value) => {
    if (value === text) return true;
    if (column === "feature_view_version") return `v${value}` === text;
    const [short, long] = value.length < text.length ? [value, text] : [text, value];
    return column === "model_git_sha" && short.length >= 7 && long.startsWith(short);
  });
  return same ?? valueOnShard(text, shard);
}

/** Every distinct value is named once. */
function renamed(column: Column, name: (text: string) => string): DictionaryColumn {
  const values: string[] = [];
  const codeOf = new Map<string, number>();
  const codes = new Int32Array(column.rows);
  const byCode = column.kind === "dictionary" ? new Map<number, number>() : undefined;
  for (let row = 0; row < column.rows; row++) {
    if (!isPresent(column, row)) continue;
    const entry = column.kind === "dictionary" ? (column.codes[row] as number) : -1;
    const seen = byCode?.get(entry);
    if (seen !== undefined) {
      codes[row] = seen;
      continue;
    }
    const text = String(cellOf(column, row));
    let code = codeOf.get(text);
    if (code === undefined) {
      code = Math.min(values.length, versionsMax - 1);
      if (code === values.length) values.push(name(text));
      if (codeOf.size < versionsMax) codeOf.set(text, code);
    }
    byCode?.set(entry, code);
    codes[row] = code;
  }
  const { rows, validity, validityOffset, nullCount, declared } = column;
  return {
    kind: "dictionary",
    rows,
    validity: column.kind === "null" ? new Uint8Array((rows + 7) >> 3) : validity,
    validityOffset: column.kind === "null" ? 0 : validityOffset,
    nullCount,
    declared,
    codes,
    dictionary: texts(values),
  };
}

function constant(rows: number, value: string): DictionaryColumn {
  return {
    kind: "dictionary",
    rows,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "header",
    codes: new Int32Array(rows),
    dictionary: texts([value]),
  };
}

function texts(values: readonly string[]): DictionaryColumn["dictionary"] {
  const parts = values.map((value) => new TextEncoder().encode(value));
  const offsets = new Int32Array(parts.length + 1);
  parts.forEach((part, index) => {
    offsets[index + 1] = (offsets[index] as number) + part.length;
  });
  const bytes = new Uint8Array(offsets.at(-1) ?? 0);
  parts.forEach((part, index) => void bytes.set(part, offsets[index]));
  return {
    kind: "utf8",
    rows: values.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "utf8",
    offsets,
    bytes,
  };
}
