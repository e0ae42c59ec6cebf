import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createReader, createWriter, type Reader, seal, unseal, type Writer } from "../../src/sketch/wire.ts";

const written = (write: (writer: Writer) => void): Uint8Array => {
  const writer = createWriter();
  write(writer);
  return writer.done();
};

const corrupt = (message: RegExp) => ({ name: "Fault", code: "sketch.corrupt", message });

describe("the wire", () => {
  it("gives back what was written, in order, to the bit", () => {
    const item = fc.oneof(
      fc.record({ kind: fc.constant("count" as const), value: fc.maxSafeNat() }),
      fc.record({ kind: fc.constant("byte" as const), value: fc.nat(255) }),
      fc.record({ kind: fc.constant("float" as const), value: fc.double() }),
      fc.record({ kind: fc.constant("word" as const), value: fc.integer() }),
      fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "binary", maxLength: 400 }) }),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 50 }), (items) => {
        const bytes = written((writer) => {
          for (const { kind, value } of items) (writer[kind] as (value: number | string) => void)(value);
        });
        const reader = createReader(bytes, "thing");
        for (const { kind, value } of items) {
          const found = reader[kind]();
          assert.ok(Object.is(found, Object.is(value, -0) ? 0 : value), `${kind} ${value}, not ${found}`);
        }
        reader.end();
      }),
    );
  });

  it("has one form for a value: counts as short as they can be, little-endian, −0 as 0, one NaN", () => {
    assert.deepEqual([...written((w) => w.count(0))], [0]);
    assert.deepEqual([...written((w) => w.count(127))], [127]);
    assert.deepEqual([...written((w) => w.count(128))], [128, 1]);
    assert.deepEqual([...written((w) => w.count(2 ** 53 - 1))], [255, 255, 255, 255, 255, 255, 255, 15]);
    assert.deepEqual([...written((w) => w.word(-2))], [254, 255, 255, 255]);
    assert.deepEqual([...written((w) => w.float(-0))], [0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual([...written((w) => w.float(1))], [0, 0, 0, 0, 0, 0, 240, 63]);
    assert.deepEqual([...written((w) => w.float(Number.NaN))], [0, 0, 0, 0, 0, 0, 248, 127]);
    assert.deepEqual([...written((w) => w.text("ü"))], [2, 0xc3, 0xbc]);
    assert.deepEqual([...written((w) => w.bytes(Uint8Array.of(7, 8)))], [2, 7, 8]);
  });

  it("takes no count that is none: that is a mistake of ours", () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN])
      assert.throws(() => written((w) => w.count(value)), { name: "AssertionError" });
  });

  it("grows as it must", () => {
    const bytes = written((w) => {
      for (let i = 0; i < 100; i++) w.float(i);
      w.bytes(new Uint8Array(5_000).fill(3));
      w.byte(9);
    });
    assert.equal(bytes.length, 800 + 2 + 5_000 + 1);
    assert.equal(bytes.at(-1), 9);
    assert.equal(bytes.at(-2), 3);
  });

  it("refuses bytes that end early, go on or say what cannot be, and says where", () => {
    const read =
      <T>(bytes: number[], how: (reader: Reader) => T) =>
      (): T =>
        how(createReader(Uint8Array.from(bytes), "thing"));
    assert.throws(
      read([], (r) => r.byte()),
      corrupt(/^thing: ends early at byte 0 of 0$/),
    );
    assert.throws(
      read([1, 2, 3], (r) => r.word()),
      corrupt(/ends early at byte 0 of 3/),
    );
    assert.throws(
      read([1, 2, 3, 4, 5, 6, 7], (r) => r.float()),
      corrupt(/ends early/),
    );
    assert.throws(
      read([128], (r) => r.count()),
      corrupt(/ends early at byte 1 of 1/),
    );
    assert.throws(
      read([128, 0], (r) => r.count()),
      corrupt(/longer than it need be/),
    );
    assert.throws(
      read([255, 255, 255, 255, 255, 255, 255, 16], (r) => r.count()),
      corrupt(/above 2\^53/),
    );
    assert.throws(
      read([255, 255, 255, 255, 255, 255, 255, 255, 1], (r) => r.count()),
      corrupt(/above 2\^53/),
    );
    assert.throws(
      read([0, 0, 0, 0, 0, 0, 248, 127], (r) => r.number()),
      corrupt(/a NaN/),
    );
    assert.throws(
      read([3, 1, 2], (r) => r.span()),
      corrupt(/3 items at byte 1 of 3/),
    );
    assert.throws(
      read([2, 0xff, 0xfe], (r) => r.text()),
      corrupt(/no UTF-8/),
    );
    assert.throws(
      read([4, 1, 2, 3, 4, 5, 6], (r) => r.length(2)),
      corrupt(/4 items/),
    );
    assert.equal(read([3, 1, 2, 3, 4, 5, 6], (r) => r.length(2))(), 3);
    assert.throws(
      read([1, 2], (r) => [r.byte(), r.end()]),
      corrupt(/goes on at byte 1 of 2/),
    );
    assert.equal(
      read([3, 0xef, 0xbb, 0xbf], (r) => r.text())(),
      "\ufeff",
      "a byte order mark is a character",
    );
  });

  it("reads bytes that are a piece of a larger buffer", () => {
    const all = Uint8Array.of(9, 9, 9, ...written((w) => w.float(2.5)), 9);
    const reader = createReader(all.subarray(3, 11), "thing");
    assert.equal(reader.float(), 2.5);
    reader.end();
  });
});

describe("a seal", () => {
  const sealed = seal(2, (writer) => writer.text("hello"));
  const open = (bytes: Uint8Array, newest = 2): string =>
    unseal(bytes, "thing", newest, (reader) => reader.text());

  it("gives back what it closed, and the version", () => {
    assert.equal(open(sealed), "hello");
    assert.equal(
      unseal(sealed, "thing", 5, (reader, version) => `${reader.text()} ${version}`),
      "hello 2",
    );
    assert.equal(sealed.length, 1 + 6 + 4);
  });

  it("breaks with any bit", () => {
    for (let bit = 8; bit < sealed.length * 8; bit++) {
      const bad = sealed.with(bit >> 3, (sealed[bit >> 3] as number) ^ (1 << (bit & 7)));
      assert.throws(() => open(bad), corrupt(/^thing: a checksum/));
    }
    assert.throws(() => open(sealed.subarray(0, 4)), corrupt(/^thing/));
    assert.throws(() => open(Uint8Array.of(...sealed, 0)), corrupt(/checksum/));
  });

  it("of a newer version is the fault store.version; of none, corrupt", () => {
    assert.throws(() => open(sealed, 1), {
      code: "store.version",
      message: "thing: version 2, this tidemark reads up to 1",
    });
    assert.throws(() => open(Uint8Array.of()), corrupt(/no bytes/));
    assert.throws(() => open(Uint8Array.of(0, 1, 2, 3, 4, 5)), corrupt(/version 0/));
    assert.throws(() => open(Uint8Array.of(2, 0, 0, 0)), corrupt(/version 2/));
  });

  it("of version 1 had no checksum, and has to be read to its end too", () => {
    const old = Uint8Array.of(1, 5, ...Buffer.from("hello"));
    assert.equal(open(old), "hello");
    assert.throws(() => open(Uint8Array.of(...old, 0)), corrupt(/goes on/));
  });
});
