import { DecodeError } from "../model/fault.ts";

/**
 * A table of a FlatBuffer, read in place. Every read is checked against the buffer's end (a `DataView` throws), offsets only
 * point forward, and vectors are checked as a whole before anyone loops over them.
 * @see https://flatbuffers.dev/internals/
 */
export interface Table {
  readonly view: DataView;
  readonly at: number;
}

export function rootTable(bytes: Uint8Array): Table {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, at: view.getUint32(0, true) };
}

/** Byte position of a field, 0 when the table leaves it out. */
function position({ view, at }: Table, slot: number): number {
  const vtable = at - view.getInt32(at, true);
  const entry = 4 + 2 * slot;
  if (entry + 2 > view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + entry, true);
  return offset === 0 ? 0 : at + offset;
}

export function int8(table: Table, slot: number, missing: number): number {
  const at = position(table, slot);
  return at === 0 ? missing : table.view.getInt8(at);
}

export function bool(table: Table, slot: number): boolean {
  return int8(table, slot, 0) !== 0;
}

export function int16(table: Table, slot: number, missing: number): number {
  const at = position(table, slot);
  return at === 0 ? missing : table.view.getInt16(at, true);
}

export function int32(table: Table, slot: number, missing: number): number {
  const at = position(table, slot);
  return at === 0 ? missing : table.view.getInt32(at, true);
}

/** @throws DecodeError when it is negative or beyond 2^53: every int64 of the format is a length, an offset or an id. */
export function int64(table: Table, slot: number): number {
  const at = position(table, slot);
  return at === 0 ? 0 : safeInt64(table.view, at);
}

export function safeInt64(view: DataView, at: number): number {
  const value = view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
  if (value < 0 || value > Number.MAX_SAFE_INTEGER)
    throw new DecodeError("malformed", `length or offset ${value}`);
  return value;
}

export function table(parent: Table, slot: number): Table | undefined {
  const at = position(parent, slot);
  return at === 0 ? undefined : { view: parent.view, at: at + parent.view.getUint32(at, true) };
}

const text = new TextDecoder();

export function string(parent: Table, slot: number): string | undefined {
  const vector = vectorOf(parent, slot, 1);
  if (vector === undefined) return undefined;
  const { view } = parent;
  return text.decode(new Uint8Array(view.buffer, view.byteOffset + vector.at, vector.length));
}

export interface Vector {
  readonly at: number;
  readonly length: number;
}

/** A vector of elements of `size` bytes that lies inside the buffer as a whole. */
export function vectorOf(parent: Table, slot: number, size: number): Vector | undefined {
  const at = position(parent, slot);
  if (at === 0) return undefined;
  const start = at + parent.view.getUint32(at, true);
  const length = parent.view.getUint32(start, true);
  if (start + 4 + length * size > parent.view.byteLength) {
    throw new DecodeError("malformed", `metadata vector of ${length} × ${size} bytes passes its end`);
  }
  return { at: start + 4, length };
}

/** The table that element `index` of a vector of tables points to. */
export function element(parent: Table, vector: Vector, index: number): Table {
  const at = vector.at + 4 * index;
  return { view: parent.view, at: at + parent.view.getUint32(at, true) };
}
