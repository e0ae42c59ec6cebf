import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type Cell,
  type CellType,
  cellsIn,
  cellTypeOf,
  createFile,
  type FileColumn,
  type FileEncoder,
} from "../decode/write-file.ts";
import type { Batch } from "../model/batch.ts";
import { capturedColumns } from "../model/captured.ts";
import { Fault } from "../model/fault.ts";
import type { Partition } from "../model/record.ts";
import type { EventTime } from "../model/time.ts";

/** Rows that wait in memory before they are written as one record batch or row group. */
const rowsWaiting = 16_384;
/** A topic whose columns change more often than this is not captured. */
const partsMax = 1_000;

export interface CaptureOptions {
  /** Its extension says the format. */
  readonly file: string;
  /** A part that has grown to this is closed, and another one begun; a quarter more, or one message, may be in it. */
  readonly partBytes: number;
  /** Replaces the values of the named columns; every one of them must be there. */
  readonly anonymise?: { readonly columns: readonly string[]; readonly hash: (value: string) => string };
}

export interface CaptureFiles {
  /** Rows of one message, in order. */
  add(rows: CapturedRows): Promise<void>;
  /** Writes what waits and gives the files their names. */
  finish(): Promise<CaptureResult>;
  /** Removes the part that is not whole. */
  abandon(): Promise<void>;
}

export interface CapturedRows {
  readonly partition: Partition;
  /** Numbers of all partitions that are captured. */
  readonly among: readonly number[];
  readonly offset: number;
  readonly timestamp: EventTime | undefined;
  readonly batch: Batch;
  /** Of the message. */
  readonly bytes: number;
}

export interface CaptureResult {
  readonly files: readonly string[];
  readonly rows: number;
  readonly bytes: number;
}

const placeColumns: readonly FileColumn[] = [
  { name: capturedColumns.topic, type: "utf8" },
  { name: capturedColumns.partition, type: "int32" },
  { name: capturedColumns.offset, type: "int64" },
  { name: capturedColumns.timestamp, type: "timestamp[ms]" },
  { name: capturedColumns.partitions, type: "utf8" },
];

interface Part {
  readonly handle: FileHandle;
  readonly path: string;
  readonly encoder: FileEncoder;
  readonly columns: readonly FileColumn[];
  bytes: number;
}

/**
 * Messages as Arrow or Parquet files, each row with its place in Kafka. One file; when it grows past `partBytes`, or columns
 * come or change their type, `FILE-0001.arrow`, `FILE-0002.arrow` and so on. A file has its name when it is whole.
 */
export function createCaptureFiles({ file, partBytes, anonymise }: CaptureOptions): CaptureFiles {
  const hidden = new Set(anonymise?.columns);
  let types = new Map<string, CellType>();
  let waiting: CapturedRows[] = [];
  let part: Part | undefined;
  const done: string[] = [];
  let [rows, rowsInWaiting, bytesInWaiting, bytes] = [0, 0, 0, 0];

  const begin = async (): Promise<Part> => {
    const missing = [...hidden].filter((name) => !types.has(name));
    if (missing.length > 0) {
      throw new Fault("usage", `no column ${missing.join(", ")} to anonymise`, {
        hint: `there are ${[...types.keys()].slice(0, 20).join(", ")}`,
      });
    }
    if (done.length >= partsMax)
      throw new Fault(
        "input.format",
        `${file}: ${partsMax} parts: too small ones, or columns that change too often`,
      );
    const columns = [
      ...placeColumns,
      ...[...types].map(([name, type]): FileColumn => ({ name, type: hidden.has(name) ? "utf8" : type })),
    ];
    const path = partName(file, done.length + 1);
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(`${path}.partial`, "w");
    return { handle, path, columns, encoder: createFile(file, columns), bytes: 0 };
  };

  const write = async (to: Part, data: Uint8Array): Promise<void> => {
    await to.handle.appendFile(data);
    to.bytes += data.length;
    bytes += data.length;
  };

  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    part ??= await begin();
    const some = waiting;
    [waiting, rowsInWaiting, bytesInWaiting] = [[], 0, 0];
    const cells = part.columns.map((column) => ({ ...column, cells: cellsOf(some, column.name) }));
    await write(part, await part.encoder.rows(cells));
    if (part.bytes >= partBytes) await closePart();
  };

  const cellsOf = (some: readonly CapturedRows[], name: string): Cell[] => {
    const cells = some.flatMap((row) => placeCells(row, name) ?? cellsIn(row.batch, name));
    if (!hidden.has(name) || anonymise === undefined) return cells;
    return cells.map((cell) => (cell === null ? null : anonymise.hash(String(cell))));
  };

  const closePart = async (): Promise<void> => {
    if (part === undefined) return;
    const closing = part;
    await write(closing, await closing.encoder.finish());
    await closing.handle.close();
    part = undefined;
    await rename(`${closing.path}.partial`, closing.path);
    done.push(closing.path);
  };

  /** A column that is new, or of another type, needs a new file; one that is missing or all null does not. */
  const fit = async ({ columns }: Batch): Promise<void> => {
    const own = new Map<string, CellType>();
    for (const [name, column] of columns) {
      if (placeColumns.some((place) => place.name === name))
        throw new Fault("input.format", `the messages have a column ${name} of their own`);
      const type = cellTypeOf(column);
      if (type !== undefined) own.set(name, type);
    }
    const changed = [...own].some(([name, type]) => (types.get(name) ?? type) !== type);
    const grown = [...own].some(([name]) => !types.has(name));
    if (!changed && !grown) return;
    if (changed || part !== undefined) {
      await flush();
      await closePart();
    }
    types = changed ? own : new Map([...types, ...own]);
  };

  return {
    async add(row) {
      await fit(row.batch);
      waiting.push(row);
      rows += row.batch.rows;
      rowsInWaiting += row.batch.rows;
      bytesInWaiting += row.bytes;
      if (rowsInWaiting >= rowsWaiting || bytesInWaiting >= partBytes / 4) await flush();
    },
    async finish() {
      await flush();
      await closePart();
      const [only] = done;
      if (only === undefined || done.length > 1) return { files: done, rows, bytes };
      await rename(only, file);
      return { files: [file], rows, bytes };
    },
    async abandon() {
      if (part === undefined) return;
      await part.handle.close();
      await rm(`${part.path}.partial`, { force: true });
    },
  };
}

function placeCells(
  { partition, among, offset, timestamp, batch }: CapturedRows,
  name: string,
): Cell[] | undefined {
  const all = (cell: Cell): Cell[] => new Array<Cell>(batch.rows).fill(cell);
  switch (name) {
    case capturedColumns.topic:
      return all(partition.topic);
    case capturedColumns.partition:
      return all(partition.partition);
    case capturedColumns.offset:
      return all(BigInt(offset));
    case capturedColumns.timestamp:
      return all(timestamp === undefined ? null : BigInt(timestamp));
    case capturedColumns.partitions:
      return all(among.join(","));
    default:
      return undefined;
  }
}

/** `day.arrow` → `day-0002.arrow`: names that sort as they were written. */
function partName(file: string, number: number): string {
  return file.replace(/(\.\w+)$/, `-${String(number).padStart(4, "0")}$1`);
}
