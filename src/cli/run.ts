import { join } from "node:path";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { hintsOf } from "../model/feature-view.ts";
import { createHandover } from "../pipeline/handover.ts";
import type { Monitor } from "../pipeline/monitor.ts";
import type { Source } from "../pipeline/ports.ts";
import { createMonitor } from "../pipeline/run.ts";
import { createServer } from "../serve/server.ts";
import { createLogger } from "../sink/log.ts";
import type { Cluster } from "./cluster.ts";
import { countBuffersWithHeap } from "./collector.ts";
import { type Config, loadConfigFile } from "./config.ts";
import { connectionsShare, descriptorLimit } from "./descriptors.ts";
import { queriesOf, watchGauges } from "./gauges.ts";
import { expandInputs } from "./inputs.ts";
import type { Io } from "./io.ts";
import { createReach } from "./reach.ts";
import { version } from "./version.ts";
import { readViews } from "./views.ts";
import { waitingIn } from "./waiting.ts";
import { memoryAtHand, startWatchdog } from "./watchdog.ts";
import {
  type KafkaClient,
  newProcessId,
  openClient,
  openSinks,
  openStore,
  schemasFor,
  systemClock,
} from "./wire.ts";

/** A partition silent for so long no longer holds back the windows of the others. */
const idleAfterMs = 10_000;
const tickEveryMs = 1_000;
/** Outcomes (window profiles, verdicts) that may wait for Kafka and the webhooks while profiling goes on. */
const outcomesAhead = 500;
/** Embedded mode: how much is read again after a crash, at most. */
const checkpointEveryMs = 5_000;
/** How long sinks may take to deliver what is queued when the process ends. */
const closeTimeoutMs = 10_000;

interface RunOptions {
  readonly config?: string;
  readonly brokers?: string;
  readonly specs?: string;
  readonly port?: string;
  readonly input?: readonly string[];
  readonly follow?: boolean;
  readonly view?: string;
}

export function addRun(program: Command, io: Io): void {
  program
    .command("run")
    .description("Watch feature streams, always on: Kafka when brokers are configured, else embedded.")
    .option("--config <file>", "config file (default: tidemark.yaml if it is there)")
    .option("--brokers <list>", "Kafka brokers, comma-separated")
    .option("--specs <dir>", "directory of specs and baselines")
    .option("--port <port>", "HTTP port; 0 picks a free one")
    .option("--input <files...>", "embedded: files or globs to read")
    .option("--follow", "embedded: wait for more batches in the input (Arrow)")
    .option("--view <name>", "embedded: the feature view that the input belongs to, when there are several")
    .addHelpText(
      "after",
      `
Examples:
  tidemark run --config tidemark.yaml
  tidemark run --brokers 127.0.0.1:9092
  TIDEMARK_KAFKA_BROKERS=kafka:9092 TIDEMARK_ALERTMANAGER_URLS=http://alertmanager:9093 tidemark run
  tidemark run --input 'events/*.arrow' --follow

It ends gracefully on SIGTERM or Ctrl-C: what was read is judged, a checkpoint is written, the consumer group is left.`,
    )
    .action((options: RunOptions) => run(options, io));
}

async function run(options: RunOptions, io: Io): Promise<void> {
  const config = loadConfigFile(options.config, io, {
    "kafka.brokers": options.brokers,
    specs: options.specs,
    "http.port": options.port,
  });
  const log = createLogger({ isTTY: io.isTTY, version });
  const { views, warnings } = readViews(config.specs);
  for (const warning of warnings) log.warn(warning);
  queriesOf(
    config.prometheus,
    views.map(({ view }) => view),
  );

  let monitor: Monitor | undefined;
  const deliveryFailures = new Map<string, number>();
  const onTrouble = (name: string, text: string | undefined): void => monitor?.trouble(name, text);
  const onDeliveryFailure = (peer: string): void => {
    deliveryFailures.set(peer, (deliveryFailures.get(peer) ?? 0) + 1);
  };
  const processId = newProcessId();
  const judging = config.roles.some((role) => role !== "profile");
  const handover = judging ? createHandover(processId) : undefined;
  const client = await openClient(config, log);
  const reach = createReach({
    withinMs: config.kafka?.connectWithinMs ?? 0,
    signal: io.signal,
    clock: systemClock,
    random: Math.random,
    warn: (text) => log.warn(text),
  });
  const store = await reach("the state", () => openStore({ config, client, processId }));
  const { lanes, told } = await reach("the topics", () =>
    openSinks({
      config,
      client,
      processId,
      handover,
      views,
      log,
      clock: systemClock,
      onTrouble,
      onDeliveryFailure,
      onTold: (change) =>
        void monitor?.told(change).catch((error: unknown) => onTrouble("told", String(error))),
    }),
  );
  const lag = new Map<string, number>();
  /** When Kafka last answered, by reader. */
  const readers = new Map<string, number>();
  const sign = (reader: string, at: "now" | undefined): void => {
    if (at === undefined) readers.delete(reader);
    else readers.set(reader, systemClock.elapsed());
  };
  const ahead = { outcomes: outcomesAhead, bytes: config.limits.queueBytes };
  const common = {
    views,
    limits: config.limits,
    store,
    clock: systemClock,
    idleAfterMs,
    ahead,
    onTrouble: (name: string, text: string | undefined) => {
      if (/^(alertmanager|webhook) /.test(name)) return; // whoever serves that peer has said so
      if (text === undefined) log.info({ trouble: name }, `${name}: well again`);
      else log.warn({ trouble: name }, `${name}: ${text}`);
    },
  };
  let cluster: Cluster | undefined;
  const limitBytes = config.limits.memory ?? memoryAtHand().bytes;
  countBuffersWithHeap(limitBytes);
  const watchdog = startWatchdog({
    limitBytes,
    clock: systemClock,
    trouble: onTrouble,
    shed: () => {
      monitor?.shed();
      cluster?.shed();
    },
  });
  const signal = AbortSignal.any([io.signal, watchdog.end]);
  if (config.kafka !== undefined && client !== undefined) {
    const { createCluster } = await import("./cluster.ts");
    cluster = createCluster({
      kafka: config.kafka,
      client,
      roles: config.roles,
      ...{ views, store, processId, handover, trouble: onTrouble, sign },
      voice: { durable: lanes, told, ahead },
      announce: (outcomes) => monitor?.announce(outcomes),
    });
    const waiting = waitingIn({ lag, answeredAt: () => readers.get("source"), clock: systemClock });
    monitor = createMonitor({ ...common, sinks: lanes, waiting, relay: { processId, ...cluster } });
  } else {
    const names = views.map(({ view }) => view.name);
    monitor = createMonitor({
      ...common,
      sinks: [...lanes, ...told],
      route: routeFiles(names, options.view),
    });
  }
  await monitor.restore();
  const server = createServer({
    board: monitor.board,
    intake: monitor.intake,
    orders: monitor,
    clock: systemClock,
    limits: config.limits,
    http: config.http,
    version,
    log,
    lag: () => lag,
    readers: () => readers,
    deliveryFailures: () => deliveryFailures,
    memory: watchdog.status,
    connectionsMax: Math.floor(descriptorLimit() * connectionsShare),
    canaryDir: join(config.state.dir, "canary"),
  });
  const url = await server.listen();
  log.info({ url: url.href, views: views.map(({ view }) => view.name) }, "tidemark watches");
  const source = await openSource({ config, client, options, monitor, io, lag, log, sign });
  const gauges = new AbortController();
  const watching = watchGauges(
    {
      prometheus: config.prometheus,
      views: views.map(({ view }) => view),
      monitor,
      asks: () => cluster?.leads() ?? true,
      clock: systemClock,
      segmentsMax: config.limits.segments,
      trouble: onTrouble,
    },
    AbortSignal.any([signal, gauges.signal]),
  );
  const watched = source === undefined ? undefined : watchdog.holding(source);
  const work = async (running: Monitor): Promise<void> => {
    try {
      await Promise.race([watch(running, watched, cluster, signal, log), rejectionOf(watching)]);
    } finally {
      gauges.abort();
    }
    await watching;
    await server.close();
    const inTime = AbortSignal.timeout(closeTimeoutMs);
    if (cluster !== undefined) await Promise.all(told.map((sink) => sink.close(inTime)));
    await running.close(inTime);
  };
  await Promise.race([work(monitor), watchdog.overtime]);
  watchdog.close();
  log.info("tidemark ended");
}

/** Runs the source until it ends or a signal comes; embedded, it then keeps serving until the signal. */
async function watch(
  monitor: Monitor,
  source: Source | undefined,
  cluster: Cluster | undefined,
  signal: AbortSignal,
  log: ReturnType<typeof createLogger>,
): Promise<void> {
  const embedded = cluster === undefined;
  const checkpoint = async (): Promise<void> => {
    try {
      await monitor.checkpoint();
    } catch (error) {
      if (!(error instanceof Fault) || !error.retryable) throw error;
      log.error({ code: error.code }, `no checkpoint: ${error.message}; the last good one stays`);
    }
  };
  let sinceCheckpointMs = 0;
  const failed = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    sinceCheckpointMs += tickEveryMs;
    const due = embedded && sinceCheckpointMs >= checkpointEveryMs;
    if (due) sinceCheckpointMs = 0;
    monitor
      .tick()
      .then(() => (due ? checkpoint() : undefined))
      .catch(failed.reject);
  }, tickEveryMs);
  try {
    const reading = (source ?? nothing).run(monitor, signal);
    const working = cluster === undefined ? reading : withJudge(cluster, reading, signal);
    await Promise.race([failed.promise, working]);
    if (embedded) {
      await checkpoint();
      await Promise.race([failed.promise, aborted(signal)]);
      await checkpoint();
    }
  } finally {
    clearInterval(timer);
  }
}

/** The judge goes on until what was read here is judged. */
async function withJudge(cluster: Cluster, reading: Promise<void>, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const judging = cluster.run(done.signal);
  try {
    await Promise.race([judging, Promise.all([reading, aborted(signal)])]);
    await cluster.drain().catch(() => undefined); // whoever judges next reads it in the log
  } finally {
    done.abort();
  }
  await judging;
}

/** What only ever rejects. */
function rejectionOf(work: Promise<void>): Promise<never> {
  return work.then(() => new Promise<never>(() => undefined));
}

const nothing: Source = { run: async () => undefined };

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}

interface SourceParts {
  readonly config: Config;
  readonly client: KafkaClient | undefined;
  readonly options: RunOptions;
  readonly monitor: Monitor;
  readonly io: Io;
  readonly lag: Map<string, number>;
  readonly log: ReturnType<typeof createLogger>;
  readonly sign: (reader: string, at: "now") => void;
}

async function openSource({
  config,
  client,
  options,
  monitor,
  io,
  lag,
  log,
  sign,
}: SourceParts): Promise<Source | undefined> {
  const views = monitor.board.views().map(({ view }) => view);
  const { limits, kafka } = config;
  if (kafka !== undefined && client !== undefined) {
    if (options.input !== undefined) {
      throw new Fault("usage", "--input is for embedded mode, and Kafka brokers are configured", {
        hint: "leave out --input, or run without brokers",
      });
    }
    if (!config.roles.includes("profile")) return undefined;
    const { createKafkaThread } = await import("../source/kafka-threaded.ts");
    const topics = new Set(views.flatMap(({ source }) => (source.topic === undefined ? [] : [source.topic])));
    const source = createKafkaThread({
      kafka,
      log,
      topics: [...topics],
      reached: true, // by the store
      onTrouble: monitor.trouble,
      onLag: (partition, records) => void lag.set(partition, records),
      onSign: () => sign("source", "now"),
    });
    sign("source", "now"); // counted from here, so that one which is never answered is seen
    return schemasFor(source, config);
  }
  if (options.input === undefined) return undefined;
  const files = expandInputs(options.input, io);
  const growing =
    options.follow === true ? files.find((file) => /\.(csv|jsonl|ndjson)$/i.test(file)) : undefined;
  if (growing !== undefined) {
    throw new Fault(
      "usage",
      `--follow: ${growing} has no batches of its own, so rows that are appended cannot be told`,
      {
        hint: "follow Arrow files, or POST rows as they come to /v1/validate/VIEW",
      },
    );
  }
  const view = views.find(({ name }) => name === options.view) ?? views[0];
  const { createFileSource } = await import("../source/file.ts");
  return createFileSource({
    files,
    hints: view === undefined ? undefined : hintsOf(view),
    limits,
    follow: options.follow === true,
  });
}

/** Rows of files belong to the only view, or to the one that was named. */
function routeFiles(names: readonly string[], named: string | undefined): () => readonly string[] {
  if (named !== undefined && !names.includes(named)) {
    throw new Fault("usage", `--view ${named}: no such feature view; there are ${names.join(", ")}`);
  }
  const view = named ?? (names.length === 1 ? names[0] : undefined);
  return () => {
    if (view !== undefined) return [view];
    throw new Fault(
      "usage",
      `--input with ${names.length} feature views: name one with --view (${names.join(", ")})`,
    );
  };
}
