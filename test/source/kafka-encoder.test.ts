import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { createRandom } from "../../bench/workload.ts";
import { shareLargeBuffers } from "../../src/source/kafka-encoder.ts";

interface Encoded {
  readonly buffer: Buffer;
}
type Encoder = Parameters<typeof shareLargeBuffers>[0];

interface Protocol {
  readonly encoder: Encoder;
  readonly produce: (request: object) => Promise<Encoded>;
}

const require = createRequire(import.meta.url);

/** kafkajs's own modules, not those of any other test or protocol. */
function load(): Protocol {
  for (const path of Object.keys(require.cache))
    if (path.includes("/kafkajs/")) Reflect.deleteProperty(require.cache, path);
  const request = require("kafkajs/src/protocol/request");
  const produceRequest = require("kafkajs/src/protocol/requests/produce/v7/request");
  return {
    encoder: require("kafkajs/src/protocol/encoder"),
    produce: (options) =>
      request({
        correlationId: 7,
        clientId: "test",
        request: produceRequest({ acks: -1, timeout: 1, ...options }),
      }),
  };
}

/** Values of a byte, of some hundred and of some hundred thousand, in several partitions of a topic. */
function topicData(sizes: readonly number[], compression: number): object {
  const random = createRandom(7);
  const messages = sizes.map((size, i) => ({
    key: `key ${i}`,
    value: size < 0 ? null : Buffer.from(Uint8Array.from({ length: size }, () => Math.floor(random() * 256))),
    headers: i % 2 === 0 ? {} : { kind: "closed", long: "x".repeat(5_000) },
    timestamp: 1_767_225_600_000 + i,
  }));
  const partitions = [0, 1].map((partition) => ({
    partition,
    firstSequence: 3,
    messages: messages.toReversed().slice(0, partition === 0 ? 2 : undefined),
  }));
  return { compression, producerId: 1n, producerEpoch: 0, topicData: [{ topic: "a topic", partitions }] };
}

describe("kafkajs's encoder, sharing large buffers", () => {
  it("writes the bytes that it wrote when it copied them", async () => {
    const [copying, sharing] = [load(), load()];
    shareLargeBuffers(sharing.encoder);
    for (const compression of [0, 1]) {
      for (const sizes of [[0], [1, 300_000], [4_095, 4_096, 4_097, -1, 137_000, 12, 200_000]]) {
        const request = topicData(sizes, compression);
        const [expected, actual] = [await copying.produce(request), await sharing.produce(request)];
        assert.deepEqual(actual.buffer, expected.buffer);
        assert.deepEqual(actual.buffer, expected.buffer, "asked again, it is the same");
      }
    }
  });
});
