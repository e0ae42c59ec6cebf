import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { it } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../src/source/kafka-checksum.ts";
import { mendKafkajs } from "../../src/source/kafka-mends.ts";

const load = (name: string): typeof crc32c =>
  createRequire(import.meta.url)(`kafkajs/src/protocol/recordBatch/crc32C/${name}.js`);
const theirs = load("crc32C");
mendKafkajs();

it("the checksum is kafkajs's, of any bytes wherever they lie", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe306_9283); // Castagnoli's check value
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, from) => {
      const some = bytes.subarray(from);
      assert.equal(crc32c(some), theirs(some));
    }),
  );
});

it("kafkajs takes it from here", () => {
  const used = load("index");
  const noBytes = new Uint16Array(16).fill(300) as unknown as Uint8Array; // which both read, each in its own way
  assert.notEqual(crc32c(noBytes), theirs(noBytes));
  assert.equal(used(noBytes), crc32c(noBytes));
});
