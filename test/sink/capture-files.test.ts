import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { rowsToBatch } from "../../src/decode/json.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { type CaptureResult, createCaptureFiles } from "../../src/sink/capture-files.ts";
import type { Scope } from "../services/process.ts";
import { temporaryFolder } from "../services/process.ts";

describe("captured files", () => {
  /** 400 messages of five rows, 100,000 bytes in all. */
  async function capture(t: Scope, name: string, partBytes: number): Promise<CaptureResult> {
    const files = createCaptureFiles({ file: join(temporaryFolder(t, "capture"), name), partBytes });
    for (let offset = 0; offset < 400; offset++) {
      const rows = Array.from({ length: 5 }, (_, at) => ({ id: `${"x".repeat(40)}-${offset}-${at}` }));
      const batch = rowsToBatch(rows, new Map(), defaultLimits);
      await files.add({
        ...{ partition: { topic: "t", partition: 0 }, among: [0], offset, timestamp: offset },
        ...{ batch, bytes: 250 },
      });
    }
    return files.finish();
  }

  it("begin another one when one has grown to the size that was asked for, small ones too", async (t) => {
    const { files, rows } = await capture(t, "day.arrow", 40_000);
    assert.equal(rows, 2_000);
    assert.ok(files.length > 1, files.join());
    for (const file of files) assert.ok(statSync(file).size < 60_000, `${file}: ${statSync(file).size}`);
  });

  it("is one when there is room for all", async (t) => {
    const { files } = await capture(t, "day.parquet", 1024 ** 3);
    assert.deepEqual(
      files.map((file) => file.replace(/.*\//, "")),
      ["day.parquet"],
    );
  });
});
