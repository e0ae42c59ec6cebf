import type { FieldBody, WindowProfile } from "../profile/profile.ts";
import type { Categories } from "../sketch/categories.ts";
import type { Outcome } from "./ports.ts";

/** What an object of a few fields costs; verdicts are some of them. */
const [objectBytes, verdictBytes, fieldBytes] = [200, 600, 400];

/** About how much memory an outcome holds while it waits for a sink: what it points to, counted once an outcome. */
export function outcomeBytes(outcome: Outcome): number {
  switch (outcome.kind) {
    case "dead-letter":
      return objectBytes + outcome.deadLetter.bytes.length;
    case "profile":
      return objectBytes + profileBytes(outcome.profile);
    case "judged":
      return objectBytes + profileBytes(outcome.profile) + verdictBytes * outcome.judged.verdicts.length;
    case "signal": {
      const { signal } = outcome;
      if (signal.kind !== "open") return objectBytes;
      const profiles = [...signal.profiles, ...signal.counts];
      return profiles.reduce((sum, profile) => sum + profileBytes(profile), objectBytes);
    }
    case "alert":
    case "breaker":
      return verdictBytes;
  }
}

function profileBytes({ fields }: WindowProfile): number {
  let sum = objectBytes;
  for (const { body } of fields.values()) sum += fieldBytes + bodyBytes(body);
  return sum;
}

function bodyBytes(body: FieldBody): number {
  switch (body.kind) {
    case "numeric":
      return body.histogram.counts.byteLength + distinctBytes(body);
    case "string":
      return categoriesBytes(body.categories) + categoriesBytes(body.unknowns) + distinctBytes(body);
    case "embedding":
      return body.means.byteLength + body.m2s.byteLength;
    case "bool":
      return 0;
  }
}

function categoriesBytes({ bytes, slots, low, counts }: Categories): number {
  return bytes.byteLength + slots.byteLength + 4 * low.byteLength + counts.byteLength;
}

function distinctBytes({
  distinct: { registers, sparse },
}: Extract<FieldBody, { kind: "numeric" | "string" }>): number {
  return (registers?.byteLength ?? 0) + sparse.byteLength;
}
