import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { renderReportData } from "../../src/report/report-data.ts";
import { breach, minute } from "../judge/samples.ts";
import { evil, inputOf } from "./input.ts";
import { largeInput } from "./large.ts";

interface Data {
  readonly [key: string]: unknown;
  readonly fields: readonly (Record<string, unknown> & {
    readonly statistics: readonly {
      readonly shifts: readonly unknown[];
      readonly worst: { shift: number };
    }[];
  })[];
  readonly windows: readonly unknown[];
}

const dataOf = (options = {}): Data => JSON.parse(renderReportData(inputOf(options))) as Data;

/** `fields[].worst.window.start`: every key of every object, lists as one. */
function pathsOf(value: unknown, path = ""): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => pathsOf(each, `${path}[]`));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    `${path}.${key}`,
    ...pathsOf(inner, `${path}.${key}`),
  ]);
}

describe("report.json", () => {
  it("has everything that the report shows, in step with its windows", () => {
    const data = dataOf();
    const [location, ...others] = data.fields;
    assert.equal(data["reportVersion"], 1);
    assert.equal(data.windows.length, 12);
    assert.equal(location?.["field"], "user_location");
    assert.equal(location?.["status"], "critical");
    assert.equal(location?.["criticalWindows"], 4);
    assert.equal(location?.["firstCriticalAt"], "1970-01-01T00:04:16.000Z");
    assert.deepEqual(location?.statistics[0]?.shifts.slice(3, 6), [null, 39.6, 39.6]);
    assert.deepEqual((location?.["defaultRate"] as number[] | undefined)?.slice(3, 5), [0, 2 / 3]);
    assert.equal(others.length, 2);
    assert.deepEqual(
      (data["segments"] as { segment: string; fields: Record<string, { shift: number }> }[]).map(
        ({ segment, fields }) => [segment, fields["user_location"]?.shift],
      ),
      [["all", 26], ["node:a7", 26], ["node:a8", 0.1]], // biome-ignore format: one list
    );
    assert.deepEqual((data["alerts"] as { until: string }[]).map(({ until }) => until), ["1970-01-01T00:09:00.000Z"]); // biome-ignore format: one list
    assert.ok(JSON.stringify(data).includes(JSON.stringify(evil).slice(1, -1)), "values as they are");
  });

  it("has numbers where JSON has no infinity", () => {
    const { findings } = inputOf();
    const worst = breach({ field: null, statistic: "volume", shift: Number.POSITIVE_INFINITY });
    const statistic = {
      ...{
        name: "volume" as const,
        status: "critical" as const,
        worst,
        criticalWindows: 1,
        warningWindows: 0,
      },
      shifts: [Number.POSITIVE_INFINITY],
      statuses: ["critical" as const],
    };
    const window = { start: 0, end: minute };
    const stream = {
      ...findings.stream,
      status: "critical" as const,
      statistics: [statistic],
      worst: { verdict: worst, window, rows: 5, profile: undefined },
    };
    const { fields } = dataOf({ change: { findings: { ...findings, stream } } });
    const told = fields.find(({ field }) => field === null);
    assert.equal(told?.statistics[0]?.worst.shift, Number.MAX_VALUE);
    assert.deepEqual(told?.statistics[0]?.shifts, [Number.MAX_VALUE]);
  });

  it("has fewer points in time when there are many statistics: 4 MB of them at most", () => {
    const input = largeInput(719, ["embedding"]);
    const text = renderReportData(input);
    assert.ok(text.length < 4_000_000, `${text.length} bytes`);
    const { windows, fields } = JSON.parse(text);
    const told = input.findings;
    assert.ok(windows.length > 100 && windows.length < told.cells.length, `${windows.length} points`);
    const sum = (of: string): number =>
      windows.reduce((all: number, each: Record<string, number>) => all + (each[of] ?? 0), 0);
    assert.equal(
      sum("windows"),
      told.cells.reduce((all, { windows: n }) => all + n, 0),
    );
    assert.equal(
      sum("rows"),
      told.cells.reduce((all, { rows }) => all + rows, 0),
    );
    for (const { field, statistics, norms } of fields) {
      if (field === null) continue;
      assert.equal(norms.length, windows.length);
      for (const { statistic, shifts, statuses } of statistics) {
        const whole = told.fields.get(field)?.statistics.find(({ name }) => name === statistic);
        assert.equal(statuses.length, windows.length);
        const worst = Math.max(...(whole?.shifts ?? []).map((shift) => shift ?? 0));
        assert.equal(Math.max(...shifts), Number(worst.toPrecision(5)), "the worst is not smoothed away");
      }
    }
  });

  it("has no key that docs/report.md leaves out", () => {
    const text = readFileSync(new URL("../../docs/report.md", import.meta.url), "utf8");
    const told = new Set([...text.matchAll(/`([A-Za-z]+)(?:\[\])?`/g)].map(([, key]) => key));
    const byName = /^\.(?:summary\.|fields\[\]\.quality\.rules\.|segments\[\]\.fields\.)/; // keyed by names, or told elsewhere
    const unknown = pathsOf(dataOf())
      .filter((path) => !byName.test(path) || /^\.segments\[\]\.fields\.[^.]+\./.test(path))
      .map((path) => path.split(".").at(-1)?.replace("[]", "") ?? "")
      .filter((key) => !told.has(key));
    assert.deepEqual([...new Set(unknown)], []);
  });
});
