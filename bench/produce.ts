import kafkajs from "kafkajs";
import { makeBatch, toStream } from "./workload.ts";

export const partitions = 4;
export const rowsPerMessage = 1_000;
/** Different bodies of 1,000 rows; then they come again, at later times. */
const bodies = 200;
const sendBytes = 8 * 1024 * 1024;

export type Format = "arrow" | "json";

/**
 * Fills a topic of four partitions. Arrow: messages of 1,000 rows. JSON: an event a message. Event times go on from message to
 * message, a millisecond a row, so that windows close as in life.
 */
export async function produce(brokers: string, topic: string, format: Format, rows: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  let messages: { value: Buffer; partition: number }[] = [];
  let bytes = 0;
  for (const value of format === "arrow" ? arrowMessages(rows) : jsonMessages(rows)) {
    messages.push(value);
    bytes += value.value.length;
    if (bytes < sendBytes) continue;
    await producer.send({ topic, messages });
    [messages, bytes] = [[], 0];
  }
  if (messages.length > 0) await producer.send({ topic, messages });
  await producer.disconnect();
}

type Produced = { readonly value: Buffer; readonly partition: number };

function* arrowMessages(rows: number): Generator<Produced> {
  const startMs = Date.now() - rows;
  const made = Array.from({ length: bodies }, (_, seed) => {
    const body = Buffer.from(toStream([makeBatch(rowsPerMessage, seed, startMs)]));
    const first = Buffer.alloc(16);
    first.writeBigInt64LE(BigInt(startMs));
    first.writeBigInt64LE(BigInt(startMs + 1), 8);
    return { body, times: body.indexOf(first) };
  });
  for (let number = 0; number * rowsPerMessage < rows; number++) {
    const { body, times } = made[number % bodies] as (typeof made)[number];
    const value = Buffer.from(body);
    for (let row = 0; row < rowsPerMessage; row++)
      value.writeBigInt64LE(BigInt(startMs + number * rowsPerMessage + row), times + row * 8);
    yield { value, partition: number % partitions };
  }
}

function* jsonMessages(rows: number): Generator<Produced> {
  const startMs = Date.now() - rows;
  const made = Array.from({ length: bodies }, (_, seed) => eventsOf(seed));
  for (let row = 0; row < rows; row++) {
    const number = Math.floor(row / rowsPerMessage);
    const event = made[number % bodies]?.[row % rowsPerMessage] ?? "";
    yield {
      value: Buffer.from(`{"event_time":${startMs + row},${event}`),
      partition: number % partitions,
    };
  }
}

/** The cells of 1,000 rows as JSON, but for the event time. */
export function eventsOf(seed: number): readonly string[] {
  const batch = makeBatch(rowsPerMessage, seed, 0);
  const names = batch.schema.fields.map(({ name }) => name).slice(1);
  const columns = names.map((name) => batch.getChild(name));
  return Array.from({ length: rowsPerMessage }, (_, row) =>
    JSON.stringify(Object.fromEntries(names.map((name, c) => [name, columns[c]?.get(row) ?? null]))).slice(1),
  );
}
