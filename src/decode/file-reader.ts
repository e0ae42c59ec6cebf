import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { Hints } from "./json.ts";

/** Random access to a file's bytes: I/O is handed in. */
export interface AsyncBytes {
  readonly byteLength: number;
  /** Bytes `[start, end)`, fewer at the end of the file. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

export interface OpenFileOptions {
  /** For its extension and for messages. */
  readonly name: string;
  readonly bytes: AsyncBytes;
  readonly hints: Hints;
  readonly limits: Limits;
  /** Only these columns, where the format can leave others unread. */
  readonly columns?: readonly string[];
}

export type FileReader = (options: OpenFileOptions) => AsyncIterable<Batch>;

/** The file is of another format than its name says. */
export function wrongFormat(name: string, expected: string): Fault {
  return new Fault("input.format", `${name}: no ${expected} file`, {
    hint: `its bytes do not start as ${expected} does; is the extension right?`,
  });
}
