import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Fault } from "../model/fault.ts";
import type { Store } from "../pipeline/ports.ts";

/** Of the table below, kept in SQLite's own `user_version`. */
const schemaVersion = 1;

/**
 * State in one SQLite file: WAL, fsync at every commit, one transaction a save, so that all of it is there or none.
 * @throws Fault `store.version` when a newer tidemark wrote it, `store.full` or `store.failed` (both retryable)
 */
export function openSqliteStore({ file }: { readonly file: string }): Store {
  const database = guarded(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const opened = new DatabaseSync(file, { timeout: 2_000 });
    opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    return opened;
  });
  const found = Number(
    guarded(file, () => database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0),
  );
  if (found > schemaVersion) {
    database.close();
    throw new Fault(
      "store.version",
      `${file}: state version ${found}, this tidemark reads ${schemaVersion}`,
      {
        hint: "run the newer tidemark that wrote it, or set state.dir to a new place",
      },
    );
  }
  guarded(file, () =>
    database.exec(
      `CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID; PRAGMA user_version = ${schemaVersion}`,
    ),
  );
  const select = database.prepare("SELECT value FROM state WHERE key = ?");
  const upsert = database.prepare(
    "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  return {
    load: async (key) =>
      guarded(file, () => {
        const value = select.get(key)?.["value"];
        return value instanceof Uint8Array ? value : undefined;
      }),
    save: async (entries) =>
      guarded(file, () => {
        database.exec("BEGIN IMMEDIATE");
        try {
          for (const [key, value] of entries) upsert.run(key, value);
          database.exec("COMMIT");
        } catch (error) {
          if (database.isTransaction) database.exec("ROLLBACK");
          throw error;
        }
      }),
    close: async () => database.close(),
  };
}

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const [sqliteFull, sqliteIoError] = [13, 10];

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { errcode, code } = cause as { errcode?: number; code?: string };
    const message = `${file}: ${cause instanceof Error ? cause.message : String(cause)}`;
    const primary = errcode === undefined ? undefined : errcode & 0xff;
    if (primary === sqliteFull || primary === sqliteIoError || code === "ENOSPC") {
      throw new Fault("store.full", message, {
        retryable: true,
        cause,
        hint: "free some space: it goes on by itself, and the last good state is kept",
      });
    }
    throw new Fault("store.failed", message, { retryable: true, cause, hint: "is the directory writable?" });
  }
}
