import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { createDecoder } from "../../src/decode/decode.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { parseSpec } from "../../src/spec/parse.ts";
import { cellsOf, columnOf, decoderOf, fixture } from "./support.ts";

const hints: ReadonlyMap<string, FieldType> = new Map<string, FieldType>([
  ["conv_rate", "float32"],
  ["driver_stats__acc_rate", "float32"],
  ["avg_daily_trips__status", "int32"],
  ["__log_timestamp", "timestamp"],
  ["__request_id", "string"],
]);

describe("Feast's log of served features", () => {
  it("that pyarrow wrote in Feast's schema reads by the features' names, with and without their view's", () => {
    for (const format of ["auto", "feast"] as const) {
      const batches = decoderOf({ format, hints }).decode(fixture("feast.arrows"));
      assert.deepEqual(cellsOf(batches, "conv_rate"), [0.5, null, 0.25]);
      assert.deepEqual(cellsOf(batches, "driver_stats__conv_rate"), [0.5, null, 0.25]);
      assert.deepEqual(cellsOf(batches, "driver_stats__acc_rate"), [1, 2, 3]);
      assert.deepEqual(cellsOf(batches, "avg_daily_trips__status"), [2, 1, 2]);
      assert.deepEqual(cellsOf(batches, "__request_id"), ["r1", "r2", "r3"]);
      assert.equal(columnOf(batches, "__log_timestamp").kind, "timestamp");
    }
  });

  it("as JSON rows is read by the types of the fields", () => {
    const row = {
      driver_id: 1001,
      driver_stats__conv_rate: 1,
      driver_stats__conv_rate__status: 2,
      driver_stats__acc_rate: "x",
      __log_timestamp: "2026-03-03T04:14:00Z",
      __request_id: "r1",
    };
    for (const format of ["auto", "feast"] as const) {
      const batches = decoderOf({ format, hints }).decode(
        new TextEncoder().encode(JSON.stringify([row, row])),
      );
      const column = columnOf(batches, "conv_rate");
      assert.equal(column.kind === "numeric" && column.type, "float32");
      assert.deepEqual(cellsOf(batches, "conv_rate"), [1, 1]);
      assert.equal(columnOf(batches, "driver_stats__acc_rate").misfits?.rows.length, 2);
    }
  });

  it("as Avro is read so too", () => {
    const fields = ["driver_stats__conv_rate", "__log_timestamp", "__request_id"].map((name, index) => ({
      name,
      type: ["float", { type: "long", logicalType: "timestamp-millis" }, "string"][index],
    }));
    const schema = {
      kind: "found",
      name: "schema id 1",
      type: "AVRO",
      text: JSON.stringify({ type: "record", name: "Log", fields }),
      references: [],
      framing: "prefix",
    } as const;
    const payload = Buffer.concat([
      Buffer.from([0, 0, 0, 0, 1]),
      Buffer.from(Float32Array.of(0.5).buffer),
      Buffer.from([2, 2, 0x72]),
    ]);
    const batches = decoderOf({ hints }).decode(payload, { headers: new Map(), schema });
    assert.deepEqual([cellsOf(batches, "conv_rate"), cellsOf(batches, "__request_id")], [[0.5], ["r"]]);
  });

  it("of two views with a feature of the same name leaves the choice to the spec", () => {
    const table = tableFromArrays({
      a__x: Float64Array.of(1),
      b__x: Float64Array.of(2),
      __log_timestamp: Float64Array.of(0),
      __request_id: Float64Array.of(0),
    });
    const decoder = createDecoder({
      format: "feast",
      hints: new Map([
        ["x", "float64"],
        ["b__x", "float64"],
      ]),
      limits: defaultLimits,
    });
    const [batch] = decoder.decode(tableToIPC(table, "stream"));
    assert.equal(batch?.columns.has("x"), false);
    assert.equal(batch?.columns.has("b__x"), true);
  });

  it("gives its own columns the windows' time and the requests' id", () => {
    const spec = (more: string): string =>
      `apiVersion: tidemark/v1\nkind: FeatureView\nname: a\nversion: 1\nsource: { format: feast${more} }\nfields: { x: { type: float64 } }\n`;
    const options = { file: "a.yaml", readText: () => "" };
    const { source } = parseSpec(spec(""), options);
    assert.deepEqual([source.eventTime, source.requestId], ["__log_timestamp", "__request_id"]);
    assert.equal(parseSpec(spec(", eventTime: x__timestamp"), options).source.eventTime, "x__timestamp");
  });
});
