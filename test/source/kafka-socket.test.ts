import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createAnswers, createSocketFactory } from "../../src/source/kafka-socket.ts";

/** An answer of `size` bytes behind its length, each byte other than the one before. */
function answerOf(size: number, seed: number): Buffer {
  const answer = Buffer.allocUnsafe(4 + size);
  answer.writeInt32BE(size);
  for (let at = 0; at < size; at++) answer[4 + at] = (seed + at * 7) & 0xff;
  return answer;
}

/** Writes a stream in chunks into wherever there is room, as a socket does. */
function pour(stream: Buffer, chunks: readonly number[], answers: ReturnType<typeof createAnswers>): void {
  for (let [at, turn] = [0, 0]; at < stream.length; turn++) {
    const room = answers.room();
    assert(room.length > 0, "there is always room");
    const size = Math.min(room.length, stream.length - at, chunks[turn % chunks.length] ?? 1);
    room.set(stream.subarray(at, at + size));
    at += size;
    answers.filled(size);
  }
}

const sizes = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 32_000, max: 33_000 }), fc.nat(200_000)),
  { maxLength: 12 },
);
const chunks = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1_000, max: 90_000 })), {
  minLength: 1,
  maxLength: 6,
});

describe("answers cut from a stream", () => {
  it("are whole and in order, however the stream comes, in memory that was used before", () => {
    fc.assert(
      fc.property(sizes, chunks, (lengths, cuts) => {
        const sent = lengths.map(answerOf);
        const got: Buffer[] = [];
        const used = new ArrayBuffer(300_000);
        // whoever is given an answer looks at it before the next one comes
        const answers = createAnswers(
          () => used,
          (bytes) => got.push(Buffer.from(bytes)),
        );
        pour(Buffer.concat(sent), cuts, answers);
        assert.deepEqual(got, sent);
      }),
      { numRuns: 40 },
    );
  });

  it("come in pieces where one is longer than any should be, and whole again behind it", () => {
    fc.assert(
      fc.property(sizes, chunks, fc.nat(12), (lengths, cuts, long) => {
        const wholeMax = 150_000;
        const sent = lengths.toSpliced(long, 0, 400_000).map(answerOf);
        const got: Buffer[] = [];
        const taken: number[] = [];
        const answers = createAnswers(
          (size) => {
            taken.push(size);
            return new ArrayBuffer(size);
          },
          (bytes) => got.push(bytes),
          wholeMax,
        );
        pour(Buffer.concat(sent), cuts, answers);
        assert(Buffer.concat(got).equals(Buffer.concat(sent)));
        assert(taken.every((size) => size <= wholeMax));
        const whole = sent.filter((answer) => answer.length <= wholeMax);
        assert(whole.every((answer) => got.some((bytes) => bytes.equals(answer))));
      }),
      { numRuns: 40 },
    );
  });

  it("are whatever comes, where that is none of Kafka's", () => {
    const nonsense = Buffer.from([0xff, 0xff, 0xff, 0xfe, ...Buffer.from("x".repeat(100_000))]);
    const got: Buffer[] = [];
    pour(
      nonsense,
      [70_000],
      createAnswers(
        () => assert.fail("no memory for it"),
        (bytes) => got.push(bytes),
      ),
    );
    assert(Buffer.concat(got).equals(nonsense));
  });
});

it("a socket gives each answer in one piece, and says when the other side has ended", async (t) => {
  const sent = [10, 70_000, 0, 3_000_000, 32_764, 5].map(answerOf);
  const server = createServer((socket) => socket.end(Buffer.concat(sent)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const factory = createSocketFactory((size) => new ArrayBuffer(size));
  const connected = Promise.withResolvers<void>();
  const socket: Socket = factory({
    host: "127.0.0.1",
    port,
    ssl: false as never,
    onConnect: connected.resolve,
  });
  const got: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => got.push(bytes));
  await Promise.all([connected.promise, once(socket, "end")]);
  assert.deepEqual(
    got.map(({ length }) => length),
    sent.map(({ length }) => length),
  );
  assert(Buffer.concat(got).equals(Buffer.concat(sent)));
});
