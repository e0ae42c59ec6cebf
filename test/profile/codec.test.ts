import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault } from "../../src/model/fault.ts";
import { hashBytes, viewOf } from "../../src/model/hash.ts";
import {
  decodeFieldProfile,
  decodeProfile,
  encodeClosed,
  encodeFieldProfile,
  encodeProfile,
  profileVersion,
} from "../../src/profile/codec.ts";
import type { FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { top } from "../../src/sketch/categories.ts";
import { createRandom } from "../judge/random.ts";
import { assertAgree } from "./agreement.ts";
import { sampleProfile } from "./sample.ts";

const fixture = (version: number): Uint8Array =>
  Uint8Array.from(readFileSync(join(import.meta.dirname, "fixtures", `profile-v${version}.bin`)));

const sample = sampleProfile();
const bytes = encodeProfile(sample);

/** The same bytes under a checksum that fits, so that what stands behind it is met. */
function resealed(mutated: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(mutated);
  if (copy.length < 5) return copy;
  const hash = { low: 0, high: 0 };
  hashBytes(hash, viewOf(copy), 0, copy.length - 4);
  viewOf(copy).setInt32(copy.length - 4, hash.low, true);
  return copy;
}

function faultOf(bytesOf: Uint8Array): Fault | undefined {
  try {
    decodeProfile(bytesOf);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

describe("a profile's bytes", () => {
  it("come back as the profile that they were", () => {
    const back = decodeProfile(bytes);
    assertAgree(back, sample);
    assert.equal(back.late, 3);
    assert.deepEqual(encodeProfile(back), bytes);
    for (const field of sample.fields.values()) {
      const own = encodeFieldProfile(field);
      assert.deepEqual(encodeFieldProfile(decodeFieldProfile(own)), own);
    }
  });

  it("keep the pairs whose correlation is watched", () => {
    const moments = { count: 3, x: 1.5, y: -2, xx: 4, yy: 9, xy: -1 };
    const pairs = [
      { a: "x", b: "seen", moments },
      { a: "x", b: "id", moments: { ...moments, xy: 0.1 } },
    ];
    assert.deepEqual(decodeProfile(encodeProfile({ ...sample, pairs })).pairs, pairs);
  });

  it("name the segment where there is one", () => {
    const segment = { field: "node", value: "\ufeffa7 ü" };
    assert.deepEqual(decodeProfile(encodeProfile({ ...sample, segment })).segment, segment);
    assert.equal(decodeProfile(bytes).segment, null);
  });

  it("are few: less than 12 a row of 8 fields", () => {
    assert.ok(bytes.length < 12 * 1_500, `${bytes.length} bytes`);
  });

  it("are the same for rules that were met in another order, and for −0 and 0", () => {
    const turned = (field: FieldProfile): FieldProfile => ({
      ...field,
      rules: new Map([...field.rules].toReversed()),
    });
    const fields = new Map([...sample.fields].map(([name, field]) => [name, turned(field)]));
    assert.deepEqual(encodeProfile({ ...sample, fields }), bytes);
    const minus: WindowProfile = { ...sample, window: { start: -0, end: 60_000 } };
    assert.deepEqual(encodeProfile(minus), encodeProfile({ ...sample, window: { start: 0, end: 60_000 } }));
  });

  it("of a closed window are made once", () => {
    const closed = encodeClosed(sample);
    assert.deepEqual(closed, bytes);
    assert.equal(encodeClosed(sample), closed);
    assert.notEqual(encodeClosed({ ...sample }), closed);
  });

  it("of a newer version are a Fault that says so, not a guess", () => {
    assert.throws(() => decodeProfile(Uint8Array.of(profileVersion + 1, ...bytes.subarray(1))), {
      name: "Fault",
      code: "store.version",
      message: `profile: version ${profileVersion + 1}, this tidemark reads up to ${profileVersion}`,
      hint: /newer tidemark/,
    });
    assert.throws(() => decodeFieldProfile(Uint8Array.of(200)), {
      code: "store.version",
      message: /^field profile/,
    });
    for (const nothing of [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, ...bytes.subarray(1))])
      assert.throws(() => decodeProfile(nothing), { code: "sketch.corrupt" });
  });
});

describe("the layout", () => {
  it("is the one of the fixture: another needs a new version, and a fixture of its own", () => {
    const known = fixture(profileVersion);
    assert.deepEqual(encodeProfile(decodeProfile(known)), known);
    assert.equal(known.length, bytes.length);
  });

  for (let version = 1; version <= profileVersion; version++) {
    it(`of version ${version} is still read`, () => {
      const back = decodeProfile(fixture(version));
      assertAgree(back, sample);
      assert.equal(encodeProfile(back)[0], profileVersion, "and is written in today's");
      const { body } = back.fields.get("country") as FieldProfile;
      assert(body.kind === "string");
      const counts = top(body.categories, 7).map(({ count }) => count);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        1_449,
      );
    });
  }
});

describe("mutated bytes", () => {
  const { uniform } = createRandom(4_092);
  const below = (n: number): number => Math.floor(uniform() * n);
  const mutations: Readonly<Record<string, (from: Uint8Array) => Uint8Array>> = {
    "a flipped bit": (from) => {
      const copy = Uint8Array.from(from);
      const at = below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << below(8));
      return copy;
    },
    "a byte of all ones": (from) => {
      const copy = Uint8Array.from(from);
      copy[1 + below(copy.length - 1)] = 0xff;
      return copy;
    },
    "a cut end": (from) => from.slice(0, below(from.length)),
    "a piece taken out": (from) => {
      const at = below(from.length);
      return Uint8Array.of(...from.subarray(0, at), ...from.subarray(at + 1 + below(20)));
    },
    "a piece put in": (from) => {
      const at = below(from.length);
      const piece = from.subarray(below(from.length)).subarray(0, 1 + below(20));
      return Uint8Array.of(...from.subarray(0, at), ...piece, ...from.subarray(at));
    },
    "a huge count": (from) => {
      const at = 1 + below(from.length - 1);
      return Uint8Array.of(
        ...from.subarray(0, at),
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0x0f,
        ...from.subarray(at + 1),
      );
    },
    "chance alone": (from) =>
      Uint8Array.from({ length: below(400) }, (_, i) => (i === 0 ? (from[0] as number) : below(256))),
  };

  for (const [name, mutate] of Object.entries(mutations)) {
    it(`with ${name} are a Fault, 700 times of 700`, () => {
      for (let run = 0; run < 700; run++) {
        const mutated = mutate(bytes);
        if (Buffer.compare(mutated, bytes) === 0) continue;
        const fault = faultOf(mutated);
        assert(fault !== undefined, `run ${run}: ${Buffer.from(mutated).toString("base64")}`);
        assert(fault.code === "sketch.corrupt" || fault.code === "store.version");
      }
    });

    it(`with ${name} under a checksum that fits, or none, are a Fault or a profile that can be written again`, () => {
      let refused = 0;
      const peakKiB = process.resourceUsage().maxRSS;
      for (let run = 0; run < 700; run++) {
        const mutated = run % 2 === 0 ? resealed(mutate(bytes)) : mutate(fixture(1));
        const fault = faultOf(mutated);
        if (fault === undefined) assert.ok(encodeProfile(decodeProfile(mutated)).length > 0);
        else refused++;
      }
      assert(refused > 150, `${refused} refused`);
      const grownKiB = process.resourceUsage().maxRSS - peakKiB;
      assert(grownKiB < 300_000, `${grownKiB} KiB more: bounded by the bytes that are there`);
    });
  }
});
