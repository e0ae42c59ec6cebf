import { createDecoder, type Decoder } from "../decode/decode.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import {
  addCounts,
  type Counts,
  emptyCounts,
  type Message,
  type Partition,
  partitionKey,
} from "../model/record.ts";
import type { EventTime } from "../model/time.ts";
import type { Example } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { PartitionState, Profiler } from "../profile/profiler.ts";
import { withLinks } from "./link-columns.ts";
import type { Anchor, DeadLetter, Gap } from "./ports.ts";
import { rowsInRange, type TimeRange } from "./time-range.ts";

/** Bytes kept of a dead letter; a longer message is cut there and says so in its message. */
const deadLetterBytesMax = 16 * 1024 * 1024;

/** One partition as one feature view sees it: position, counts and open windows. */
export interface Lane {
  readonly partition: Partition;
  readonly key: string;
  readonly view: FeatureView;
  readonly counts: Counts;
  /** Dead letters by reason. */
  readonly deadLetters: Map<string, number>;
  /** The first row that was rejected since the start, and why. */
  rejected: Example | undefined;
  /** The first offset that has not been seen. */
  nextOffset: number;
  /** The last record that was seen. */
  anchor: Anchor | undefined;
  /** Records that were gone from the log before they were seen; not among those read. */
  lost: number;
  /** How often the log turned out to be another one: its topic was made anew, or its offsets went back. */
  resets: number;
  /** Records without a value: not among those read, which are rows. */
  tombstones: number;
  /** Starts of open windows that may lack records. */
  readonly partial: Set<EventTime>;
  /** Records were lost before the next one: the windows that it finds or makes are partial. */
  gap: boolean;
  state: PartitionState;
  /** No record will come any more. */
  ended: boolean;
}

export interface LaneStep {
  readonly closed: readonly ClosedWindow[];
  readonly deadLetter: DeadLetter | undefined;
}

export interface ClosedWindow {
  readonly profile: WindowProfile;
  /** Records of it may be missing. */
  readonly partial: boolean;
}

export function createLane(partition: Partition, view: FeatureView, state: PartitionState): Lane {
  return {
    partition,
    key: partitionKey(partition),
    view,
    counts: emptyCounts(),
    deadLetters: new Map(),
    rejected: undefined,
    nextOffset: 0,
    anchor: undefined,
    lost: 0,
    resets: 0,
    tombstones: 0,
    partial: new Set(),
    gap: false,
    state,
    ended: false,
  };
}

/** Decoder for one view: row formats are read by the spec's types, and by what segments and ids need. */
export function decoderFor(view: FeatureView, limits: Limits): Decoder {
  return createDecoder({ hints: hintsOf(view), format: view.source.format, limits });
}

/**
 * Folds one message into a lane. A message that cannot be decoded, or has no event-time column, becomes a dead letter:
 * it counts as one record, and nothing of it is profiled. Rows outside `range` are as if they were not there.
 */
export function stepLane(
  lane: Lane,
  message: Message,
  decoder: Decoder,
  profiler: Profiler,
  range?: TimeRange,
): LaneStep {
  lane.nextOffset = message.offset + 1;
  lane.anchor = { offset: message.offset, timestamp: message.timestamp };
  if (message.body.kind === "tombstone") {
    lane.tombstones += 1;
    return { closed: [], deadLetter: undefined };
  }
  let batches: readonly Batch[];
  try {
    batches = batchesOf(message, decoder);
    for (const batch of batches) requireEventTime(batch, lane.view);
    if (range !== undefined) {
      const { eventTime } = lane.view.source;
      batches = batches.flatMap((batch) => rowsInRange(batch, eventTime, message.timestamp, range));
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    lane.counts.read += 1;
    lane.counts.deadLettered += 1;
    lane.deadLetters.set(error.reason, (lane.deadLetters.get(error.reason) ?? 0) + 1);
    return { closed: [], deadLetter: deadLetterOf(lane.partition, message, error) };
  }
  const closed: WindowProfile[] = [];
  const position = `${lane.key}@${message.offset}`;
  for (const batch of batches) {
    const linked = withLinks(batch, message.headers, lane.view, lane.key);
    const folded = profiler.fold(lane.state, linked, { timestamp: message.timestamp, position });
    addCounts(lane.counts, folded.counts);
    lane.rejected ??= folded.rejectedExample;
    closed.push(...folded.closed);
  }
  return { closed: takePartial(lane, profiler, closed), deadLetter: undefined };
}

/** Closes every window that is open: the partition has ended, or what follows is another log or another spec. */
export function flushLane(lane: Lane, profiler: Profiler): readonly ClosedWindow[] {
  return takePartial(lane, profiler, profiler.flush(lane.state));
}

/**
 * Takes note of records that are gone. Whatever is open lacks them, and so may what the next record opens.
 * @returns what is closed by it: everything, when the log is another one
 */
export function loseRecords(lane: Lane, { from, to }: Gap, profiler: Profiler): readonly ClosedWindow[] {
  if (to !== undefined && to <= lane.nextOffset) return [];
  for (const { window } of profiler.open(lane.state)) lane.partial.add(window.start);
  if (to === undefined) {
    const closed = flushLane(lane, profiler);
    Object.assign(lane, {
      state: profiler.start(),
      nextOffset: 0,
      anchor: undefined,
      resets: lane.resets + 1,
    });
    return closed;
  }
  lane.lost += to - Math.max(from, lane.nextOffset);
  lane.nextOffset = to;
  lane.gap = true;
  return [];
}

function takePartial(
  lane: Lane,
  profiler: Profiler,
  closed: readonly WindowProfile[],
): readonly ClosedWindow[] {
  if (!lane.gap && lane.partial.size === 0) return closed.map((profile) => ({ profile, partial: false }));
  if (lane.gap) {
    for (const { window } of [...closed, ...profiler.open(lane.state)]) lane.partial.add(window.start);
    lane.gap = false;
  }
  const marked = closed.map((profile) => ({ profile, partial: lane.partial.has(profile.window.start) }));
  for (const { window } of closed) lane.partial.delete(window.start);
  return marked;
}

function batchesOf({ body, headers, schema }: Message, decoder: Decoder): readonly Batch[] {
  switch (body.kind) {
    case "batch":
      return [decoder.named(body.batch)];
    case "batches":
      return body.batches.map((batch) => decoder.named(batch));
    case "tombstone":
      return [];
    case "bytes":
      return decoder.decode(body.bytes, { headers, schema });
    case "undecodable":
      throw body.error instanceof DecodeError
        ? body.error
        : new DecodeError("malformed", body.error.message, { cause: body.error });
  }
}

function requireEventTime(batch: Batch, { source }: FeatureView): void {
  if (source.eventTime === undefined || batch.columns.has(source.eventTime) || batch.rows === 0) return;
  const found = [...batch.columns.keys()].slice(0, 8).join(", ");
  throw new DecodeError(
    "schema",
    `no event-time column "${source.eventTime}"; found ${found || "no column"}`,
  );
}

function deadLetterOf(
  partition: Partition,
  { offset, body, headers }: Message,
  error: DecodeError,
): DeadLetter {
  const bytes = "bytes" in body ? body.bytes : new Uint8Array();
  const cut =
    bytes.length > deadLetterBytesMax
      ? ` (the first ${deadLetterBytesMax} of ${bytes.length} bytes are kept)`
      : "";
  return {
    partition,
    offset,
    reason: error.reason,
    message: error.message + cut,
    // copies: the source has its buffers back before every sink has the letter
    bytes: new Uint8Array(bytes.subarray(0, deadLetterBytesMax)),
    key: body.kind === "bytes" && body.key !== undefined ? new Uint8Array(body.key) : undefined,
    headers,
  };
}
