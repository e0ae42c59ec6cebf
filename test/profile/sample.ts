import type { WindowProfile } from "../../src/profile/profile.ts";
import { createRandom } from "../judge/random.ts";
import { batchOf, profilesOf, type Row } from "./batches.ts";

const pick = <T>(values: readonly T[], share: number): T => values[Math.floor(share * values.length)] as T;

/**
 * The profile that the fixtures hold: 1,500 seeded rows of one window with every kind of body, every rule of `testView`
 * broken, dense and sparse distinct counts, long values. The layout's tests and its fuzzing begin here.
 */
export function sampleProfile(): WindowProfile {
  const { uniform, normal } = createRandom(20_260_303);
  const rows = Array.from({ length: 1_500 }, (_, i): Row => {
    const orNull = <T>(value: T): T | null => (uniform() < 0.03 ? null : value);
    const odd = pick(
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e9, -0, 5e-324],
      uniform(),
    );
    return {
      time: i * 40,
      x: orNull(uniform() < 0.02 ? odd : normal(0, 5)),
      id: orNull(BigInt(i) * 9_007_199_254_740_993n),
      seen: orNull(i * 40 - Math.floor(uniform() * 1e6)),
      country: orNull(
        pick(["US", "GB", "DE", "FR", "United States", "", `long ${"ü".repeat(200)}`], uniform()),
      ),
      device: orNull(pick(["ios", "android", "web"], uniform())),
      ok: orNull(uniform() < 0.7),
      vector: orNull(
        uniform() < 0.01 ? [odd, 1] : [normal(), normal(3, 0.1), uniform() < 0.01 ? odd : normal(-1)],
      ),
      node: null,
    };
  });
  const [profile] = profilesOf([batchOf(rows)]);
  if (profile === undefined) throw new TypeError("rows without a window");
  profile.late = 3;
  return profile;
}
