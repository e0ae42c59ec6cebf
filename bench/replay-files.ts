import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { RecordBatchStreamWriter } from "apache-arrow";
import { figures, tidemarkPeak } from "./peak.ts";
import { makeBatch, toStream } from "./workload.ts";

/**
 * `node bench/replay-files.ts [FORMAT…] [GIGABYTES]`: rows a second and peak memory of `tidemark replay` over one file that is larger than
 * memory need be; arrow, parquet, csv and jsonl of 21 columns, two gigabytes each unless told otherwise. Each is removed before the
 * next is written.
 */
const rowsPerBatch = 50_000;
/** Of one row, about: how many rows make a gigabyte. */
const bytesPerRow: Readonly<Record<string, number>> = { arrow: 196, parquet: 125, csv: 320, jsonl: 480 };

async function main(formats: readonly string[], gigabytes: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const startMs = Date.parse("2026-03-01T00:00:00Z");
    const sample = join(dir, "sample.arrows");
    writeFileSync(sample, toStream([makeBatch(rowsPerBatch, 1, startMs - 86_400_000)]));
    const [spec, baseline] = [join(dir, "workload.yaml"), join(dir, "workload.baseline.json")];
    const named = ["--name", "workload", "--event-time", "event_time"];
    await tidemarkPeak("spec", "init", "--input", sample, ...named, "--out", spec);
    await tidemarkPeak("baseline", "build", "--spec", spec, "--input", sample, "--out", baseline);
    for (const format of formats) {
      for (const part of [gigabytes / 4, gigabytes]) {
        const file = join(dir, `data.${format}`);
        const rows = Math.ceil((part * 1e9) / (bytesPerRow[format] ?? 200) / rowsPerBatch) * rowsPerBatch;
        await write(file, format, rows, startMs);
        const run = await tidemarkPeak(
          ...["replay", "--spec", spec, "--baseline", baseline, "--input", file],
          ...["--out", join(dir, "out"), "--json"],
        );
        const size = (statSync(file).size / 1e9).toFixed(2);
        const read = JSON.parse(run.stdout) as { rows: number };
        console.log(`${figures(format, read.rows, run)}, of ${size} GB`);
        rmSync(file);
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function write(file: string, format: string, rows: number, startMs: number): Promise<void> {
  mkdirSync(join(file, ".."), { recursive: true });
  if (format === "arrow") return writeArrow(file, rows, startMs);
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const options: Readonly<Record<string, string>> = {
    parquet: "(FORMAT parquet, ROW_GROUP_SIZE 100000)",
    csv: "(FORMAT csv, HEADER)",
    jsonl: "(FORMAT json)",
  };
  await connection.run("SET TimeZone = 'UTC'; SET threads = 1; SET memory_limit = '1GB'");
  const numbers = Array.from(
    { length: 12 },
    (_, c) => `100 * ${c} + ${c + 1} * (random() + random() - 1) AS f${c}`,
  );
  const wholes = [2, 3, 4, 5].map((power, c) => `floor(random() * 1e${power})::INT AS i${c}`);
  const texts = [200, 5, 500_000, 10_000].map((n, c) => `'value-' || floor(random() * ${n})::INT AS s${c}`);
  const columns = [`epoch_ms(${startMs} + i) AS event_time`, ...numbers, ...wholes, ...texts];
  await connection.run(
    `COPY (SELECT ${columns.join(", ")} FROM range(${rows}) AS r(i)) TO '${file}' ${options[format]}`,
  );
  connection.closeSync();
}

/** A stream of record batches, which a reader takes one by one. */
async function writeArrow(file: string, rows: number, startMs: number): Promise<void> {
  const out = createWriteStream(file);
  const writer = new RecordBatchStreamWriter();
  const bytes = writer.toNodeStream();
  bytes.pipe(out);
  for (let from = 0; from < rows; from += rowsPerBatch) {
    writer.write(makeBatch(rowsPerBatch, from, startMs + from));
    while (out.writableNeedDrain) await new Promise<void>((done) => out.once("drain", () => done()));
    await new Promise((done) => setImmediate(done));
  }
  writer.finish();
  await finished(out);
}

const asked = process.argv.slice(2);
const gigabytes = Number(asked.find((text) => /^[\d.]+$/.test(text)) ?? 2);
const formats = asked.filter((text) => Object.hasOwn(bytesPerRow, text));
await main(formats.length === 0 ? Object.keys(bytesPerRow) : formats, gigabytes);
process.exit();
