import assert from "node:assert/strict";
import { createRequire } from "node:module";
import kafkajs from "kafkajs";
import { endFetchingWhenStopped, type KafkajsRunner } from "../model/kafkajs-runner.ts";
import { countBatches, type FetchingRunner } from "./kafka-answers.ts";
import { crc32c } from "./kafka-checksum.ts";

/** What is used of kafkajs's own `BrokerPool` (src/cluster/brokerPool.js). */
interface BrokerPool {
  /** The broker of the config that a client begins with; its id is null until the cluster has named it. */
  seedBroker: { readonly nodeId: string | null; connect(): Promise<void> };
  createSeedBroker(): Promise<void>;
}

/** What is used of its `Connection` (src/network/connection.js). */
interface Connection {
  chunks: Buffer[];
  readonly bytesBuffered: number;
  processData(bytes: Buffer): void;
}

const require = createRequire(import.meta.url);
const internals = <T>(file: string): T => (require(`kafkajs/src/${file}.js`) as { prototype: T }).prototype;
let mended = false;

/** Mends what stops a process for good in kafkajs 2.2.4; once is enough. */
export function mendKafkajs(): void {
  if (mended) return;
  mended = true;
  endFetchingWhenStopped(internals<KafkajsRunner>("consumer/runner"));
  countBatches(internals<FetchingRunner>("consumer/runner"));
  mendSeeds();
  mendChunks();
  mendChecksum();
}

/**
 * Every client begins with the first broker of the config, and goes on to the next only when that refuses the connection: when it
 * takes it and closes it, or says nothing (a proxy whose broker is gone, a broker that is starting), none of the others is
 * ever asked. Whatever may pass at the first broker counts as a connection that was not made.
 */
function mendSeeds(): void {
  const pool = internals<BrokerPool>("cluster/brokerPool");
  const { createSeedBroker } = pool;
  assert(typeof createSeedBroker === "function", "kafkajs has other seeds than 2.2.4 had");
  pool.createSeedBroker = async function (this: BrokerPool) {
    await createSeedBroker.call(this);
    const seed = this.seedBroker;
    const connect = seed.connect.bind(seed);
    seed.connect = async () => {
      try {
        await connect();
      } catch (error) {
        if (seed.nodeId !== null || !(error instanceof kafkajs.KafkaJSError) || !error.retriable) throw error;
        throw new kafkajs.KafkaJSConnectionError(error.message);
      }
    };
  };
}

/** What is left behind an answer is kept, be it nothing: the next answer would be put together with it, which copies it. */
function mendChunks(): void {
  const connection = internals<Connection>("network/connection");
  const { processData } = connection;
  assert(typeof processData === "function", "kafkajs reads answers in another way than 2.2.4 did");
  connection.processData = function (this: Connection, bytes) {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, bytes);
  };
}

/** Whoever loads it from now on has ours. kafkajs does when it first writes or reads a record batch; before that it has looked at none. */
function mendChecksum(): void {
  const file = require.resolve("kafkajs/src/protocol/recordBatch/crc32C/crc32C.js");
  require(file);
  const loaded = require.cache[file];
  assert(loaded !== undefined, "kafkajs has its checksum elsewhere than 2.2.4 had");
  loaded.exports = crc32c;
}
