/**
 * The peer of the end-to-end figures: kafkajs and apache-arrow's `tableFromIPC`, or `JSON.parse`, no more. Prints
 * `{"first","last","rows"}`: when the first and the last batch had been handled (epoch ms) and the rows between.
 */
import { tableFromIPC } from "apache-arrow";
import kafkajs from "kafkajs";

const [brokers = "", topic = "", format = "", wanted = "0"] = process.argv.slice(2);
const total = Number(wanted);
const consumer = new kafkajs.Kafka({
  brokers: brokers.split(","),
  logLevel: kafkajs.logLevel.NOTHING,
}).consumer({
  groupId: `bare-${process.pid}`,
  maxWaitTimeInMs: 100,
  maxBytesPerPartition: 16 * 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
});
const rowsOf: (value: Buffer) => number =
  format === "arrow"
    ? (value) => tableFromIPC(value).numRows
    : (value) =>
        typeof (JSON.parse(value.toString()) as { event_time: unknown }).event_time === "number" ? 1 : 0;
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
let [first, rows, skipped] = [0, 0, 0];
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) if (value !== null) rows += rowsOf(value);
    if (first === 0) [first, skipped] = [Date.now(), rows];
    if (rows < total) return;
    console.log(JSON.stringify({ first, last: Date.now(), rows: rows - skipped }));
    process.exit(0);
  },
});
