import type { Column, NumericArray } from "../model/batch.ts";
import { isPresent } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";

/**
 * Run-end encoding → a column with a value for every row.
 * @param ends    the row behind each run: ascending, one a run, the last at least `rows`
 * @param values  one a run
 * @param claim   called with what is about to be allocated; throws when that is too much
 * @throws DecodeError when the ends do not ascend or stop before the last row
 * @see https://arrow.apache.org/docs/format/Columnar.html#run-end-encoded-layout
 */
export function expandRuns(
  ends: Column,
  values: Column,
  rows: number,
  claim: (bytes: number) => void,
): Column {
  claim(12 * rows);
  const index = runOfRow(endsOf(ends), ends.rows, values.rows, rows);
  const slot = { declared: values.declared, ...validityOf(values, index, rows) };
  switch (values.kind) {
    case "null":
      return {
        kind: "null",
        rows,
        validity: undefined,
        validityOffset: 0,
        nullCount: rows,
        declared: slot.declared,
      };
    case "unsupported":
      return { kind: "unsupported", ...slot };
    case "bool": {
      const bits = new Uint8Array((rows + 7) >> 3);
      for (let row = 0; row < rows; row++) {
        const bit = values.bitOffset + (index[row] as number);
        if (((values.bits[bit >> 3] as number) & (1 << (bit & 7))) !== 0)
          bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
      }
      return { kind: "bool", ...slot, bits, bitOffset: 0 };
    }
    case "numeric": {
      const make = values.values.constructor as new (length: number) => NumericArray;
      const spread = new make(rows);
      for (let row = 0; row < rows; row++) spread[row] = values.values[index[row] as number] as number;
      return { kind: "numeric", ...slot, type: values.type, values: spread };
    }
    case "int64":
      return { kind: "int64", ...slot, signed: values.signed, words: wordsOf(values.words, index, rows) };
    case "timestamp":
      return { kind: "timestamp", ...slot, unitMs: values.unitMs, words: wordsOf(values.words, index, rows) };
    case "utf8":
      return { kind: "dictionary", ...slot, codes: index, dictionary: values };
    case "dictionary": {
      const codes = new Int32Array(rows);
      for (let row = 0; row < rows; row++) codes[row] = values.codes[index[row] as number] as number;
      return { kind: "dictionary", ...slot, codes, dictionary: values.dictionary };
    }
    case "list":
      return { kind: "unsupported", ...slot };
  }
}

function endsOf(ends: Column): (run: number) => number {
  if (ends.nullCount > 0) throw new DecodeError("malformed", "run ends with nulls");
  if (ends.kind === "numeric") {
    const { values } = ends;
    return (run) => values[run] as number;
  }
  if (ends.kind !== "int64") throw new DecodeError("malformed", `run ends of ${ends.declared}`);
  const { words } = ends;
  // No batch has 2^31 rows: a larger end is as good as that.
  return (run) =>
    words[2 * run + 1] === 0 && (words[2 * run] as number) >= 0
      ? (words[2 * run] as number)
      : beyond(words[2 * run + 1] as number);
}

const beyond = (high: number): number => (high < 0 ? -1 : 2 ** 31 - 1);

function runOfRow(
  endOf: (run: number) => number,
  runs: number,
  valueCount: number,
  rows: number,
): Int32Array {
  if (runs !== valueCount) throw new DecodeError("malformed", `${runs} run ends for ${valueCount} values`);
  const index = new Int32Array(rows);
  let from = 0;
  for (let run = 0; run < runs && from < rows; run++) {
    const end = endOf(run);
    if (end <= from)
      throw new DecodeError("malformed", `a run that ends at ${end} behind one that ends at ${from}`);
    index.fill(run, from, Math.min(end, rows));
    from = end;
  }
  if (from < rows) throw new DecodeError("malformed", `runs end at row ${from} of ${rows}`);
  return index;
}

function validityOf(
  values: Column,
  index: Int32Array,
  rows: number,
): Pick<Column, "rows" | "validity" | "validityOffset" | "nullCount"> {
  if (values.nullCount === 0 || values.kind === "null")
    return { rows, validity: undefined, validityOffset: 0, nullCount: 0 };
  const validity = new Uint8Array((rows + 7) >> 3);
  let nullCount = 0;
  for (let row = 0; row < rows; row++) {
    if (isPresent(values, index[row] as number))
      validity[row >> 3] = (validity[row >> 3] as number) | (1 << (row & 7));
    else nullCount += 1;
  }
  return { rows, validity, validityOffset: 0, nullCount };
}

function wordsOf(words: Int32Array, index: Int32Array, rows: number): Int32Array {
  const spread = new Int32Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const run = index[row] as number;
    spread[2 * row] = words[2 * run] as number;
    spread[2 * row + 1] = words[2 * run + 1] as number;
  }
  return spread;
}
