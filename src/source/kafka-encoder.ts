import assert from "node:assert/strict";
import { createRequire } from "node:module";

/** What is used of kafkajs's own `Encoder` (src/protocol/encoder.js of 2.2.4). */
interface Encoder {
  buf: Buffer;
  offset: number;
  readonly buffer: Buffer;
  size(): number;
  writeInt32(value: number): Encoder;
  writeBytes(value: unknown): Encoder;
  writeBufferInternal(buffer: Buffer): void;
  writeEncoder(value: Encoder): Encoder;
  writeEncoderArray(values: readonly Encoder[]): Encoder;
}

/** From so many bytes on a buffer is referred to; below it is copied. */
const sharedMin = 4_096;

/** What stands before `buf`, in order, of an encoder that has been given large buffers. */
const before = new WeakMap<Encoder, Buffer[]>();

/**
 * kafkajs puts a request together from inside to outside, and copies all of it at each of nine levels into zeroed memory of the next
 * power of two: 2 GB for 36 MB of profiles, and a collection of garbage for every 64 MB. Here an encoder refers to buffers that are
 * large, and they are put together where somebody asks for the bytes: for the checksum, for the batch and for the socket. The bytes are
 * the same. The version is pinned, and a test compares.
 *
 * @param Encoder  kafkajs's class; changed in place, once
 */
export function shareLargeBuffers(Encoder: { readonly prototype: Encoder }): void {
  const { prototype } = Encoder;
  const { writeBufferInternal: copy, writeBytes } = prototype;
  for (const method of [
    copy,
    writeBytes,
    prototype.size,
    prototype.writeEncoder,
    prototype.writeEncoderArray,
  ])
    assert(typeof method === "function", "kafkajs has another encoder than 2.2.4 had");

  Object.defineProperty(prototype, "buffer", {
    configurable: true,
    get(this: Encoder): Buffer {
      const parts = before.get(this);
      if (parts === undefined) return this.buf.subarray(0, this.offset);
      this.buf = Buffer.concat([...parts, this.buf.subarray(0, this.offset)]);
      this.offset = this.buf.length;
      before.delete(this);
      return this.buf;
    },
  });
  prototype.size = function () {
    return (before.get(this) ?? []).reduce((sum, { length }) => sum + length, this.offset);
  };
  prototype.writeBufferInternal = function (buffer) {
    if (buffer.length < sharedMin) return copy.call(this, buffer);
    const parts = before.get(this) ?? [];
    parts.push(this.buf.subarray(0, this.offset), buffer);
    before.set(this, parts);
    this.buf = this.buf.subarray(this.offset);
    this.offset = 0;
  };
  prototype.writeBytes = function (value) {
    if (!Buffer.isBuffer(value) || value.length < sharedMin) return writeBytes.call(this, value);
    this.writeInt32(value.length).writeBufferInternal(value);
    return this;
  };
  prototype.writeEncoder = function (value) {
    for (const part of before.get(value) ?? []) this.writeBufferInternal(part);
    this.writeBufferInternal(value.buf.subarray(0, value.offset));
    return this;
  };
  prototype.writeEncoderArray = function (values) {
    for (const value of values) this.writeEncoder(value);
    return this;
  };
}

let shared = false;

/** `shareLargeBuffers` for the kafkajs of this thread. */
export function shareInKafkajs(): void {
  if (!shared) shareLargeBuffers(createRequire(import.meta.url)("kafkajs/src/protocol/encoder"));
  shared = true;
}
