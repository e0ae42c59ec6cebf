import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Field, FixedSizeList, Float32, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import type { LayerRecord } from "../../src/client/tensors.ts";
import { root } from "../cli/command.ts";
import { inside } from "../cli/inside.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually, gateStatus, produce, scratch, startTidemark } from "./support.ts";

const minute = 60_000;
const start = Date.parse("2026-03-03T06:00:00Z");

const tensorSpec = (topic: string): string => `
apiVersion: tidemark/v1
kind: FeatureView
name: tensors
version: 1
source: { topic: ${topic}, requestId: request_id }
window: { size: 1m, lateness: 10s, minRows: 50 }
fields:
  embedding: { type: embedding, dimensions: 4, finite: true }
`;

/** Embeddings as an Arrow stream, one a row. */
function tensorsOf(rows: readonly (readonly number[])[]): Uint8Array {
  const type = new FixedSizeList(4, new Field("item", new Float32()));
  const ids = rows.map((_, row) => `r-${row}`);
  const columns = { request_id: vectorFromArray(ids), embedding: vectorFromArray(rows, type) };
  return tableToIPC(new Table(columns), "stream");
}

/** 60 records a minute, each of one request and layer, as `createTensorReporter` sends them. */
const layersOf = (number: number, mean: number): LayerRecord[] =>
  Array.from({ length: 60 }, (_, at) => {
    const wobble = 0.01 * Math.sin(at * 1.7 + number);
    return {
      ...{ requestId: `r-${number}-${at}`, model: "reco-engine", layer: "layer_12_output" },
      ...{ time: start + number * minute + at * 1_000, shape: [1, 64], nan: 0, inf: 0 },
      ...{ mean: mean + wobble, sd: 1 + wobble, min: -3, max: 3 },
    };
  });

describe("tensors through a real broker", () => {
  it("open the breaker with the first NaN, and a layer whose mean jumps from .05 to 500 in its first evaluation", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const [tensors, layers] = [await createTopic(brokers, "tensors"), await createTopic(brokers, "layers")];
    const specs = join(dir, "specs");
    mkdirSync(specs);
    writeFileSync(join(specs, "tensors.yaml"), tensorSpec(tensors));
    const layerSpec = readFileSync(join(root, "deploy/feature-specs/model_layers.yaml"), "utf8");
    const layerFile = join(specs, "model_layers.yaml");
    writeFileSync(layerFile, layerSpec.replace("topic: model.layers", `topic: ${layers}`));
    const good = Array.from({ length: 30 }, (_, number) => layersOf(number - 60, 0.05)).flat();
    const goodFile = join(dir, "good.jsonl");
    writeFileSync(goodFile, good.map((record) => `${JSON.stringify(record)}\n`).join(""));
    const out = join(specs, "model_layers.baseline.json");
    const built = await inside(["baseline", "build", "--spec", layerFile, "--input", goodFile, "--out", out]);
    assert.equal(built.code, 0, built.stderr);
    const { url, stop } = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: tensors, topicPrefix: tensors },
      specs,
    });
    const shut = (view: string): Promise<true> =>
      eventually(30_000, `the gate of ${view} is shut`, async () =>
        (await gateStatus(url, view)) === 503 ? true : undefined,
      );
    const ask = async (path: string) => (await fetch(new URL(path, url))).json();
    const counted = async (view: string, rows: number): Promise<void> => {
      await eventually(30_000, `${rows} rows of ${view}`, async () => {
        const views = (await ask("/v1/feature-views")) as { name: string; counts: { profiled: number } }[];
        return views.find(({ name }) => name === view)?.counts.profiled === rows ? true : undefined;
      });
    };

    const vector = [0.1, 0.2, 0.3, 0.4];
    await produce(brokers, tensors, [tensorsOf(Array(10).fill(vector))]);
    await counted("tensors", 10);
    assert.equal(await gateStatus(url, "tensors"), 200);
    await produce(brokers, tensors, [tensorsOf([vector, [0.1, Number.NaN, 0.3, 0.4]])]);
    await shut("tensors");
    const { reasons } = (await ask("/v1/gate/tensors")) as {
      reasons: { field: string; statistic: string }[];
    };
    assert.deepEqual([reasons[0]?.field, reasons[0]?.statistic], ["embedding", "nonfinite"]);
    const alerts = (await ask("/v1/alerts")) as { alertname: string; example?: { requestId?: string } }[];
    const nonFinite = alerts.find(({ alertname }) => alertname === "TidemarkNonFinite");
    assert.equal(nonFinite?.example?.requestId, "r-1");

    const bytesOf = (records: readonly LayerRecord[]): Uint8Array[] =>
      records.map((record) => new TextEncoder().encode(JSON.stringify(record)));
    await produce(brokers, layers, bytesOf(layersOf(0, 0.05)));
    await counted("model_layers", 60);
    assert.equal(await gateStatus(url, "model_layers"), 200);
    await produce(brokers, layers, bytesOf(layersOf(1, 500)));
    await shut("model_layers");
    const layerGate = (await ask("/v1/gate/model_layers")) as { reasons: typeof reasons };
    assert.equal(layerGate.reasons[0]?.field, "mean", JSON.stringify(layerGate.reasons));
    const windows = (await ask("/v1/windows/model_layers")) as { start: string }[];
    const open = new Date(start + minute).toISOString();
    assert.ok(!windows.some((window) => window.start === open), "before the window of the jump has closed");
    assert.equal(await stop(), 0);
  });
});
