import assert from "node:assert/strict";
import { decodeJson } from "../../src/decode/json.ts";
import type { Baseline } from "../../src/judge/baseline.ts";
import { buildBaseline } from "../../src/judge/baseline-build.ts";
import type { Batch } from "../../src/model/batch.ts";
import { type FeatureView, hintsOf } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { type Message, type Partition, partitionKey } from "../../src/model/record.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import type { Outcome, Sink } from "../../src/pipeline/ports.ts";
import { encodeProfile } from "../../src/profile/codec.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createRandom, type Random } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

export const topic = "orders";
const amount = fieldSpec("amount", "float64", { finite: true });
const country = fieldSpec("country", "string", {
  mapping: { values: ["US", "GB", "DE"], maxDefaultRate: 0.02 },
});
const isNew = fieldSpec("is_new", "bool");
const embedding = fieldSpec("embedding", "embedding", { dimensions: 3, finite: true });
export const view: FeatureView = featureView([amount, country, isNew, embedding], {
  segments: ["node"],
  source: { topic, format: "json", eventTime: "at", requestId: "id" },
  window: { sizeMs: minute, latenessMs: 10_000, minRows: 20 },
  breaker: { openAfter: 1, closeAfter: 2, minRows: 20 },
});

/** The same, with windows that are judged again for late rows. */
export const revising: FeatureView = {
  ...view,
  window: { ...view.window, reviseMs: 10_000 },
  fingerprint: "sha256:revising",
};

/** What a partition's log holds; an offset may be missing, as after compaction or between transactions. */
export interface Log {
  readonly partition: Partition;
  readonly messages: readonly Message[];
}

const textOf = (rows: readonly object[]): Uint8Array => new TextEncoder().encode(JSON.stringify(rows));

/** Windows of which the rows hold something: NaN, values nobody knows, another mean, or nothing of it. */
const windows = 12;
const faults: Readonly<Record<number, Partial<Record<"amount" | "country", unknown>>>> = {
  3: { amount: "NaN" },
  6: { country: "United States" },
  9: { amount: 500 },
};

function rowOf(at: number, id: string, random: Random, fault: object | undefined): object {
  const value = Math.round(random.normal(100, 10) * 1_000) / 1_000;
  return {
    at,
    id,
    amount: random.uniform() < 0.02 ? null : value,
    country: random.pick(["US", "GB", "DE", null], [6, 3, 2, 0.3]),
    is_new: random.uniform() < 0.3,
    embedding: [random.normal(), random.normal(2), random.normal(-1, 3)],
    node: random.pick(["a", "b", "c"], [3, 2, 0.1]),
    ...(random.uniform() < 0.7 ? fault : {}),
  };
}

/**
 * Logs of so many partitions: rows out of order, late, without a time and of the future, poison, tombstones, gaps; with faults that
 * open the breaker, and time between for it to close. The last message moves the clock on, so that every window of before is over.
 */
export function logsOf(seed: number, partitions: number): readonly Log[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const random = createRandom(seed * 31 + partition);
    const messages: Message[] = [];
    let offset = 0;
    const add = (timestamp: number, body: Message["body"]): void => {
      messages.push({ offset, timestamp, headers: new Map(), body });
      offset += random.uniform() < 0.1 ? 1 + Math.ceil(random.uniform() * 4) : 1;
    };
    const step = (minute * partitions) / 60;
    for (let at = 0; at < windows * minute; at += step * (1 + random.uniform())) {
      const rows = Array.from({ length: Math.ceil(random.uniform() ** 2 * 10) }, (_, row) => {
        const chance = random.uniform();
        const jitter = chance < 0.05 ? -30_000 * random.uniform() : 2_000 * random.uniform();
        const time = chance > 0.995 ? null : chance > 0.99 ? at + 3_600_000 : Math.max(0, at + jitter);
        return rowOf(
          time as number,
          `${partition}.${offset}.${row}`,
          random,
          faults[Math.floor((at + jitter) / minute)],
        );
      });
      add(at, { kind: "bytes", bytes: textOf(rows) });
      if (random.uniform() < 0.02) add(at, { kind: "bytes", bytes: Uint8Array.of(0x7b, 1, 2) });
      if (random.uniform() < 0.02) add(at, { kind: "tombstone" });
    }
    const end = (windows + 2) * minute;
    add(end, { kind: "bytes", bytes: textOf([rowOf(end, "last", random, undefined)]) });
    return { partition: { topic, partition }, messages };
  });
}

/** Of an hour without a fault. */
export async function cleanBaseline(): Promise<Baseline> {
  const random = createRandom(5);
  const rows = Array.from({ length: 3_600 }, (_, at) => rowOf(at * 1_000, String(at), random, undefined));
  const batch = decodeJson(textOf(rows), hintsOf(view), defaultLimits);
  async function* open(): AsyncGenerator<Batch> {
    yield batch;
  }
  return buildBaseline(view, open, { limits: defaultLimits, toolVersion: "0" });
}

const textOfProfile = (profile: WindowProfile): string =>
  Buffer.from(encodeProfile(profile)).toString("base64");

/**
 * Everything that was told, each thing once and by its name. A thing that is told again must be the same to the bit; a change
 * that an early look made, and how often late rows have revised a window, only where that is promised: of one partition.
 */
export interface Told {
  readonly sink: Sink;
  /** Closed windows of each partition. */
  readonly profiles: Map<string, string>;
  /** Of all partitions together, with the profile that they are of. */
  readonly verdicts: Map<string, string>;
  /** Of alerts and breakers, in the order in which they were told first. */
  readonly changes: Map<string, string>;
  readonly deadLetters: Map<string, string>;
}

export function createTold({ early }: { readonly early: "same" | "any" }): Told {
  const told = {
    ...{ profiles: new Map<string, string>(), verdicts: new Map<string, string>() },
    ...{ changes: new Map<string, string>(), deadLetters: new Map<string, string>() },
  };
  const put = (into: Map<string, string>, key: string, value: string): void => {
    assert.equal(value, into.get(key) ?? value, `${key} is told again, and otherwise`);
    into.set(key, value);
  };
  const putChange = (key: string, value: string): void =>
    put(told.changes, key, early === "any" ? (told.changes.get(key) ?? value) : value);
  const take = (outcome: Outcome): void => {
    switch (outcome.kind) {
      case "profile": {
        const { profile, partition, partial = false } = outcome;
        const { window, segment, rows } = profile;
        const place = `${window.start}|${segmentKey(segment)}|${partitionKey(partition)}|${rows}`;
        put(told.profiles, place, `${partial} ${textOfProfile(profile)}`);
        break;
      }
      case "judged": {
        const { judged, profile } = outcome;
        const { window, segment, revision = 0, rows } = judged;
        if (!judged.final) break;
        const place = `${window.start}|${segmentKey(segment)}|${revision}`;
        const text = `${JSON.stringify(judged)} ${textOfProfile(profile)}`;
        // what the warning layer has followed hangs on which rows had come when a window was judged first
        if (early === "any" && judged.spec === revising.fingerprint)
          told.verdicts.set(`${place}|${rows}`, text);
        else put(told.verdicts, place, text);
        break;
      }
      case "alert": {
        const { fingerprint, startsAt, status } = outcome.alert;
        putChange(`${fingerprint}@${startsAt} ${status}`, JSON.stringify(outcome.alert));
        break;
      }
      case "breaker": {
        const { breaker, transition } = outcome;
        const place = `${segmentKey(breaker.segment)} ${transition.time} ${transition.from} → ${transition.to}`;
        putChange(place, JSON.stringify({ ...breaker, transition }));
        break;
      }
      case "dead-letter": {
        const { partition, offset, bytes, ...rest } = outcome.deadLetter;
        const place = `${partitionKey(partition)}@${offset}`;
        put(told.deadLetters, place, `${JSON.stringify(rest)} ${bytes}`);
        break;
      }
      case "signal":
        break;
    }
  };
  const sink: Sink = {
    name: "told",
    accept: async (outcomes) => outcomes.forEach(take),
    close: async () => undefined,
  };
  return { ...told, sink };
}
