import type { EventTime } from "../model/time.ts";
import { type BreakerOrder, segmentKey } from "../model/verdict.ts";
import { decodeProfile, encodeClosed, encodeProfile } from "../profile/codec.ts";
import { countsOf } from "../profile/merge.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { pack, unpack } from "./checkpoint.ts";
import type { GaugeReading } from "./gauge-reading.ts";
import type { Handover } from "./handover.ts";
import type { Told } from "./unheard.ts";

/**
 * What the owner of a partition says to the judge. All signals of a cluster stand in one log (`<prefix>.profiles`), so that the
 * judge is a fold over it like any other: whoever reads the log from a checkpoint on comes to the same verdicts.
 */
export type Signal =
  /** A closed window of one partition. The same key again replaces it. */
  | {
      readonly kind: "closed";
      /** `partitionKey` */
      readonly partition: string;
      readonly profile: WindowProfile;
      /** Records of it may be missing: retention passed them, or its spec was replaced while it was open. */
      readonly partial: boolean;
    }
  /** The windows that a partition has open, as far as they have grown since they were last told: for early verdicts only. */
  | {
      readonly kind: "open";
      readonly view: string;
      readonly spec: string;
      readonly partition: string;
      readonly asOf: EventTime;
      readonly profiles: readonly WindowProfile[];
      /** Windows of which only the counts are told (`countsOf`). */
      readonly counts: readonly WindowProfile[];
    }
  /** How far a partition has come, or that it is silent and must not hold the others back. */
  | {
      readonly kind: "progress";
      readonly view: string;
      readonly partition: string;
      /** Windows that end at or before it are closed; −Infinity before the first event. */
      readonly watermark: EventTime;
      readonly idle: boolean;
    }
  /** How many partitions a topic has, as somebody who looked says: the judge waits for all of them. */
  | { readonly kind: "partitions"; readonly topic: string; readonly count: number }
  /** A person's word about a breaker. */
  | { readonly kind: "order"; readonly order: BreakerOrder }
  /** What somebody who asked a Prometheus says of its series. */
  | { readonly kind: "gauge"; readonly reading: GaugeReading }
  /** Somebody outside has taken a change of an alert: the next judge need not tell of it. */
  | ({ readonly kind: "told"; readonly view: string } & Told);

/** A signal as a record of the log. */
export interface SignalRecord {
  readonly kind: Signal["kind"];
  readonly key: string;
  readonly value: Uint8Array;
  /** Of a closed window: where it is from, whether it is partial, and its name among those that its writer has kept. */
  readonly headers: Readonly<Record<string, string>>;
}

export const kindHeader = "tidemark.kind";
const [partitionHeader, partialHeader, keptHeader] = [
  "tidemark.partition",
  "tidemark.partial",
  "tidemark.kept",
];

/** Equal signals have equal keys and values. */
export function encodeSignal(signal: Signal, handover?: Handover): SignalRecord {
  const { kind } = signal;
  switch (kind) {
    case "closed": {
      const { partition, profile, partial } = signal;
      const { featureView, spec, window, segment } = profile;
      const value = encodeClosed(profile);
      return {
        kind,
        key: [featureView, spec, window.start, segmentKey(segment), partition].join("|"),
        value,
        headers: {
          [kindHeader]: kind,
          [partitionHeader]: partition,
          ...(partial ? { [partialHeader]: "true" } : {}),
          ...(handover === undefined ? {} : { [keptHeader]: handover.keep(profile, value.length) }),
        },
      };
    }
    case "open": {
      const { profiles, counts, ...rest } = signal;
      const header = { ...rest, whole: profiles.length };
      const parts = [...profiles, ...counts.map(countsOf)].map(encodeProfile);
      return record(kind, `${signal.view}|${signal.partition}`, pack(header, parts));
    }
    case "progress": {
      const { watermark } = signal;
      const header = { ...signal, watermark: Number.isFinite(watermark) ? watermark : null };
      return record(kind, `${signal.view}|${signal.partition}`, pack(header, []));
    }
    case "partitions":
      return record(kind, signal.topic, pack(signal, []));
    case "order":
      return record(kind, `${signal.order.featureView}|${signal.order.at}`, pack(signal, []));
    case "gauge":
      return record(kind, `${signal.reading.featureView}|gauge`, pack(signal, []));
    case "told":
      return record(kind, `${signal.view}|${signal.fingerprint}`, pack(signal, []));
  }
}

/**
 * @returns undefined for a record that is no signal of a kind known here: a newer tidemark's, or a stranger's
 * @throws Fault `sketch.corrupt`, `store.version` or `store.failed`
 */
export function decodeSignal(
  headers: ReadonlyMap<string, string>,
  value: Uint8Array,
  handover?: Handover,
): Signal | undefined {
  const kind = headers.get(kindHeader);
  switch (kind) {
    case "closed": {
      const partition = headers.get(partitionHeader);
      if (partition === undefined) return undefined;
      return {
        kind,
        partition,
        profile: handover?.take(headers.get(keptHeader) ?? "") ?? decodeProfile(value),
        partial: headers.get(partialHeader) === "true",
      };
    }
    case "open": {
      const { header, parts } = unpack(value);
      const { whole = parts.length, ...rest } = header as OpenHeader;
      const profiles = parts.map(decodeProfile);
      return { ...rest, profiles: profiles.slice(0, whole), counts: profiles.slice(whole) };
    }
    case "progress": {
      const header = unpack(value).header as Extract<Signal, { kind: "progress" }>;
      return { ...header, watermark: header.watermark ?? Number.NEGATIVE_INFINITY };
    }
    case "partitions":
      return unpack(value).header as Extract<Signal, { kind: "partitions" }>;
    case "order":
      return unpack(value).header as Extract<Signal, { kind: "order" }>;
    case "gauge":
      return unpack(value).header as Extract<Signal, { kind: "gauge" }>;
    case "told":
      return unpack(value).header as Extract<Signal, { kind: "told" }>;
    default:
      return undefined;
  }
}

/** `whole`: how many of the profiles have their sketches; absent in what an older tidemark wrote, where all of them had. */
type OpenHeader = Omit<Extract<Signal, { kind: "open" }>, "profiles" | "counts"> & { whole?: number };

function record(kind: Signal["kind"], key: string, value: Uint8Array): SignalRecord {
  return { kind, key, value, headers: { [kindHeader]: kind } };
}
