import type { Kafka } from "kafkajs";
import { Fault } from "../model/fault.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import { kafkaFault } from "./kafka-client.ts";
import { type Fetched, openTopic, type TopicReader } from "./kafka-fetch.ts";
import { pause } from "./pause.ts";

/** One end of a range: a time of the records' own timestamps, an offset for each partition that is meant, or an end of the log. */
export type Bound =
  | { readonly kind: "time"; readonly time: number }
  | { readonly kind: "offsets"; readonly offsets: ReadonlyMap<number, number> }
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" };

export interface TopicRangeOptions {
  readonly client: Kafka;
  /** For messages. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly from: Bound;
  /** Not included. `latest` is where the log ends when the reading begins. */
  readonly to: Bound;
  /** What partitions are merged by, instead of the record's timestamp. */
  readonly orderOf?: (message: Message) => number;
  /** Says what part of the range is gone. */
  readonly onLost?: (text: string) => void;
  /** Offsets behind us, of how many. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Bytes of one partition in one fetch; smaller when there are many, so that all of them together stay in `bufferBytes`. */
const fetchBytes = { most: 1024 * 1024, least: 64 * 1024 };
const bufferBytes = 64 * 1024 * 1024;
/** How long the broker may wait for data that must be there. */
const waitMs = 100;
/** Messages handed over at once. */
const sliceMessages = 64;
/** Tries before an error that may mend itself is given up, and the first pause between them; it doubles. */
const [triesMax, firstPauseMs] = [6, 200];
/** Empty answers to a fetch of one partition alone, before its offset is taken to be inside a batch that compaction has emptied. */
const emptyMax = 3;

/**
 * A part of a topic as a source: from one position of every partition to another, then it ends. It belongs to no group
 * and commits nothing, so no live consumer notices it. It stops by position, never by the last record: offsets have gaps
 * where commit markers, aborted transactions and compacted records are.
 *
 * Partitions are read side by side and handed over in the order of their records' timestamps, so that the same range gives
 * the same order every time, whatever the fetches brought together, and no partition runs far ahead. `orderOf` may put
 * another time in that place.
 */
export function createTopicRange(options: TopicRangeOptions): TopicRange {
  let spans: readonly Span[] | undefined;
  return {
    spans: () => spans ?? [],
    async run(receiver, signal) {
      const { client, brokers, topic } = options;
      let reader: TopicReader | undefined;
      try {
        reader = await openTopic(client, topic);
        spans ??= await resolveSpans(reader, options);
        await readSpans(reader, spans, options, receiver, signal);
      } catch (error) {
        throw isKafkaError(error) ? kafkaFault(brokers, error) : error;
      } finally {
        await reader?.close();
      }
    },
  };
}

/** A source that can be run again: its range is fixed when it is run first. */
export interface TopicRange extends Source {
  /** What is read, once it is known. */
  spans(): readonly Span[];
}

/** `[from, to)` of one partition, in offsets. */
export interface Span {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Bounds as offsets, within what the log holds. Offsets name the partitions that are read; times mean all of them.
 * @throws Fault `usage` for a partition that the topic does not have
 */
async function resolveSpans(reader: TopicReader, options: TopicRangeOptions): Promise<readonly Span[]> {
  const { topic, from, to, onLost } = options;
  const [low, high] = await Promise.all([reader.earliest(), reader.latest()]);
  const wanted = partitionsOf(reader, topic, [from, to]);
  const [starts, ends] = await Promise.all(
    [from, to].map((bound) => offsetsOf(reader, bound, { low, high })),
  );
  return wanted.map((partition) => {
    const [first, end] = [low.get(partition) ?? 0, high.get(partition) ?? 0];
    const asked = starts?.get(partition) ?? first;
    if (asked < first && from.kind === "offsets")
      onLost?.(`${topic}-${partition}: offsets ${asked} to ${first - 1} are gone from the log`);
    const start = Math.min(Math.max(asked, first), end);
    return { partition, from: start, to: Math.max(start, Math.min(ends?.get(partition) ?? end, end)) };
  });
}

function partitionsOf(reader: TopicReader, topic: string, bounds: readonly Bound[]): readonly number[] {
  const named = bounds.flatMap((bound) => (bound.kind === "offsets" ? [...bound.offsets.keys()] : []));
  const unknown = named.find((partition) => !reader.partitions.includes(partition));
  if (unknown !== undefined) {
    const last = reader.partitions.at(-1) ?? 0;
    throw new Fault("usage", `${topic} has no partition ${unknown}`, { hint: `it has 0 to ${last}` });
  }
  return named.length === 0 ? reader.partitions : [...new Set(named)].sort((a, b) => a - b);
}

async function offsetsOf(
  reader: TopicReader,
  bound: Bound,
  { low, high }: { low: ReadonlyMap<number, number>; high: ReadonlyMap<number, number> },
): Promise<ReadonlyMap<number, number>> {
  switch (bound.kind) {
    case "time":
      return reader.at(bound.time);
    case "offsets":
      return bound.offsets;
    case "earliest":
      return low;
    case "latest":
      return high;
  }
}

/** One partition on its way from `position` to `to`. */
interface Track extends Span {
  readonly place: Partition;
  position: number;
  /** Fetched and not handed over yet, from `taken` on. */
  buffer: readonly Message[];
  /** The time that each of them is ordered by. */
  times: Float64Array;
  taken: number;
  /** Empty answers in a row. */
  empty: number;
  ended: boolean;
}

async function readSpans(
  reader: TopicReader,
  spans: readonly Span[],
  options: TopicRangeOptions,
  receiver: Receiver,
  signal: AbortSignal,
): Promise<void> {
  const { topic, onProgress } = options;
  const tracks: Track[] = spans.map((span) => ({
    ...span,
    place: { topic, partition: span.partition },
    position: span.from,
    buffer: [],
    times: new Float64Array(0),
    taken: 0,
    empty: 0,
    ended: false,
  }));
  const of = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  for (const { place } of tracks) await receiver.assigned(place);
  const filler = createFiller(reader, tracks, options, signal);
  for (;;) {
    for (const track of tracks) {
      if (track.ended || waiting(track) > 0 || track.position < track.to) continue;
      track.ended = true;
      await receiver.ended(track.place);
    }
    const going = tracks.filter(({ ended }) => !ended);
    if (going.length === 0) return;
    await filler.fill();
    if (signal.aborted) return;
    const next = earliestOf(going);
    if (next === undefined) continue;
    const { track, until } = next;
    const slice = takeWhile(track, until);
    await receiver.receive(track.place, slice);
    if (signal.aborted) return;
    onProgress?.(
      tracks.reduce((sum, each) => sum + reached(each) - each.from, 0),
      of,
    );
  }
}

const waiting = ({ buffer, taken }: Track): number => buffer.length - taken;

function reached(track: Track): number {
  return track.buffer[track.taken]?.offset ?? Math.min(track.position, track.to);
}

/** The track whose next record is the oldest, and the time that the next one but it begins at. Undefined while one of them is unknown. */
function earliestOf(tracks: readonly Track[]): { track: Track; until: number } | undefined {
  let first: Track | undefined;
  let [lowest, until] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const track of tracks) {
    const time = track.times[track.taken];
    if (time === undefined) return undefined;
    if (first === undefined || time < lowest) {
      until = lowest;
      [first, lowest] = [track, time];
    } else until = Math.min(until, time);
  }
  return first === undefined ? undefined : { track: first, until };
}

function takeWhile(track: Track, until: number): readonly Message[] {
  const { buffer, times, taken } = track;
  let to = taken + 1;
  while (to < buffer.length && to - taken < sliceMessages && (times[to] ?? 0) < until) to += 1;
  track.taken = to;
  return buffer.slice(taken, to);
}

/** Keeps a fetch under way while records are worked on. */
function createFiller(
  reader: TopicReader,
  tracks: readonly Track[],
  options: TopicRangeOptions,
  signal: AbortSignal,
): { fill(): Promise<void> } {
  const partitionBytes = Math.min(
    fetchBytes.most,
    Math.max(fetchBytes.least, Math.floor(bufferBytes / Math.max(1, tracks.length))),
  );
  const totalBytes = Math.max(fetchBytes.most, bufferBytes / 2);
  const ahead = new Map<number, Promise<Fetched>>();

  const start = (some: readonly Track[]): void => {
    const alone = some.find(({ empty }) => empty > 0);
    for (const group of alone === undefined
      ? reader.byLeader(some.map(({ partition }) => partition))
      : [[alone.partition]]) {
      const from = new Map(
        some
          .filter(({ partition }) => group.includes(partition))
          .map(({ partition, position }) => [partition, position]),
      );
      const answers = withRetries(reader, from, { waitMs, partitionBytes, totalBytes }, options, signal);
      for (const partition of from.keys()) {
        const own = answers.then(
          (all) =>
            all.find((answer) => answer.partition === partition) ?? {
              partition,
              messages: [],
              next: undefined,
            },
        );
        own.catch(() => undefined); // thrown where it is awaited
        ahead.set(partition, own);
      }
    }
  };

  return {
    async fill() {
      const open = tracks.filter(({ ended, position, to }) => !ended && position < to);
      const idle = open.filter(({ partition }) => !ahead.has(partition));
      const low = idle.filter((track) => waiting(track) <= track.buffer.length / 2);
      if (low.length > 0) start(low);
      for (const track of open) {
        if (waiting(track) > 0) continue;
        const answer = ahead.get(track.partition);
        if (answer === undefined) continue;
        take(track, await answer, options);
        ahead.delete(track.partition);
      }
    },
  };
}

function take(
  track: Track,
  { messages, next }: Fetched,
  { orderOf = ({ timestamp }) => timestamp ?? 0 }: TopicRangeOptions,
): void {
  if (next === undefined) {
    track.empty += 1;
    if (track.empty > emptyMax) track.position += 1;
    return;
  }
  track.empty = 0;
  track.position = next;
  track.buffer = messages.filter(({ offset }) => offset < track.to);
  track.times = Float64Array.from(track.buffer, orderOf);
  track.taken = 0;
}

/** A broker that goes away, or leads no longer, is asked again, elsewhere; offsets that retention took meanwhile are skipped and told. */
async function withRetries(
  reader: TopicReader,
  from: Map<number, number>,
  bounds: Parameters<TopicReader["fetch"]>[1],
  { topic, onLost }: TopicRangeOptions,
  signal: AbortSignal,
): Promise<readonly Fetched[]> {
  for (let tries = 1; ; tries++) {
    try {
      const groups = reader.byLeader([...from.keys()]);
      const all = await Promise.all(
        groups.map((group) =>
          reader.fetch(new Map(group.map((partition) => [partition, from.get(partition) ?? 0])), bounds),
        ),
      );
      return all.flat();
    } catch (error) {
      const { type, retriable } = error as { type?: unknown; retriable?: unknown };
      if (type === "OFFSET_OUT_OF_RANGE") {
        const low = await reader.earliest();
        let gone = false;
        for (const [partition, position] of from) {
          const first = low.get(partition) ?? 0;
          if (first <= position) continue;
          gone = true;
          from.set(partition, first);
          onLost?.(
            `${partitionKey({ topic, partition })}: offsets ${position} to ${first - 1} are gone from the log`,
          );
        }
        if (gone && tries < triesMax) continue;
      }
      if (retriable !== true || tries >= triesMax || signal.aborted) throw error;
      await pause(firstPauseMs * 2 ** (tries - 1), signal);
      await reader.refresh().catch(() => undefined); // the next fetch says what is still wrong
    }
  }
}

function isKafkaError(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith("KafkaJS");
}
