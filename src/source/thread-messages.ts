import { Fault, type FaultCode } from "../model/fault.ts";
import type { Message, MessageBody, Partition } from "../model/record.ts";
import type { SchemaReference } from "../model/writer-schema.ts";
import type { Extent, Gap } from "../pipeline/ports.ts";
import type { KafkaSourceOptions } from "./kafka.ts";
import type { KafkaOptions } from "./kafka-client.ts";

/** What a thread that reads Kafka is started with. */
export interface ThreadStart {
  readonly kafka: KafkaOptions;
  readonly options: Pick<KafkaSourceOptions, "brokers" | "groupId" | "topics" | "startFrom" | "reached">;
}

/** Slices that stand in one buffer, the messages' keys and values one behind the other. */
export interface PackedMessages {
  readonly bytes: ArrayBuffer;
  readonly messages: readonly PackedMessage[];
}

interface PackedMessage {
  readonly offset: number;
  readonly timestamp: number | undefined;
  /** Absent when there is none. */
  readonly headers?: ReadonlyMap<string, string>;
  readonly schemaReference?: SchemaReference;
  /** Where its value stands; absent when it has none: a tombstone. */
  readonly value?: Place;
  /** Where its key stands; absent when it has none. */
  readonly key?: Place;
}

interface Place {
  readonly from: number;
  readonly length: number;
}

/** From the thread that reads to the one that profiles. */
export type FromThread =
  /** A call of the receiver that is answered with `answer`; in order with the messages. */
  | { readonly kind: "call"; readonly id: number; readonly call: ReceiverCall }
  /** The next messages of a partition. `term` counts its assignments. */
  | {
      readonly kind: "messages";
      readonly partition: Partition;
      readonly term: number;
      readonly packed: PackedMessages;
    }
  /** The partition's messages under way are nobody's any more: said at once, ahead of those that wait. */
  | { readonly kind: "drop"; readonly key: string; readonly term: number }
  | { readonly kind: "trouble"; readonly name: string; readonly text: string | undefined }
  | { readonly kind: "lag"; readonly key: string; readonly records: number }
  /** Once a second. `answered`: by Kafka, since the last one. */
  | { readonly kind: "pulse"; readonly answered: boolean }
  | { readonly kind: "log"; readonly fields: object; readonly text: string }
  | { readonly kind: "ended"; readonly fault: FaultNote | undefined };

export type ReceiverCall =
  | {
      readonly kind: "assigned";
      readonly partition: Partition;
      readonly extent: Extent | undefined;
      readonly term: number;
    }
  | { readonly kind: "lost"; readonly partition: Partition; readonly gap: Gap }
  | { readonly kind: "counted"; readonly topic: string; readonly partitions: number }
  | { readonly kind: "revoked"; readonly partition: Partition }
  | { readonly kind: "checkpoint" };

/** From the thread that profiles to the one that reads. */
export type ToThread =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown; readonly fault?: FaultNote }
  /** The messages in this buffer have been profiled, or dropped: it may be written again. */
  | { readonly kind: "taken"; readonly bytes: ArrayBuffer }
  /** Once a second. */
  | { readonly kind: "pulse" }
  | { readonly kind: "stop" };

/** A fault as data: errors lose what is their own on the way between threads. */
export interface FaultNote {
  readonly code: FaultCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly hint: string | undefined;
}

export function noteOf(error: unknown): FaultNote {
  if (error instanceof Fault) {
    const { code, message, retryable, hint } = error;
    return { code, message, retryable, hint };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "source.failed", message, retryable: false, hint: undefined };
}

export function faultOf({ code, message, retryable, hint }: FaultNote): Fault {
  return new Fault(code, message, { retryable, ...(hint === undefined ? {} : { hint }) });
}

/** Values begin at multiples of it, so that columns of eight bytes can be looked at where they are. */
const alignment = 64;
const roundUp = (at: number): number => Math.ceil(at / alignment) * alignment;

/**
 * Messages in a buffer of their own, which can be handed to another thread without a copy; what they were fetched in is shared
 * with the messages of other partitions.
 * @param take  gives a buffer of at least so many bytes, with anything in it
 */
export function packMessages(
  messages: readonly Message[],
  take: (size: number) => ArrayBuffer = (size) => new ArrayBuffer(size),
): PackedMessages {
  let size = 0;
  const parts: { readonly from: number; readonly bytes: Uint8Array }[] = [];
  const place = (bytes: Uint8Array, from: number): Place => {
    parts.push({ from, bytes });
    size = from + bytes.length;
    return { from, length: bytes.length };
  };
  const placed = (body: MessageBody): Pick<PackedMessage, "value" | "key"> => {
    if (body.kind === "tombstone") return {};
    if (body.kind !== "bytes") throw new TypeError(`a message of ${body.kind} from Kafka`);
    const value = place(body.bytes, roundUp(size));
    return body.key === undefined ? { value } : { value, key: place(body.key, size) };
  };
  const packed = messages.map(
    ({ offset, timestamp, headers, schemaReference, body }): PackedMessage => ({
      offset,
      timestamp,
      ...(headers.size === 0 ? {} : { headers }),
      ...(schemaReference === undefined ? {} : { schemaReference }),
      ...placed(body),
    }),
  );
  const all = new Uint8Array(take(size));
  for (const { from, bytes } of parts) all.set(bytes, from);
  return { bytes: all.buffer, messages: packed };
}

const noHeaders: ReadonlyMap<string, string> = new Map();

export function unpackMessages({ bytes, messages }: PackedMessages): readonly Message[] {
  const at = ({ from, length }: Place): Uint8Array => new Uint8Array(bytes, from, length);
  const bodyOf = ({ value, key }: PackedMessage): MessageBody =>
    value === undefined
      ? { kind: "tombstone" }
      : { kind: "bytes", bytes: at(value), ...(key === undefined ? {} : { key: at(key) }) };
  return messages.map((message) => {
    const { offset, timestamp, headers = noHeaders, schemaReference } = message;
    const reference = schemaReference === undefined ? {} : { schemaReference };
    return { offset, timestamp, headers, ...reference, body: bodyOf(message) };
  });
}
