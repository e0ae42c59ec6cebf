import { Fault } from "../model/fault.ts";
import type { Counts } from "../model/record.ts";
import type { EventTime } from "../model/time.ts";
import type { JudgingState } from "./judging-state.ts";
import type { Anchor } from "./ports.ts";
import type { RollState } from "./roll.ts";
import type { SilenceState } from "./silence.ts";
import type { UpcomingPart } from "./upcoming.ts";

/**
 * Layout of a stored value: one byte of version, four bytes (little-endian) with the length of a JSON header, the header,
 * then binary parts whose lengths the header lists.
 */
const version = 2;
/** Version 1 kept no judged windows. */
const oldestVersion = 1;
const prefixBytes = 5;

/** Where one partition stands for one view: offset, counts and open windows travel together. */
export interface LaneCheckpoint {
  /** Of the spec, and of the frames that the sketches were made with: another one cannot go on with these windows. */
  readonly spec: string;
  readonly frames: string;
  readonly nextOffset: number;
  readonly counts: Counts;
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly anchor?: Anchor;
  readonly lost?: number;
  readonly resets?: number;
  readonly tombstones?: number;
  /** Starts of open windows that may lack records. */
  readonly partial?: readonly EventTime[];
  /** Whether the windows that the next record finds or makes lack records. */
  readonly gap?: true;
  readonly state: Uint8Array;
}

export function encodeLane(lane: LaneCheckpoint): Uint8Array {
  const { state, ...header } = lane;
  return pack(header, [state]);
}

/** @throws Fault `store.version` or `store.failed` */
export function decodeLane(bytes: Uint8Array): LaneCheckpoint {
  const { header, parts } = unpack(bytes);
  const [state] = parts;
  if (state === undefined) throw corrupt("no window state");
  return { ...(header as Omit<LaneCheckpoint, "state">), state };
}

interface JudgingHeader extends Partial<SilenceState> {
  readonly spec: string;
  readonly frames: string;
  readonly judgedThrough: EventTime | null;
  readonly breakers: string;
  readonly alerts: string;
  readonly gathered: JudgingState["gathered"];
  readonly retired?: JudgingState["retired"];
  readonly windows: JudgingState["windows"];
  readonly trends?: JudgingState["trends"];
  readonly unheard?: JudgingState["unheard"];
  readonly early?: JudgingState["early"];
  readonly partitions: readonly string[];
  /** Of the last parts: the partitions whose open windows they are, and whether with sketches. */
  readonly open?: readonly (readonly [partition: string, sketched: boolean])[];
  /** Of the parts after those: the partitions of windows of a spec to come. */
  readonly upcoming?: readonly string[];
  /** Of a judge that reads its partitions' signals from a log. */
  readonly log?: Omit<LogPosition, "open" | "upcoming">;
  /** Whether the first part is the warning layer's state. */
  readonly drift?: boolean;
}

/** Where a judge stands in the log of signals: its state is the fold over all records below `nextOffset`. */
export interface LogPosition {
  readonly nextOffset: number;
  readonly roll: RollState;
  /** The open windows that have been told of, by partition. */
  readonly open: readonly {
    readonly partition: string;
    readonly sketched: boolean;
    readonly bytes: Uint8Array;
  }[];
  readonly upcoming: readonly UpcomingPart[];
}

export function encodeJudging(
  state: JudgingState,
  spec: string,
  frames: string,
  log?: LogPosition,
): Uint8Array {
  const { profiles, drift, ...rest } = state;
  const header: JudgingHeader = {
    spec,
    frames,
    ...rest,
    partitions: profiles.map(({ partition }) => partition),
    ...(log === undefined
      ? {}
      : {
          open: log.open.map(({ partition, sketched }) => [partition, sketched] as const),
          upcoming: log.upcoming.map(({ partition }) => partition),
          log: { nextOffset: log.nextOffset, roll: log.roll },
        }),
    ...(drift === undefined ? {} : { drift: true }),
  };
  const parts = [...profiles, ...(log?.open ?? []), ...(log?.upcoming ?? [])].map(({ bytes }) => bytes);
  return pack(header, drift === undefined ? parts : [drift, ...parts]);
}

/** @throws Fault `store.version` or `store.failed` */
export function decodeJudging(bytes: Uint8Array): {
  state: JudgingState;
  spec: string;
  frames: string;
  log: LogPosition | undefined;
} {
  const { header, parts } = unpack(bytes);
  const {
    spec,
    frames,
    partitions,
    open = [],
    upcoming = [],
    log,
    drift: drifted,
    ...rest
  } = {
    ...{ gathered: [], windows: [] },
    ...(header as JudgingHeader),
  };
  const [drift, pending] = drifted === true ? [parts[0], parts.slice(1)] : [undefined, parts];
  const partOf = (index: number): Uint8Array => {
    const part = pending[index];
    if (part === undefined) throw corrupt(`no profile ${index} of ${pending.length}`);
    return part;
  };
  const profiles = partitions.map((partition, index) => ({ partition, bytes: partOf(index) }));
  const opened = open.map(([partition, sketched], index) => ({
    partition,
    sketched,
    bytes: partOf(partitions.length + index),
  }));
  const waiting = upcoming.map((partition, index) => ({
    partition,
    bytes: partOf(partitions.length + open.length + index),
  }));
  const state = { ...rest, profiles };
  return {
    state: drift === undefined ? state : { ...state, drift },
    ...{ spec, frames },
    log: log && { ...log, open: opened, upcoming: waiting },
  };
}

/** A header as JSON and binary parts in one value; `unpack` reads it back. */
export function pack(header: object, parts: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(
    JSON.stringify({ ...header, lengths: parts.map((part) => part.length) }),
  );
  const total = parts.reduce((sum, part) => sum + part.length, prefixBytes + text.length);
  const bytes = new Uint8Array(total);
  bytes[0] = version;
  new DataView(bytes.buffer).setUint32(1, text.length, true);
  bytes.set(text, prefixBytes);
  let at = prefixBytes + text.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @throws Fault `store.version` or `store.failed` */
export function unpack(bytes: Uint8Array): { header: object; parts: Uint8Array[] } {
  const found = bytes[0] ?? 0;
  if (found > version || found < oldestVersion) {
    throw new Fault("store.version", `checkpoint version ${found}, this tidemark reads ${version}`, {
      hint: "run the newer tidemark that wrote it, or point state at a new place",
    });
  }
  if (bytes.length < prefixBytes) throw corrupt(`${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(1, true);
  let header: { lengths?: readonly number[] };
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(prefixBytes, prefixBytes + length)));
  } catch (cause) {
    throw corrupt("its header is no JSON", cause);
  }
  const parts: Uint8Array[] = [];
  let at = prefixBytes + length;
  for (const size of header.lengths ?? []) {
    if (at + size > bytes.length) throw corrupt(`part of ${size} bytes ends after ${bytes.length}`);
    parts.push(bytes.slice(at, at + size));
    at += size;
  }
  const { lengths: _, ...rest } = header;
  return { header: rest, parts };
}

function corrupt(what: string, cause?: unknown): Fault {
  return new Fault("store.failed", `checkpoint: ${what}`, { cause });
}
