import type { Batch } from "./batch.ts";
import type { EventTime } from "./time.ts";
import type { SchemaReference, WriterSchema } from "./writer-schema.ts";

/** One ordered log: a Kafka topic-partition, a file (partition 0), the HTTP gate. */
export interface Partition {
  /** Kafka topic, file path, or `gate:{view}`. */
  readonly topic: string;
  readonly partition: number;
}

/** `"features.reco_user-3"`: the form of map keys and messages. */
export function partitionKey({ topic, partition }: Partition): string {
  return `${topic}-${partition}`;
}

/** One message of a log: the unit that is decoded, dead-lettered and checkpointed. */
export interface Message {
  /** Kafka offset, or the number of the record batch in a file. Exact to 2^53. */
  readonly offset: number;
  /** The broker's timestamp; for a file `undefined`: then no event time is "in the future". */
  readonly timestamp: EventTime | undefined;
  readonly headers: ReadonlyMap<string, string>;
  /** The schema id that the message bears, as Confluent's serializers frame it. */
  readonly schemaReference?: SchemaReference;
  /** What a schema registry says of the schema id that the message bears; absent when it bears none, or there is no registry. */
  readonly schema?: WriterSchema;
  readonly body: MessageBody;
}

/** Bytes are decoded by the pipeline; files that are decoded as they are read give batches. */
export type MessageBody =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly key?: Uint8Array }
  | { readonly kind: "batch"; readonly batch: Batch }
  /** One message that was stored in parts. */
  | { readonly kind: "batches"; readonly batches: readonly Batch[] }
  /** A record without a value: in a compacted topic the end of a key. It has no row. */
  | { readonly kind: "tombstone" }
  | { readonly kind: "undecodable"; readonly bytes: Uint8Array; readonly error: Error };

/** Where every row went. `read = profiled + late + rejected + deadLettered`, always. */
export interface Counts {
  /** Rows of decoded messages plus one for each dead letter. */
  read: number;
  profiled: number;
  /** Rows whose window was closed already. */
  late: number;
  /** Rows without a usable event time (null, or more than 5 minutes after the record's own timestamp), and those that the gate refused. */
  rejected: number;
  /** Messages that could not be decoded. */
  deadLettered: number;
}

export const emptyCounts = (): Counts => ({ read: 0, profiled: 0, late: 0, rejected: 0, deadLettered: 0 });

export function addCounts(into: Counts, more: Readonly<Counts>): void {
  into.read += more.read;
  into.profiled += more.profiled;
  into.late += more.late;
  into.rejected += more.rejected;
  into.deadLettered += more.deadLettered;
}
