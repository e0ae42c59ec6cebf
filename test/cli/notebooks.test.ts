import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { alertTable, breakerTable, profileTable, type Table, verdictTable } from "../../src/sink/tables.ts";
import { root } from "./command.ts";
import { inside } from "./inside.ts";

const spec = [
  "--spec",
  "feature-specs/reco_user.yaml",
  "--baseline",
  "feature-specs/reco_user.baseline.json",
];
const incident = "replay-data/tensor-collapse/incident.arrow";
const documented = readFileSync(`${root}docs/notebooks.md`, "utf8");
type Row = Record<string, unknown>;

describe("tables for notebooks", () => {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-tables-"));
  const out = join(dir, "out");
  const tables = ["verdicts", "alerts", "breaker", "profiles"] as const;
  let connection: DuckDBConnection;
  const query = async (sql: string): Promise<Row[]> =>
    (await connection.runAndReadAll(sql.replaceAll("'out/", `'${out}/`))).getRowObjectsJson() as Row[];
  const lines = (name: string): Row[] =>
    readFileSync(join(out, name), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));

  before(async () => {
    connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET TimeZone = 'UTC'");
    const ended = await inside([
      ...[
        "replay",
        ...spec,
        "--input",
        incident,
        "--out",
        out,
        "--format",
        "parquet",
        "--format",
        "arrow,html",
      ],
    ]);
    assert.equal(ended.code, 0, ended.stderr);
  });
  after(() => {
    connection.closeSync();
    rmSync(dir, { recursive: true });
  });

  it("are opened by DuckDB with the columns and types that the page names, in their order", async () => {
    const duckTypes: Readonly<Record<string, string>> = {
      "timestamp[ms]": "TIMESTAMP WITH TIME ZONE",
      int64: "BIGINT",
      float64: "DOUBLE",
      bool: "BOOLEAN",
      utf8: "VARCHAR",
      "list<float64>": "DOUBLE[]",
    };
    for (const { name, columns } of [
      verdictTable,
      alertTable,
      breakerTable,
      profileTable,
    ] as Table<never>[]) {
      const [, section = ""] = documented.split(`\n## ${name}\n`);
      const [table = ""] = section.split("\n## ");
      const told = [...table.matchAll(/^\| `(\w+)` +\| `([^`]+)` +\|/gm)].map(([, column, type]) => [
        column,
        type,
      ]);
      assert.deepEqual(
        columns.map((column) => [column.name, column.type]),
        told,
        name,
      );
      const found = await query(`DESCRIBE SELECT * FROM 'out/${name}.parquet'`);
      assert.deepEqual(
        found.map(({ column_name, column_type }) => [column_name, column_type]),
        told.map(([column, type = ""]) => [column, duckTypes[type]]),
        name,
      );
    }
  });

  it("hold what the lines hold, number for number and instant for instant", async () => {
    const sameAs = async (table: string, own: readonly Row[], where = "true"): Promise<void> => {
      const rows = await query(
        `SELECT epoch_ms(time) AS time, segment, observed, shift, evidence, summary, rows, epoch_ms(window_start) AS start
         FROM 'out/${table}.parquet' WHERE ${where}`,
      );
      const expected = own.map((line) => {
        const { field, value } = (line["segment"] ?? {}) as { field?: string; value?: string };
        return {
          time: String(Date.parse(String(line["time"]))),
          segment: field === undefined ? null : `${field}:${value}`,
          observed: line["observed"],
          shift: line["shift"],
          evidence: line["evidence"],
          summary: line["summary"],
          rows: String(line["rows"]),
          start: String(Date.parse((line["window"] as { start: string }).start)),
        };
      });
      assert.ok(rows.length > 20);
      assert.equal(rows.length, expected.length, table);
      const at = rows.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(expected[index]));
      assert.deepEqual(rows[at], expected[at]);
    };
    await sameAs("alerts", lines("alerts.jsonl"));
    const told = (line: Row): boolean => line["status"] !== "insufficient";
    await sameAs("verdicts", lines("verdicts.jsonl").filter(told), "status NOT IN ('ok', 'insufficient')");
    const moves = await query("SELECT to_state, epoch_ms(time) AS time FROM 'out/breaker.parquet'");
    assert.deepEqual(
      moves,
      lines("breaker.jsonl").map(({ to, time }) => ({
        to_state: to,
        time: String(Date.parse(String(time))),
      })),
    );
  });

  it("hold every window's counts, quantiles and values", async () => {
    const [sum] = await query(
      `SELECT sum(rows)::INT AS rows, sum(mapping_hits + mapping_misses)::INT AS mapped, sum(rule_default)::INT AS unknown,
       count(DISTINCT window_start)::INT AS windows FROM 'out/profiles.parquet' WHERE field = 'user_location' AND segment IS NULL`,
    );
    const { profiled, windows } = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
    assert.equal(sum?.["rows"], profiled);
    assert.equal(sum?.["mapped"], profiled);
    assert.equal(sum?.["windows"], windows);
    assert.ok(Number(sum?.["unknown"]) > 1_000);
    const numbers = "FROM 'out/profiles.parquet' WHERE count > 0";
    const [held] =
      await query(`SELECT bool_and(min <= p01 AND p01 <= p50 AND p50 <= p99 AND p99 <= max) AS sorted,
      bool_and(mean BETWEEN min AND max) AS within, count(*)::INT AS rows ${numbers}`);
    assert.deepEqual([held?.["sorted"], held?.["within"]], [true, true]);
    const [vectors] = await query(
      "SELECT any_value(len(dimension_means)) AS dimensions FROM 'out/profiles.parquet' WHERE vectors > 0",
    );
    assert.equal(vectors?.["dimensions"], "16");
    const [none] = await query(
      "SELECT count(*)::INT AS n FROM 'out/profiles.parquet' WHERE type = 'string' AND mean IS NOT NULL",
    );
    assert.equal(none?.["n"], 0, "what does not apply is null");
  });

  it("answer the queries of the page", async () => {
    const queries = [...documented.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql = ""]) => sql);
    assert.equal(queries.length, 2);
    const [[first] = [], values = []] = await Promise.all(queries.map(query));
    assert.equal(first?.["field"], "user_location");
    assert.equal(values.length, 10);
    assert.ok(values.slice(0, 3).some(({ location }) => location === "United States"));
  });

  it("are the same as Arrow files, read by our own reader", async () => {
    const places = tables.map((name) => join(out, `${name}.arrow`));
    for (const [index, file] of places.entries()) {
      const { code, stdout, stderr } = await inside(["profile", file, "--json"]);
      assert.equal(code, 0, stderr);
      const [rows] = await query(`SELECT count(*)::INT AS n FROM 'out/${tables[index]}.parquet'`);
      assert.equal(JSON.parse(stdout).rows, rows?.["n"], file);
    }
  });

  it("are gone after a run that did not ask for them, and a format that is none is refused", async () => {
    const wrong = await inside(["replay", ...spec, "--input", incident, "--out", out, "--format", "xlsx"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--format xlsx: no format.*html.*parquet/s);
    const short = ["--to-time", "2026-03-03T01:00Z"];
    const plain = await inside(["replay", ...spec, "--input", incident, "--out", out, ...short]);
    assert.equal(plain.code, 0, plain.stderr);
    assert.equal(existsSync(join(out, "profiles.parquet")), false);
    assert.equal(existsSync(join(out, "report.html")), true);
  });
});
