import {
  Bool,
  type DataType,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from "apache-arrow";
import type { Cell, Cells, CellType, FileColumn, FileEncoder } from "./write-file.ts";

type Data = ReturnType<typeof makeData>;

const zone = "UTC";
const types: Readonly<Record<CellType, () => DataType>> = {
  float64: () => new Float64(),
  float32: () => new Float32(),
  int8: () => new Int8(),
  int16: () => new Int16(),
  int32: () => new Int32(),
  uint8: () => new Uint8(),
  uint16: () => new Uint16(),
  uint32: () => new Uint32(),
  int64: () => new Int64(),
  uint64: () => new Uint64(),
  bool: () => new Bool(),
  utf8: () => new Utf8(),
  "timestamp[s]": () => new TimestampSecond(zone),
  "timestamp[ms]": () => new TimestampMillisecond(zone),
  "timestamp[us]": () => new TimestampMicrosecond(zone),
  "timestamp[ns]": () => new TimestampNanosecond(zone),
  "list<float32>": () => new List(new Field("item", new Float32(), true)),
  "list<float64>": () => new List(new Field("item", new Float64(), true)),
};

/** The library's writer, whose bytes are taken as they come instead of being kept to the end. */
class Tap extends RecordBatchFileWriter {
  private chunks: Uint8Array[] = [];

  protected override _write(chunk: ArrayBuffer | ArrayBufferView): this {
    if (!this._started) return this;
    const bytes = ArrayBuffer.isView(chunk)
      ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      : new Uint8Array(chunk);
    this.chunks.push(bytes.slice());
    this._position += bytes.length;
    return this;
  }

  take(): Uint8Array {
    const all = new Uint8Array(this.chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [];
    return all;
  }
}

/** An Arrow IPC file (random access framing): a record batch for each call of `rows`. */
export function createArrowFile(columns: readonly FileColumn[]): FileEncoder {
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, types[type](), true)));
  const writer = new Tap();
  writer.reset(undefined, schema);
  return {
    async rows(some) {
      const length = some[0]?.cells.length ?? 0;
      const children = some.map((column, index) => dataOf(column, schema.fields[index]?.type as DataType));
      const data = makeData({ type: new Struct(schema.fields), length, children });
      writer.write(new RecordBatch(schema, data));
      return writer.take();
    },
    async finish() {
      writer.finish();
      return writer.take();
    },
  };
}

function dataOf({ cells, type }: Cells, arrow: DataType): Data {
  const length = cells.length;
  const nullBitmap = new Uint8Array(Math.ceil(length / 64) * 8);
  let nullCount = 0;
  for (let row = 0; row < length; row++) {
    if (cells[row] === null) nullCount += 1;
    else nullBitmap[row >> 3] = (nullBitmap[row >> 3] as number) | (1 << (row & 7));
  }
  const base = { type: arrow, length, nullCount, nullBitmap };
  return makeData({ ...base, ...buffersOf(cells, type) } as never);
}

const numbers: Partial<Record<CellType, new (length: number) => { [index: number]: number }>> = {
  float64: Float64Array,
  float32: Float32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
};

function buffersOf(cells: readonly Cell[], type: CellType): object {
  const Numbers = numbers[type];
  if (Numbers !== undefined) {
    const data = new Numbers(cells.length);
    cells.forEach((cell, row) => {
      if (cell !== null) data[row] = cell as number;
    });
    return { data };
  }
  switch (type) {
    case "bool": {
      const data = new Uint8Array(Math.ceil(cells.length / 64) * 8);
      cells.forEach((cell, row) => {
        if (cell === true) data[row >> 3] = (data[row >> 3] as number) | (1 << (row & 7));
      });
      return { data };
    }
    case "utf8":
      return textsOf(cells);
    case "list<float32>":
    case "list<float64>":
      return listsOf(cells, type);
    default: {
      const data = type === "uint64" ? new BigUint64Array(cells.length) : new BigInt64Array(cells.length);
      cells.forEach((cell, row) => {
        if (cell !== null) data[row] = BigInt(cell as bigint);
      });
      return { data };
    }
  }
}

const encoder = new TextEncoder();

function textsOf(cells: readonly Cell[]): object {
  const valueOffsets = new Int32Array(cells.length + 1);
  const texts = cells.map((cell) => encoder.encode(cell === null ? "" : String(cell)));
  const data = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  texts.forEach((bytes, row) => {
    data.set(bytes, at);
    at += bytes.length;
    valueOffsets[row + 1] = at;
  });
  return { valueOffsets, data };
}

function listsOf(cells: readonly Cell[], type: "list<float32>" | "list<float64>"): object {
  const valueOffsets = new Int32Array(cells.length + 1);
  const values: number[] = [];
  cells.forEach((cell, row) => {
    if (Array.isArray(cell)) for (const value of cell as readonly number[]) values.push(value);
    valueOffsets[row + 1] = values.length;
  });
  const child =
    type === "list<float32>"
      ? makeData({ type: new Float32(), length: values.length, data: Float32Array.from(values) })
      : makeData({ type: new Float64(), length: values.length, data: Float64Array.from(values) });
  return { valueOffsets, child };
}
