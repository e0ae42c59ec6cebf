import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import type { FieldType } from "../../src/model/feature-view.ts";
import { cellsOf, columnOf, decoderOf, reasonOf } from "./support.ts";

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const event = (data: unknown, more: object = {}): object => ({
  specversion: "1.0",
  id: "e1",
  source: "/features",
  type: "com.example.features",
  time: "2026-03-03T04:14:00.123Z",
  ...more,
  data,
});
const headers = new Map([
  ["ce_specversion", "1.0"],
  ["ce_id", "e1"],
  ["ce_source", "/features"],
  ["ce_type", "com.example.features"],
  ["ce_time", "2026-03-03T04:14:00.123Z"],
  ["ce_region", "eu"],
  ["content-type", "application/json; charset=utf-8"],
]);
const at = Date.parse("2026-03-03T04:14:00.123Z");
const hints = (some: Readonly<Record<string, FieldType>>): ReadonlyMap<string, FieldType> =>
  new Map(Object.entries(some));
const binary = (more: Readonly<Record<string, string>> = {}) => ({
  headers: new Map([...headers, ...Object.entries(more)]),
  schema: undefined,
});

describe("CloudEvents in structured mode", () => {
  it("are the rows of their data, each with its event's attributes", () => {
    const bytes = encode(event([{ x: 1 }, { x: 2 }], { region: "eu" }));
    for (const format of ["auto", "cloudevents"] as const) {
      const batches = decoderOf({ format }).decode(bytes);
      assert.deepEqual(cellsOf(batches, "x"), [1, 2]);
      assert.deepEqual(cellsOf(batches, "ce_time"), [at, at]);
      assert.deepEqual(cellsOf(batches, "ce_region"), ["eu", "eu"]);
      assert.equal(columnOf(batches, "ce_time").kind, "timestamp");
    }
  });

  it("are read by the spec's types; attributes can also be named as they stand in the event", () => {
    const wanted = hints({
      "user.country": "string",
      x: "float64",
      time: "timestamp",
      ce_id: "string",
      "data.x": "float64",
    });
    const batches = decoderOf({ hints: wanted }).decode(encode(event({ x: "1", user: { country: "US" } })));
    assert.deepEqual(
      [cellsOf(batches, "user.country"), cellsOf(batches, "time"), cellsOf(batches, "ce_id")],
      [["US"], [at], ["e1"]],
    );
    assert.equal(columnOf(batches, "x").misfits?.example, '"1"');
    assert.deepEqual([...(batches[0]?.columns.keys() ?? [])].sort(), [
      "ce_id",
      "data.x",
      "time",
      "user.country",
      "x",
    ]);
  });

  it("give way to the data where names meet, and `__proto__` is a name", () => {
    const bytes = encode(
      `{"specversion":"1.0","id":"e","source":"s","type":"t","data":{"id":7,"__proto__":"p"}}`,
    );
    const batches = decoderOf({ hints: hints({ id: "int32", ["__proto__"]: "string" }) }).decode(bytes);
    assert.deepEqual(cellsOf(batches, "id"), [7]);
    const names = new Map([["__proto__", "string" as const]]);
    assert.deepEqual(cellsOf(decoderOf({ hints: names }).decode(bytes), "__proto__"), ["p"]);
  });

  it("carry Arrow in base64", () => {
    const arrow = tableToIPC(tableFromArrays({ x: Float64Array.of(1, 2) }), "stream");
    const bytes = encode({
      ...event(undefined, { datacontenttype: "application/vnd.apache.arrow.stream" }),
      data_base64: Buffer.from(arrow).toString("base64"),
    });
    const batches = decoderOf({ hints: hints({ x: "float64", ce_time: "timestamp" }) }).decode(bytes);
    assert.deepEqual(
      [cellsOf(batches, "x"), cellsOf(batches, "ce_time")],
      [
        [1, 2],
        [at, at],
      ],
    );
  });

  it("are refused when they are none, are of another version, or have no rows", () => {
    const reason = (value: unknown): string =>
      reasonOf(() => decoderOf({ format: "cloudevents" }).decode(encode(value)));
    assert.equal(reason({ x: 1 }), "schema");
    assert.equal(reason(event({ x: 1 }, { specversion: "2.0" })), "format");
    assert.equal(reason(event("text")), "schema");
    assert.equal(reason(event(null)), "schema");
    assert.equal(reason(event(undefined)), "schema");
  });

  it("are told from rows that only speak of a specversion", () => {
    const batches = decoderOf().decode(encode({ specversion: "1.0", x: 1 }));
    assert.deepEqual(cellsOf(batches, "specversion"), ["1.0"]);
  });
});

describe("CloudEvents in binary mode", () => {
  it("are the message, with its headers as columns", () => {
    const batches = decoderOf().decode(encode([{ x: 1 }, { x: 2 }]), binary());
    assert.deepEqual(cellsOf(batches, "x"), [1, 2]);
    assert.deepEqual(cellsOf(batches, "ce_region"), ["eu", "eu"]);
    const named = decoderOf({ hints: hints({ x: "int32", time: "timestamp" }) }).decode(
      encode({ x: 1 }),
      binary(),
    );
    assert.deepEqual([...(named[0]?.columns.keys() ?? [])], ["x", "time"]);
    assert.deepEqual(cellsOf(named, "time"), [at]);
  });

  it("of Arrow are Arrow, and of Avro Avro", () => {
    const arrow = tableToIPC(tableFromArrays({ x: Float64Array.of(1, 2) }), "stream");
    const batches = decoderOf().decode(
      arrow,
      binary({ "content-type": "application/vnd.apache.arrow.stream" }),
    );
    assert.deepEqual(
      [cellsOf(batches, "x"), cellsOf(batches, "ce_id")],
      [
        [1, 2],
        ["e1", "e1"],
      ],
    );
    const schema = {
      kind: "found",
      name: "schema id 7",
      type: "AVRO",
      text: '{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}',
      references: [],
      framing: "prefix",
    } as const;
    const bytes = Uint8Array.of(0, 0, 0, 0, 7, 10);
    const avro = decoderOf().decode(bytes, { ...binary({ "content-type": "application/avro" }), schema });
    assert.deepEqual([cellsOf(avro, "x"), cellsOf(avro, "ce_id")], [[5], ["e1"]]);
  });

  it("of a kind that is not read say which", () => {
    assert.throws(() => decoderOf().decode(encode("a,b"), binary({ "content-type": "text/csv" })), {
      code: "decode.format",
      message: /text\/csv/,
    });
  });
});
