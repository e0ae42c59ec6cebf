import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openFile } from "../../src/decode/file.ts";
import type { AsyncBytes } from "../../src/decode/file-reader.ts";
import type { Batch } from "../../src/model/batch.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { type Cell, cellsOf, collect, columnOf, decoderOf, fixture, inMemory } from "./support.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(
  name: string,
  bytes: Uint8Array | AsyncBytes,
  options: { hints?: Readonly<Record<string, FieldType>>; columns?: readonly string[] } = {},
): Promise<Batch[]> {
  const hints = options.hints === undefined ? undefined : new Map(Object.entries(options.hints));
  const source = bytes instanceof Uint8Array ? inMemory(bytes) : bytes;
  const columns = options.columns === undefined ? {} : { columns: options.columns };
  return collect(openFile({ name, bytes: source, hints, limits: defaultLimits, ...columns }));
}

const bulkNames = ["x", "n", "id", "country", "text", "embedding", "at"];
const plain = decoderOf().decode(fixture("bulk-plain.arrows"));
const bulk = (name: string): Cell[] => cellsOf(plain, name);

describe("files of the same rows", () => {
  const files = [
    ...["bulk-plain.arrows", "bulk-lz4.arrows", "bulk-zstd.arrows", "bulk.arrow", "bulk.feather"],
    ...["bulk-snappy.parquet", "bulk-zstd.parquet", "bulk-gzip.parquet", "bulk-none.parquet"],
  ];
  for (const file of files) {
    it(`are read alike from ${file}`, async () => {
      const batches = await read(file, fixture(file));
      for (const name of bulkNames) assert.deepEqual(cellsOf(batches, name), bulk(name), name);
    });
  }

  const rows = bulk("n").map((_, row) =>
    Object.fromEntries(bulkNames.map((name) => [name, bulk(name)[row] ?? null])),
  );
  const hints = {
    x: "float64",
    n: "int32",
    id: "int64",
    country: "string",
    text: "string",
    embedding: "embedding",
    at: "timestamp",
  } as const;

  it("are read alike from JSON lines", async () => {
    // ids beyond 2^53 stand as bare digits
    const lines = rows.map((row) => JSON.stringify(row).replace(/"id":"(\d+)"/, '"id":$1')).join("\n");
    for (const batches of [
      await read("a.jsonl", encode(lines), { hints }),
      await read("a.ndjson", encode(`${lines}\n`)),
    ])
      for (const name of bulkNames) assert.deepEqual(cellsOf(batches, name), bulk(name), name);
  });

  it("are read alike from CSV, with hints and without", async () => {
    const quote = (cell: unknown): string =>
      Array.isArray(cell) ? `"${JSON.stringify(cell)}"` : String(cell ?? "");
    const lines = rows.map((row) =>
      bulkNames
        .map((name) => quote(name === "at" ? new Date(row[name] as number).toISOString() : row[name]))
        .join(","),
    );
    const text = encode(`\uFEFF${bulkNames.join(",")}\r\n${lines.join("\r\n")}\r\n`);
    for (const batches of [await read("a.csv", text, { hints }), await read("A.CSV", text)])
      for (const name of bulkNames) assert.deepEqual(cellsOf(batches, name), bulk(name), name);
  });

  it("give the wanted columns only", async () => {
    for (const file of ["bulk.arrow", "bulk-zstd.parquet"]) {
      const [batch] = await read(file, fixture(file), { columns: ["n", "text"] });
      assert.deepEqual([...(batch?.columns.keys() ?? [])], ["n", "text"]);
    }
  });
});

describe("Parquet types", () => {
  const expected = JSON.parse(new TextDecoder().decode(fixture("types.json"))) as Record<
    string,
    Cell[] | "unsupported"
  >;

  it("are read as Arrow reads them, to the last digit", async () => {
    const batches = await read("types.parquet", fixture("types.parquet"));
    for (const name of batches[0]?.columns.keys() ?? []) {
      const cells = expected[name];
      if (cells === undefined || cells === "unsupported")
        assert.equal(columnOf(batches, name).kind, "unsupported", name);
      // Parquet has no seconds: pyarrow stores them as milliseconds, which tell the same instant.
      else assert.deepEqual(cellsOf(batches, name), cells, name);
    }
    assert((batches[0]?.columns.size ?? 0) > 30);
  });

  it("are read from version 2 pages and their encodings", async () => {
    const batches = await read("v2.parquet", fixture("v2.parquet"));
    for (const name of ["float64", "utf8", "int64", "bool", "list"])
      assert.deepEqual(cellsOf(batches, name), expected[name], name);
  });
});

describe("Parquet of small pages", () => {
  const arrow = decoderOf().decode(fixture("edges.arrows"));
  for (const file of ["edges-1.parquet", "edges-2.parquet", "edges-3.parquet"]) {
    it(`${file} reads as the same rows in Arrow do`, async () => {
      const batches = await read(file, fixture(file));
      assert.equal(batches.length, 3);
      for (const [name, column] of arrow[0]?.columns ?? []) {
        const kinds = new Set(batches.map((batch) => columnOf([batch], name).kind === "unsupported"));
        assert.deepEqual([...kinds], [column.kind === "unsupported"], name);
        const nulls = batches.reduce((sum, batch) => sum + columnOf([batch], name).nullCount, 0);
        assert.equal(nulls, column.nullCount, name);
        // INT96 counts nanoseconds: what a double of milliseconds tells of them ends at microseconds.
        const rounded = (cell: Cell): Cell =>
          name === "at" && typeof cell === "number" ? Math.round(cell * 1_000) / 1_000 : cell;
        assert.deepEqual(cellsOf(batches, name).map(rounded), cellsOf(arrow, name).map(rounded), name);
      }
    });
  }

  it("whose checksum denies a page is refused", async () => {
    const bytes = fixture("edges-1.parquet");
    bytes[200] = (bytes[200] as number) ^ 1;
    await assert.rejects(read("edges-1.parquet", bytes), {
      code: /^decode\./,
      message: /checksum|malformed|Parquet/,
    });
  });

  it("gives rows even where no column is wanted", async () => {
    const batches = await read("edges-1.parquet", fixture("edges-1.parquet"), {
      columns: ["no such column"],
    });
    assert.deepEqual(
      batches.map(({ rows, columns }) => [rows, columns.size]),
      [
        [200, 0],
        [200, 0],
        [100, 0],
      ],
    );
  });
});

describe("CSV", () => {
  it("takes an empty cell for null, and keeps quoted line ends", async () => {
    const batches = await read("a.csv", encode('s,x\n"a,\n""b""",1\n,2\n"",\n'), {
      hints: { s: "string", x: "float64" },
    });
    assert.deepEqual(cellsOf(batches, "s"), ['a,\n"b"', null, null]);
    assert.deepEqual(cellsOf(batches, "x"), [1, 2, null]);
  });

  it("lists cells that are no values of the hinted type", async () => {
    const text =
      "x,i,b,t\n1.5e3,7,true,2026-03-03T04:14:00Z\n0x10,7.5,yes,soon\n inf,1e2,1,-\ninf,128,FALSE,1772511240000\n";
    const batches = await read("a.csv", encode(text), {
      hints: { x: "float64", i: "int8", b: "bool", t: "timestamp" },
    });
    const misfits = Object.fromEntries(
      ["x", "i", "b", "t"].map((name) => [name, [...(columnOf(batches, name).misfits?.rows ?? [])]]),
    );
    assert.deepEqual(misfits, { x: [1, 2], i: [1, 3], b: [1, 2], t: [1, 2] });
    assert.deepEqual(cellsOf(batches, "x"), [1500, null, null, Number.POSITIVE_INFINITY]);
    assert.deepEqual(cellsOf(batches, "t"), [1_772_511_240_000, null, null, 1_772_511_240_000]);
  });

  it("infers types without hints, and takes 00501 for a text", async () => {
    const [batch] = await read(
      "a.csv",
      encode("i,f,b,t,s,z,e\n1,1,True,2026-03-03,x,00501,\n2,nan,False,2026-03-04 10:00:00,7,10001,\n"),
    );
    const kinds = [...(batch?.columns ?? [])].map(([name, { kind }]) => `${name} ${kind}`);
    assert.deepEqual(kinds, ["i int64", "f numeric", "b bool", "t timestamp", "s utf8", "z utf8", "e null"]);
  });

  it("names what is wrong with a record", async () => {
    await assert.rejects(read("a.csv", encode("a,b\n1,2\n1,2,3\n")), {
      code: "decode.malformed",
      message: /a\.csv.*line 3/,
    });
    await assert.rejects(read("a.csv", encode('a,b\n"1,2\n')), { code: "decode.malformed" });
  });

  it("of 100 MB is read in slices", async () => {
    const line = encode(`${"1.25,US,2026-03-03T04:14:00Z,".repeat(4)}42\n`);
    const head = encode(`${Array.from({ length: 13 }, (_, index) => `c${index}`).join(",")}\n`);
    const lines = 200_000;
    let [largest, rows] = [0, 0];
    const bytes: AsyncBytes = {
      byteLength: head.length + lines * line.length,
      slice(start, end) {
        largest = Math.max(largest, end - start);
        const part = new Uint8Array(Math.min(end, bytes.byteLength) - start);
        for (let at = 0; at < part.length; at++) {
          const place = start + at - head.length;
          part[at] = (place < 0 ? head[start + at] : line[place % line.length]) as number;
        }
        return Promise.resolve(part);
      },
    };
    for await (const batch of openFile({
      name: "big.csv",
      bytes,
      hints: new Map([["c12", "int32"]]),
      limits: defaultLimits,
    })) {
      rows += batch.rows;
      assert(batch.rows <= 65_536);
    }
    assert.equal(rows, lines);
    assert(largest <= 4 * 1024 * 1024);
  });
});

describe("wrong files", () => {
  it("are empty", async () => {
    for (const name of ["a.arrow", "a.parquet", "a.csv", "a.jsonl"])
      await assert.rejects(read(name, new Uint8Array()), { code: "input.empty", message: new RegExp(name) });
  });

  it("are of another format than they say, and the error says which was expected", async () => {
    const wrong: readonly [string, Uint8Array, RegExp][] = [
      ["a.arrow", encode("a,b\n1,2\n3,4\n"), /a\.arrow.*Arrow/],
      ["a.feather", fixture("bulk-none.parquet"), /Arrow/],
      ["a.parquet", fixture("bulk.arrow"), /Parquet/],
      ["a.parquet", encode("x"), /Parquet/],
      ["a.csv", fixture("bulk.arrow"), /CSV/],
      ["a.csv", fixture("bulk-none.parquet"), /CSV/],
      ["a.jsonl", encode("a,b\n1,2\n"), /JSON lines/],
      ["a.jsonl", encode("[1,2]"), /JSON lines/],
      ["a.txt", encode("a"), /a\.txt/],
      ["parquet", encode("a"), /extension/],
    ];
    for (const [name, bytes, message] of wrong)
      await assert.rejects(read(name, bytes), { code: "input.format", message }, name);
  });

  it("are cut short, and never give a row that was not there", async () => {
    for (const name of ["bulk-plain.arrows", "bulk.arrow", "bulk-snappy.parquet"]) {
      const whole = fixture(name);
      for (let length = 16; length < whole.length - 16; length += 501) {
        const rows: number[] = [];
        try {
          const bytes = inMemory(whole.subarray(0, length));
          for await (const batch of openFile({ name, bytes, hints: undefined, limits: defaultLimits }))
            rows.push(...(cellsOf([batch], "n") as number[]));
        } catch (error) {
          assert.match((error as { code: string }).code, /^decode\./, `${name} cut at ${length}`);
        }
        assert.deepEqual(rows, bulk("n").slice(0, rows.length));
      }
    }
  });

  it("with a bad JSON line name the line, and the batches before it are kept", async () => {
    const lines = `${'{"a":1}\n'.repeat(5_000)}{"a":\n`;
    const rows: number[] = [];
    const all = (async () => {
      for await (const batch of openFile({
        name: "a.jsonl",
        bytes: inMemory(encode(lines)),
        hints: undefined,
        limits: defaultLimits,
      }))
        rows.push(batch.rows);
    })();
    await assert.rejects(all, { code: "decode.truncated", message: /line 5001/ });
    assert.deepEqual(rows, [4_096]);
  });

  it("pass the error of whoever reads the bytes", async () => {
    const gone = (): Promise<never> => Promise.reject(new Error("the disk is gone"));
    for (const name of ["a.arrow", "a.csv", "a.jsonl"])
      await assert.rejects(read(name, { byteLength: 1e6, slice: gone }), /the disk is gone/);
    const whole = inMemory(fixture("bulk-none.parquet"));
    const slice = (start: number, end: number): Promise<Uint8Array> =>
      end - start > 4 ? gone() : whole.slice(start, end);
    await assert.rejects(read("a.parquet", { byteLength: whole.byteLength, slice }), /the disk is gone/);
  });
});
