import { DuckDBInstance } from "@duckdb/node-api";
import { createDecoder } from "../src/decode/decode.ts";
import { defaultLimits } from "../src/model/limits.ts";
import { createProfiler } from "../src/profile/profiler.ts";
import type { BenchResult, BenchRow } from "./run.ts";
import { createRandom, dataColumns, makeBatch, toStream, workloadView } from "./workload.ts";

/** Rows of one record batch in a message; larger workloads are several of them. */
const batchRows = 65_536;

/**
 * Arrow bytes → window profile, against DuckDB's `SUMMARIZE` of the same columns in a table, one thread each, in one process.
 * Ours decodes, checks types, counts nulls, and keeps moments, histogram, distinct and category sketches; `SUMMARIZE` gives
 * min, max, approximate distinct, mean, SD and quartiles.
 */
export async function profileBench({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const size of [1_000, 1_000_000]) {
    const repeats = quick ? 3 : 7;
    const ours = await best(repeats, () => oursNs(size));
    const duckdb = await best(repeats, () => duckdbNs(size));
    ratios[`profile.vsDuckdb.${size}`] = duckdb / ours;
    rows.push({
      what: `profile of ${size.toLocaleString("en-US")} × ${dataColumns}`,
      ours: `${ours.toFixed(1)} ns a cell`,
      peer: `DuckDB SUMMARIZE ${duckdb.toFixed(1)} ns a cell`,
      ratio: duckdb / ours,
    });
  }
  return { ratios, rows };
}

/** The median: the machine is not ours alone. */
async function best(repeats: number, measure: () => number | Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < repeats; run++) times.push(await measure());
  return times.sort((a, b) => a - b)[repeats >> 1] as number;
}

const messages = new Map<number, readonly Uint8Array[]>();

/** The workload in messages of at most 65,536 rows. */
function messagesOf(size: number): readonly Uint8Array[] {
  const known = messages.get(size);
  if (known !== undefined) return known;
  const made: Uint8Array[] = [];
  for (let from = 0; from < size; from += batchRows) {
    made.push(toStream([makeBatch(Math.min(batchRows, size - from), 1 + from, 0)]));
  }
  messages.set(size, made);
  return made;
}

function oursNs(size: number): number {
  const limits = { ...defaultLimits, messageBytes: 1 << 30 };
  const profiler = createProfiler({ view: workloadView(undefined), frames: new Map(), limits });
  const decoder = createDecoder({ hints: undefined, format: "arrow", limits });
  const batches = messagesOf(size);
  const rounds = Math.max(1, Math.round(1_000_000 / size));
  let state = profiler.start();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (size >= 1_000_000) state = profiler.start();
    for (const bytes of batches) {
      for (const batch of decoder.decode(bytes))
        profiler.fold(state, batch, { timestamp: undefined, position: "bench" });
    }
  }
  return ((performance.now() - start) * 1e6) / (rounds * size * dataColumns);
}

async function duckdbNs(size: number): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET threads = 1");
  const seed = createRandom(size)();
  const floats = Array.from(
    { length: 12 },
    (_, c) =>
      `CASE WHEN random() < 0.01 THEN NULL ELSE ${100 * c} + ${c + 1} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) END AS f${c}`,
  );
  const ints = Array.from({ length: 4 }, (_, c) => `floor(random() * ${10 ** (c + 2)})::INTEGER AS i${c}`);
  const texts = [200, 5, 500_000, 10_000].map(
    (distinct, c) => `'value-' || floor(random() * ${distinct})::INTEGER AS s${c}`,
  );
  await connection.run(`SELECT setseed(${seed})`);
  await connection.run(
    `CREATE TABLE workload AS SELECT ${[...floats, ...ints, ...texts].join(", ")} FROM range(${size})`,
  );
  const rounds = size >= 1_000_000 ? 1 : 20;
  await connection.runAndReadAll("SUMMARIZE workload"); // warm
  const start = performance.now();
  for (let round = 0; round < rounds; round++) await connection.runAndReadAll("SUMMARIZE workload");
  const ns = ((performance.now() - start) * 1e6) / (rounds * size * dataColumns);
  connection.closeSync();
  instance.closeSync();
  return ns;
}
