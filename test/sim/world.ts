import type { FeatureView } from "../../src/model/feature-view.ts";
import type { EventTime, WallTime } from "../../src/model/time.ts";
import type { BreakerOrder, Segment } from "../../src/model/verdict.ts";
import type { OpenWindow } from "../../src/pipeline/judged-windows.ts";
import type { Judging } from "../../src/pipeline/judging.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import type { Told } from "../../src/pipeline/unheard.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import type { Random } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

const country = fieldSpec("country", "string", { mapping: { values: ["US", "GB"], maxDefaultRate: 0.01 } });
const amount = fieldSpec("amount", "float64", { finite: true });
export const view: FeatureView = featureView([country, amount], {
  segments: ["node"],
  window: { sizeMs: minute, latenessMs: 0, minRows: 50 },
  breaker: { openAfter: 1, closeAfter: 2, minRows: 50 },
});

/** What a judge is told, as data, so that another judge can be told the same. */
export type Step =
  | { readonly kind: "add"; readonly partition: string; readonly profile: WindowProfile }
  | { readonly kind: "close"; readonly watermark: EventTime }
  | { readonly kind: "early"; readonly open: readonly OpenWindow[]; readonly asOf: EventTime }
  | { readonly kind: "order"; readonly order: BreakerOrder }
  | { readonly kind: "expire"; readonly now: WallTime }
  | { readonly kind: "told"; readonly word: Told };

export function take(judging: Judging, step: Step): readonly Outcome[] {
  switch (step.kind) {
    case "add":
      judging.add(step.partition, step.profile);
      return [];
    case "close":
      return judging.close(step.watermark, step.watermark);
    case "early":
      return judging.early(step.open, step.asOf);
    case "order":
      return judging.order(step.order);
    case "expire":
      return judging.expire(step.now);
    case "told":
      judging.unheard.told(step.word);
      return [];
  }
}

/** How a stretch of windows is: what its rows hold. */
const moods = {
  good: { rows: 60, unknowns: 0, nans: 0 },
  unknown: { rows: 60, unknowns: 30, nans: 0 },
  nan: { rows: 60, unknowns: 0, nans: 2 },
  small: { rows: 12, unknowns: 0, nans: 0 },
  both: { rows: 60, unknowns: 40, nans: 1 },
} as const;
type Mood = keyof typeof moods;

function bodyOf(mood: Mood, share: number): WindowProfile {
  const { rows, unknowns, nans } = moods[mood];
  const count = Math.max(1, Math.round(rows * share));
  const cells = (of: (row: number) => Cell): Cell[] => Array.from({ length: count }, (_, row) => of(row));
  const fields = new Map([
    [
      "country",
      profileOf(
        country,
        cells((row) => (row < unknowns * share ? "United States" : "US")),
      ),
    ],
    [
      "amount",
      profileOf(
        amount,
        cells((row) => (row < nans ? Number.NaN : row)),
      ),
    ],
  ]);
  return windowProfile(view, fields);
}

/** Looks at a window while it is open; most find it no larger than before. */
const looksMax = 20;

/** Made once: a step only moves one of them to its window. */
const bodies = new Map(
  (Object.keys(moods) as Mood[]).flatMap((mood) =>
    [0.5, 0.8, 1].map((share) => [`${mood} ${share}`, bodyOf(mood, share)] as const),
  ),
);
const segments: readonly (Segment | null)[] = [
  null,
  { field: "node", value: "a" },
  { field: "node", value: "b" },
];

/**
 * A stream of two partitions as a judge hears of it, of good and bad stretches, with windows that come late and twice, early looks,
 * and people who give orders. Endless; the same chance, the same steps.
 */
export function* steps({ uniform }: Random): Generator<Step, never> {
  let mood: Mood = "good";
  let wall = 0;
  const at = (start: EventTime, share: number, segment: Segment | null): WindowProfile => {
    const body = bodies.get(`${mood} ${share}`) as WindowProfile;
    // what is derived of a field's profile is kept by the object: each window has its own
    const fields = new Map([...body.fields].map(([name, field]) => [name, { ...field }]));
    return {
      ...body,
      fields,
      segment,
      window: { start, end: start + minute },
      lastEvent: start + share * minute,
    };
  };
  for (let start = 0; ; start += minute) {
    if (uniform() < 0.15) mood = pick(Object.keys(moods) as Mood[], uniform());
    const present = uniform() < 0.93 ? [null] : segments;
    for (let look = 0; look < looksMax; look++) {
      if (uniform() < 0.5) continue;
      const share = look < looksMax / 2 ? 0.5 : 0.8;
      const open = present.map((segment) => {
        const parts = [at(start, share, segment), at(start, share, segment)];
        return { counts: parts, sketches: uniform() < 0.3 ? [] : parts };
      });
      yield { kind: "early", open, asOf: start + share * minute };
    }
    for (const partition of ["t-0", "t-1"]) {
      if (partition === "t-1" && uniform() < 0.6) continue; // silent
      for (const segment of present) yield { kind: "add", partition, profile: at(start, 1, segment) };
    }
    yield { kind: "close", watermark: start + minute };
    if (uniform() < 0.1) {
      const late = Math.max(0, start - Math.floor(uniform() * 4) * minute);
      yield { kind: "add", partition: "t-1", profile: at(late, 1, null) };
      yield { kind: "close", watermark: start + minute };
    }
    if (uniform() < 0.03) {
      const action = uniform() < 0.5 ? "open" : "close";
      const order = {
        featureView: view.name,
        segment: pick(segments, uniform()),
        action,
        at: start + minute,
      } as const;
      yield { kind: "order", order: { ...order, muteUntil: null, reason: "a drill" } };
    }
    wall += (uniform() - 0.3) * 2 * minute; // a clock that jumps, also back
    if (uniform() < 0.2) yield { kind: "expire", now: wall };
  }
}

function pick<T>(some: readonly T[], chance: number): T {
  return some[Math.floor(chance * some.length)] as T;
}
