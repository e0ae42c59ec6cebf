import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { broker, createTopic } from "../services/services.ts";
import { messagesOf, produce, scratch, tidemark } from "./support.ts";

const clean = "replay-data/tensor-collapse/clean.arrow";

describe("tidemark baseline build of a topic", () => {
  it("gives the baseline of the same rows in a file, whatever order the partitions were written in", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "baseline", { partitions: 2 });
    const bytes = messagesOf(join(import.meta.dirname, "../..", clean)).map((message) => message.bytes);
    for (const partition of [0, 1])
      await produce(
        brokers,
        topic,
        bytes.filter((_, index) => index % 2 === partition),
        { partition },
      );
    const built: string[] = [];
    for (const source of [
      ["--input", clean],
      ["--topic", topic, "--brokers", brokers],
    ]) {
      const out = join(dir, `${built.length}.json`);
      const args = ["baseline", "build", "--spec", "feature-specs/reco_user.yaml", ...source, "--out", out];
      const { code, stderr } = await tidemark(args);
      assert.equal(code, 0, stderr);
      built.push(readFileSync(out, "utf8"));
    }
    assert.ok(built[0] === built[1], "the same file");
  });
});
