import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import fc from "fast-check";
import type { DictionaryColumn } from "../../src/model/batch.ts";
import { type Cell, cellsOf, columnOf, decoderOf, fixture, reasonOf } from "./support.ts";

const expected = JSON.parse(new TextDecoder().decode(fixture("types.json"))) as Record<
  string,
  Cell[] | "unsupported"
>;

describe("Arrow types written by pyarrow", () => {
  const batches = decoderOf().decode(fixture("types.arrows"));
  for (const [name, cells] of Object.entries(expected)) {
    it(`reads ${name}`, () => {
      if (cells === "unsupported") assert.equal(columnOf(batches, name).kind, "unsupported");
      else assert.deepEqual(cellsOf(batches, name), cells);
    });
  }

  it("names each type as the bytes declare it", () => {
    const declared = Object.fromEntries(
      ["int8", "ts_us", "dictionary", "decimal128", "utf8_view"].map((name) => [
        name,
        columnOf(batches, name).declared,
      ]),
    );
    assert.deepEqual(declared, {
      int8: "int8",
      ts_us: "timestamp[us, Europe/Vienna]",
      dictionary: "dictionary<utf8>",
      decimal128: "decimal128(9, 2)",
      utf8_view: "utf8_view",
    });
  });
});

describe("Arrow framing and compression", () => {
  const names = ["x", "n", "id", "country", "text", "embedding", "at"];
  const plain = decoderOf().decode(fixture("bulk-plain.arrows"));

  it("agrees with apache-arrow", () => {
    const table = tableFromIPC(fixture("bulk-plain.arrows"));
    for (const name of ["x", "n", "country", "text", "at"]) {
      const theirs = Array.from(table.getChild(name) ?? [], (value) => value as Cell);
      assert.deepEqual(cellsOf(plain, name), theirs, name);
    }
    const ids = Array.from(table.getChild("id") ?? [], (value) => String(value));
    assert.deepEqual(cellsOf(plain, "id"), ids);
  });

  for (const file of ["bulk-lz4.arrows", "bulk-zstd.arrows", "bulk.arrow", "bulk.feather"]) {
    it(`reads the same rows from ${file}`, () => {
      const batches = decoderOf().decode(fixture(file));
      for (const name of names) assert.deepEqual(cellsOf(batches, name), cellsOf(plain, name), name);
    });
  }

  it("reads several record batches of a message, and streams that stand one behind the other", () => {
    assert.equal(decoderOf().decode(fixture("bulk.arrow")).length, 3);
    const [one, other] = [fixture("bulk-plain.arrows"), fixture("types.arrows")];
    const both = decoderOf().decode(Uint8Array.of(...one, ...other));
    assert.deepEqual(
      both.map(({ rows }) => rows),
      [300, 3],
    );
    assert.deepEqual(cellsOf(both.slice(1), "utf8"), expected["utf8"]);
  });

  it("reads bytes at any alignment, also from a Buffer as Kafka clients give them", () => {
    const bytes = fixture("bulk-plain.arrows");
    for (let shift = 0; shift < 9; shift++) {
      const buffer = Buffer.alloc(bytes.length + shift);
      buffer.set(bytes, shift);
      const batches = decoderOf().decode(buffer.subarray(shift));
      for (const name of names) assert.deepEqual(cellsOf(batches, name), cellsOf(plain, name));
    }
  });

  it("lays columns over the message instead of copying them", () => {
    const bytes = fixture("bulk-plain.arrows");
    const column = columnOf(decoderOf().decode(bytes), "n");
    assert(column.kind === "numeric");
    assert.equal(column.values.buffer, bytes.buffer);
  });

  it("takes a schema that changes between messages", () => {
    const decoder = decoderOf();
    const first = tableToIPC(tableFromArrays({ a: Float64Array.of(1) }), "stream");
    const second = tableToIPC(tableFromArrays({ b: Int32Array.of(2) }), "stream");
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(cellsOf(decoder.decode(first), "a"), [1]);
      assert.deepEqual(cellsOf(decoder.decode(second), "b"), [2]);
    }
  });
});

describe("Arrow dictionaries", () => {
  const countries = [
    ["US", "GB"],
    ["DE", "US"],
    ["AT", null],
  ];

  it("grow by deltas", () => {
    const batches = decoderOf().decode(fixture("delta.arrows"));
    assert.deepEqual(
      batches.map((batch) => cellsOf([batch], "country")),
      countries,
    );
    assert.deepEqual(
      batches.map((batch) => cellsOf([batch], "level")),
      [
        [10, 10],
        [20, 10],
        [20, null],
      ],
    );
  });

  it("are replaced, and batches keep the one they came with", () => {
    const batches = decoderOf().decode(fixture("replaced.arrows"));
    assert.deepEqual(
      batches.map((batch) => cellsOf([batch], "country")),
      [...countries, ["France", "Spain"]],
    );
  });

  it("stay the same object for as long as their bytes do, over messages and deltas", () => {
    const decoder = decoderOf();
    const dictionaries = (name: string): unknown[] =>
      decoder
        .decode(fixture(name))
        .map((batch) => (batch.columns.get("country") as DictionaryColumn).dictionary);
    const [first, second] = [dictionaries("delta.arrows"), dictionaries("delta.arrows")];
    assert.equal(new Set(first).size, 3);
    for (const [index, dictionary] of first.entries()) assert.equal(second[index], dictionary);
    const plain = dictionaries("bulk-plain.arrows");
    assert.equal(dictionaries("bulk-plain.arrows")[0], plain[0]);
  });

  it("outlive the message they came in", () => {
    const decoder = decoderOf();
    const bytes = fixture("bulk-plain.arrows");
    decoder.decode(bytes);
    bytes.fill(0xee);
    assert.deepEqual(cellsOf(decoder.decode(fixture("bulk-plain.arrows")), "country").slice(0, 3), [
      "US",
      "GB",
      "DE",
    ]);
  });

  it("of the same bytes under another type are another dictionary", () => {
    const decoder = decoderOf();
    const ofType = (type: Int32 | Float32): Uint8Array => {
      const values = vectorFromArray([1, 2], type);
      const dictionary = new Dictionary(type, new Int32(), 7);
      const data = makeData({ type: dictionary, data: Int32Array.of(0, 1), dictionary: values as never });
      const schema = new Schema([new Field("d", dictionary)]);
      const struct = makeData({ type: new Struct(schema.fields), length: 2, children: [data] });
      return tableToIPC(new Table(schema, new RecordBatch(schema, struct)), "stream");
    };
    const [ints, floats] = [ofType(new Int32()), ofType(new Float32())];
    assert.deepEqual(cellsOf(decoder.decode(ints), "d"), [1, 2]);
    assert.deepEqual(cellsOf(decoder.decode(floats), "d"), [1, 2]);
  });
});

describe("Arrow written by apache-arrow", () => {
  const float = fc.option(fc.double({ noDefaultInfinity: true, noNaN: true }));
  const rows = fc.array(
    fc.record({
      f: float,
      i: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
      s: fc.option(fc.string({ unit: "grapheme" })),
      d: fc.option(fc.constantFrom("US", "GB", "DE")),
      v: fc.option(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 })),
    }),
    { minLength: 1, maxLength: 40 },
  );

  it("reads as it was written", () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (written, file) => {
        const column = <K extends keyof (typeof written)[number]>(key: K): (typeof written)[number][K][] =>
          written.map((row) => row[key]);
        const table = new Table({
          f: vectorFromArray(column("f"), new Float64()),
          i: vectorFromArray(column("i"), new Int32()),
          s: vectorFromArray(column("s"), new Utf8()),
          d: vectorFromArray(column("d"), new Dictionary(new Utf8(), new Int32())),
          v: vectorFromArray(column("v"), new FixedSizeList(3, new Field("item", new Float32()))),
        });
        const batches = decoderOf().decode(tableToIPC(table, file ? "file" : "stream"));
        for (const key of ["f", "i", "s", "d", "v"] as const)
          assert.deepEqual(cellsOf(batches, key), column(key));
      }),
      { numRuns: 60 },
    );
  });
});

describe("hostile Arrow", () => {
  it("is truncated at every byte, and says so", () => {
    const bytes = fixture("bulk-zstd.arrows");
    for (let length = 0; length < bytes.length - 8; length += 7) {
      const decoder = decoderOf({ format: "arrow" });
      const cut = bytes.subarray(0, length);
      let rows = 0;
      try {
        rows = decoder.decode(cut).reduce((sum, batch) => sum + batch.rows, 0);
      } catch (error) {
        assert.equal((error as { name: string }).name, "DecodeError", `cut at ${length}`);
        continue;
      }
      // whole messages without an end mark are a whole stream
      assert(rows === 0 || rows === 300, `${rows} rows of a stream cut at ${length}`);
    }
  });

  it("meets every limit before memory is asked for", () => {
    const bulk = fixture("bulk-zstd.arrows");
    const reason = (limits: object): string => reasonOf(() => decoderOf({ limits }).decode(bulk));
    assert.equal(reason({ rowsPerBatch: 299 }), "limit");
    assert.equal(reason({ fields: 6 }), "limit");
    assert.equal(reason({ decodedBytes: 4_000 }), "limit");
    assert.equal(reason({ messageBytes: 1_000 }), "limit");
    assert.equal(reason({ dictionaryEntries: 2 }), "limit");
    assert.equal(
      reasonOf(() => decoderOf({ limits: { nesting: 0 } }).decode(fixture("types.arrows"))),
      "limit",
    );
  });

  it("counts buffers that are not copied too", () => {
    const table = tableFromArrays(
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`c${index}`, new Float64Array(1_000)])),
    );
    const bytes = tableToIPC(table, "stream");
    assert.equal(
      reasonOf(() => decoderOf({ limits: { decodedBytes: 300_000 } }).decode(bytes)),
      "limit",
    );
    assert.equal(decoderOf({ limits: { decodedBytes: 500_000 } }).decode(bytes)[0]?.rows, 1_000);
  });

  it("is refused when it is no format at all", () => {
    for (const text of ["", "hello", "PAR1", "<xml/>"]) {
      const bytes = new TextEncoder().encode(text);
      assert.equal(
        reasonOf(() => decoderOf().decode(bytes)),
        text === "" ? "truncated" : "format",
      );
    }
  });
});
