import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Cell, createFile } from "../decode/write-file.ts";
import type { Outcome, Sink } from "../pipeline/ports.ts";
import { guardFiles } from "./report-files.ts";
import { alertTable, breakerTable, profileTable, type Table, verdictTable } from "./tables.ts";

/** Rows of one table that wait in memory before they are written as one record batch or row group. */
const rowsWaiting = 8_192;

export interface TableFilesOptions {
  /** Made when it is not there. */
  readonly dir: string;
  readonly extension: "parquet" | "arrow";
}

/**
 * What a run has found as tables that pandas, Polars and DuckDB open: `verdicts`, `alerts`, `breaker` and `profiles`. They grow as
 * outcomes come and have their names when they are whole.
 * @throws Fault `store.full` or `sink.rejected` when the directory cannot be written
 */
export async function createTableFiles({ dir, extension }: TableFilesOptions): Promise<Sink> {
  await guardFiles(dir, () => mkdir(dir, { recursive: true }));
  const openTable = <Row>(table: Table<Row>): Promise<TableFile<Row>> =>
    guardFiles(dir, () => createTableFile(join(dir, `${table.name}.${extension}`), table));
  const verdicts = await openTable(verdictTable);
  const alerts = await openTable(alertTable);
  const breaker = await openTable(breakerTable);
  const profiles = await openTable(profileTable);
  const files = [verdicts, alerts, breaker, profiles];
  const seen = new WeakSet<Outcome>();

  const add = async (outcome: Outcome): Promise<void> => {
    switch (outcome.kind) {
      case "alert":
        await alerts.add(outcome.alert);
        return;
      case "breaker":
        await breaker.add(outcome);
        return;
      case "judged": {
        const { judged, profile } = outcome;
        if (!judged.final) return;
        for (const verdict of judged.verdicts) await verdicts.add({ judged, verdict });
        for (const [field, body] of profile.fields) await profiles.add({ judged, profile, field, body });
        return;
      }
      case "dead-letter":
      case "profile":
      case "signal":
        return;
    }
  };

  return {
    name: `${extension}-tables`,
    async accept(outcomes) {
      for (const outcome of outcomes) {
        if (seen.has(outcome)) continue; // handed over again after another sink had refused it
        seen.add(outcome);
        await guardFiles(dir, () => add(outcome));
      }
    },
    async close() {
      await guardFiles(dir, () => Promise.all(files.map((file) => file.close())));
    },
  };
}

interface TableFile<Row> {
  add(row: Row): Promise<void>;
  close(): Promise<void>;
}

async function createTableFile<Row>(path: string, { columns }: Table<Row>): Promise<TableFile<Row>> {
  const encoder = createFile(path, columns);
  let handle: FileHandle | undefined = await open(`${path}.partial`, "w");
  let waiting: Cell[][] = columns.map(() => []);
  let rows = 0;
  const flush = async (): Promise<void> => {
    const cells = columns.map(({ name, type }, index) => ({ name, type, cells: waiting[index] ?? [] }));
    waiting = columns.map(() => []);
    rows = 0;
    await handle?.appendFile(await encoder.rows(cells));
  };
  return {
    async add(row) {
      for (const [index, column] of columns.entries()) waiting[index]?.push(column.of(row));
      rows += 1;
      if (rows >= rowsWaiting) await flush();
    },
    async close() {
      if (handle === undefined) return;
      if (rows > 0) await flush();
      await handle.appendFile(await encoder.finish());
      await handle.close();
      handle = undefined;
      await rename(`${path}.partial`, path);
    },
  };
}
