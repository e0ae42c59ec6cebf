import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { type Browser, chromium } from "playwright-core";
import { bodyOf, type Server, startHttp } from "./http.ts";
import { ensureKafkaJars, kafkaVersion } from "./kafka/jars.ts";
import { freePorts } from "./ports.ts";
import { type Scope, type Service, startService, temporaryFolder, whenWeDie } from "./process.ts";
import { requireTool, type Tool, tools } from "./tools.ts";

/*
 * Real servers for tests, on the loopback interface, each with ports and a folder of its own. Each is ready when its call
 * returns, stops with the scope, and does not outlive this process, however that ends.
 */

const script = join(import.meta.dirname, "kafka", "start-broker.sh");
const run = promisify(execFile);

/** Set by test/run.ts: the broker that all test files share. No TIDEMARK_ name: tidemark refuses settings it does not know. */
export const sharedBrokers = "TEST_KAFKA_BROKERS";

export interface Broker {
  /** `127.0.0.1:20000`, comma-separated when there are several nodes. */
  readonly brokers: string;
  /** The same nodes by TLS and SASL, when that was asked for. */
  readonly secureBrokers: string;
  /** kill -9 of one node, from 1; and its start on the same data. */
  kill(node: number): Promise<void>;
  restart(node: number): Promise<void>;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** 1 or 3. */
  readonly nodes?: number;
  /** A further listener that is advertised as the node's port +4: a proxy stands there, and goes on to its port +3. */
  readonly proxied?: boolean;
  /** Chosen beforehand with `freePorts(10 * nodes)`. */
  readonly port?: number;
  /** A second listener: TLS and SASL. */
  readonly secure?: {
    /** Folder with `server.pem`: private key and certificate. */
    readonly dir: string;
    /** Of the user "tidemark". */
    readonly password: string;
  };
}

/** Starts an Apache Kafka of the test's own (KRaft, from the pinned jars): 4 s for a node, and 400 MB. */
export async function startBroker(scope: Scope, options: BrokerOptions = {}): Promise<Broker> {
  requireTool(tools.java);
  const { nodes = 1 } = options;
  const port = options.port ?? (await freePorts(10 * nodes));
  const env = {
    ...process.env,
    KAFKA_VERSION: kafkaVersion,
    KAFKA_JARS: ensureKafkaJars(),
    KAFKA_PORT: String(port),
    KAFKA_RUN: join(tmpdir(), `tidemark-kafka-${port}`), // the script removes it when it stops
    ...(options.proxied === true ? { KAFKA_PROXIED: "1" } : {}),
    KAFKA_HEAP: nodes > 1 ? "256m" : "512m",
    ...(options.secure === undefined
      ? {}
      : { KAFKA_SECURE: options.secure.dir, KAFKA_PASSWORD: options.secure.password }),
  };
  const call = async (...args: readonly string[]): Promise<string> =>
    (await run("bash", [script, ...args], { env })).stdout.trim();
  const cancel = whenWeDie([
    "env",
    ...["JARS", "PORT", "RUN"].map((key) => variable(env, `KAFKA_${key}`)),
    "bash",
    script,
    "stop",
  ]);
  const stop = async (): Promise<void> => {
    await call("stop");
    cancel();
  };
  scope.after(stop);
  await call("stop"); // what a machine that lost its power has left there
  const brokers = await call("start", String(nodes));
  const secureBrokers = brokers.replace(/:(\d+)/g, (_, plain) => `:${Number(plain) + 2}`);
  return {
    brokers,
    secureBrokers,
    kill: async (node) => void (await call("kill", String(node))),
    restart: async (node) => void (await call("restart", String(node))),
    stop,
  };
}

let own: Promise<Broker> | undefined;

/**
 * The broker that tests share: the whole run's, or this file's own when it runs alone. Topics are what keeps tests apart:
 * make them with `createTopic`.
 */
export async function broker(_scope?: Scope): Promise<string> {
  const shared = process.env[sharedBrokers];
  if (shared !== undefined) {
    await reachable(shared);
    return shared;
  }
  own ??= startBroker({ after: () => undefined }); // ends with this process
  return (await own).brokers;
}

export interface TopicOptions {
  readonly partitions?: number;
  readonly compacted?: boolean;
  /** Of the topic, as the broker names them. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Makes a topic with a name of its own and returns that. */
export async function createTopic(
  brokers: string,
  name: string,
  options: TopicOptions = {},
): Promise<string> {
  const topic = `${name}.${randomBytes(5).toString("hex")}`;
  const kafka = new Kafka({
    brokers: brokers.split(","),
    clientId: "tidemark-test",
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const configEntries = [
      { name: "retention.ms", value: "-1" }, // events of tests are of any year
      ...(options.compacted === true ? [{ name: "cleanup.policy", value: "compact" }] : []),
      ...Object.entries(options.settings ?? {}).map(([name, value]) => ({ name, value })),
    ];
    await admin.createTopics({
      topics: [{ topic, numPartitions: options.partitions ?? 1, configEntries }],
      waitForLeaders: false, // it gives up when the node that it asks has not heard of the topic yet
    });
    await hasLeaders(admin, topic);
  } finally {
    await admin.disconnect();
  }
  return topic;
}

/** Waits until every partition can be written to. */
async function hasLeaders(admin: Admin, topic: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const led = await admin.fetchTopicMetadata({ topics: [topic] }).then(
      ({ topics: [found] }) => found?.partitions.every(({ leader }) => leader >= 0) === true,
      () => false,
    );
    if (led) return;
    if (Date.now() > deadline) throw new Error(`${topic} has no leader after 30 s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

export interface Restartable extends Server {
  /** What it has logged since it was last started. */
  log(): string;
  /** kill -9, and the start on the same port and data. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface AlertmanagerOptions {
  /** Where notifications go; nowhere without it. A group is notified at once, and then once a second at most. */
  readonly webhookUrl?: URL;
  /** Labels that make a group; by default every alert is one of its own. */
  readonly groupBy?: readonly string[];
  /** After how long an alert without an end of its own ends. `"5m"` by default. */
  readonly resolveTimeout?: string;
}

export async function startAlertmanager(
  scope: Scope,
  options: AlertmanagerOptions = {},
): Promise<Restartable> {
  const dir = temporaryFolder(scope, "alertmanager");
  const config = join(dir, "alertmanager.yml");
  const webhooks =
    options.webhookUrl === undefined ? [] : [{ url: options.webhookUrl.href, send_resolved: true }];
  const routing = {
    global: { resolve_timeout: options.resolveTimeout ?? "5m" },
    route: {
      receiver: "test",
      group_by: options.groupBy ?? ["..."],
      group_wait: "0s",
      group_interval: "1s",
      repeat_interval: "4h",
    },
    receivers: [{ name: "test", webhook_configs: webhooks }],
  };
  writeFileSync(config, JSON.stringify(routing)); // JSON is YAML
  return startListening(scope, tools.alertmanager, [
    `--config.file=${config}`,
    `--storage.path=${join(dir, "data")}`,
    "--cluster.listen-address=", // else 9094 opens on every interface
  ]);
}

export interface PrometheusOptions {
  /** What it scrapes, every second. */
  readonly targets: readonly URL[];
  readonly ruleFiles?: readonly string[];
  readonly alertmanagers?: readonly URL[];
}

export async function startPrometheus(scope: Scope, options: PrometheusOptions): Promise<Restartable> {
  const dir = temporaryFolder(scope, "prometheus");
  const config = join(dir, "prometheus.yml");
  const hosts = (urls: readonly URL[]): object[] => [{ targets: urls.map(({ host }) => host) }];
  const settings = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: options.ruleFiles ?? [],
    alerting: { alertmanagers: [{ static_configs: hosts(options.alertmanagers ?? []) }] },
    scrape_configs: [{ job_name: "tidemark", static_configs: hosts(options.targets) }],
  };
  writeFileSync(config, JSON.stringify(settings));
  mkdirSync(join(dir, "data"));
  return startListening(scope, tools.prometheus, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(dir, "data")}`,
  ]);
}

/** A Chromium without a window and without a network of its own doing. */
export async function launchChromium(scope: Scope): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: requireTool(tools.chromium),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  scope.after(() => browser.close());
  return browser;
}

/** What Alertmanager posts to a webhook. */
export interface Notification {
  status: "firing" | "resolved";
  receiver: string;
  externalURL: string;
  alerts: NotifiedAlert[];
  /** When it arrived, epoch ms. */
  receivedAt: number;
}

export interface NotifiedAlert {
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
  fingerprint: string;
}

export interface WebhookReceiver extends Server {
  /** The notifications so far, in the order of arrival. */
  received(): Notification[];
  /** Their alerts. */
  alerts(): NotifiedAlert[];
}

/** The pager: a server that Alertmanager's webhook is pointed at. */
export async function startWebhookReceiver(scope: Scope): Promise<WebhookReceiver> {
  const notifications: Notification[] = [];
  const server = await startHttp(scope, async (request) => {
    const body = JSON.parse(await bodyOf(request)) as Omit<Notification, "receivedAt">;
    notifications.push({ ...body, receivedAt: Date.now() });
    return 200;
  });
  return {
    ...server,
    received: () => [...notifications],
    alerts: () => notifications.flatMap(({ alerts }) => alerts),
  };
}

/** Starts one of Prometheus's servers on a port that the kernel chooses, and keeps that when it is started again. */
async function startListening(scope: Scope, tool: Tool, args: readonly string[]): Promise<Restartable> {
  const path = requireTool(tool);
  const listen = async (address: string): Promise<Service & { found: string }> => {
    const command = [path, ...args, `--web.listen-address=${address}`] as const;
    const service = await startService(command, (said) => /Listening on" address=(\S+)/.exec(said)?.[1]);
    await ready(new URL(`http://${service.found}/-/ready`));
    return service;
  };
  let service = await listen("127.0.0.1:0");
  const address = service.found;
  scope.after(() => service.kill());
  return {
    url: new URL(`http://${address}/`),
    log: () => service.log(),
    stop: () => service.stop(),
    kill: () => service.kill(),
    async restart() {
      await service.kill();
      service = await listen(address);
    },
  };
}

async function ready(url: URL): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const status = await fetch(url).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > deadline) throw new Error(`${url.href} answers ${status}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** Waits for the shared broker, which starts while the first tests run already. */
async function reachable(brokers: string): Promise<void> {
  const [host = "127.0.0.1", port = "0"] = brokers.split(",")[0]?.split(":") ?? [];
  const deadline = Date.now() + 60_000;
  while (!(await answers(host, Number(port)))) {
    if (Date.now() > deadline) throw new Error(`${brokers} (${sharedBrokers}) cannot be reached`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** An ApiVersions v0 request, correlation id 1: a broker that is ready answers with error 0. */
const hello = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0]);

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, host, () => socket.write(hello));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
    socket.once("data", (bytes) => {
      done(bytes.length >= 10 && bytes.readInt32BE(4) === 1 && bytes.readInt16BE(8) === 0);
      socket.destroy();
    });
  });
}

function variable(env: Readonly<Record<string, string | undefined>>, key: string): string {
  return `${key}=${env[key] ?? ""}`;
}
