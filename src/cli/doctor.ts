import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, freemem } from "node:os";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { memoryShares } from "../pipeline/memory.ts";
import { formatBytes } from "../spec/size.ts";
import { type Config, loadConfigFile } from "./config.ts";
import { descriptorLimit, descriptorsMin } from "./descriptors.ts";
import { Exit, exitCodeOf, formatJson, formatTable, type Io } from "./io.ts";
import { paintFor } from "./paint.ts";
import { readViews } from "./views.ts";
import { memoryAtHand } from "./watchdog.ts";
import { systemClock } from "./wire.ts";

interface DoctorOptions {
  readonly config?: string;
  readonly brokers?: string;
  readonly specs?: string;
  readonly json?: boolean;
}

/** What was looked at, how it is, and what to do when it is not well. */
interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly hint?: string;
  /** 2: what was configured is wrong; 4: the world is. */
  readonly exit?: number;
}

const httpTimeoutMs = 5_000;
const freeBytesMin = 256 * 1024 * 1024;
/** A process with one view and nothing to do has about half of it. */
const memoryMin = 192 * 1024 * 1024;
const clockSkewMaxMs = 5_000;

export function addDoctor(program: Command, io: Io): void {
  program
    .command("doctor")
    .description("Connect to everything that the config names, and say what is wrong and what to do.")
    .option("--config <file>", "config file (default: tidemark.yaml if it is there)")
    .option("--brokers <list>", "Kafka brokers, comma-separated")
    .option("--specs <dir>", "directory of specs and baselines")
    .option("--json", "findings as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  tidemark doctor\n  tidemark doctor --config tidemark.yaml --json\n\nExit codes: 0 fine (warnings included) · 2 the config or a spec is wrong · 4 something cannot be reached",
    )
    .action((options: DoctorOptions) => doctor(options, io));
}

async function doctor(options: DoctorOptions, io: Io): Promise<void> {
  const config = loadConfigFile(options.config, io, {
    "kafka.brokers": options.brokers,
    specs: options.specs,
  });
  const { findings: specFindings, views } = checkSpecs(config);
  const findings: Finding[] = [
    ...specFindings,
    ...(await checkKafka(config, views)),
    ...(await checkRegistry(config, io)),
    ...(await Promise.all(config.alertmanager.urls.map((url) => checkAlertmanager(url, io)))),
    ...(config.alertmanager.urls.length === 0
      ? [
          {
            check: "alertmanager",
            status: "warn" as const,
            detail: "none configured: alerts go to the log only",
            hint: "set alertmanager.urls",
          },
        ]
      : []),
    ...(await checkPrometheus(config, views, io)),
    ...(config.kafka === undefined ? [checkState(config.state.dir)] : []),
    await checkPort(config.http),
    checkMemory(config),
    checkDescriptors(),
  ];
  if (options.json === true) io.stdout(formatJson(findings));
  else print(findings, io);
  const worst = Math.max(
    0,
    ...findings.filter(({ status }) => status === "fail").map(({ exit = 4 }) => exit),
  );
  if (worst > 0) throw new Exit(worst);
}

function print(findings: readonly Finding[], io: Io): void {
  const paint = paintFor(io);
  const rows = findings.map(({ check, status, detail }) => [status.padEnd(4), check, detail]);
  const lines = formatTable(rows).split("\n");
  findings.forEach(({ status, hint }, at) => {
    const line = lines[at] ?? "";
    io.stdout(`${status === "fail" ? paint.bold(line) : line}\n`);
    if (hint !== undefined && status !== "ok") io.stdout(`      → ${hint}\n`);
  });
}

function checkSpecs(config: Config): { findings: Finding[]; views: readonly FeatureView[] } {
  try {
    const { views, warnings } = readViews(config.specs);
    const names = views.map(({ view }) => `${view.name} v${view.version}`).join(", ");
    return {
      views: views.map(({ view }) => view),
      findings: [
        { check: "specs", status: "ok", detail: `${config.specs}: ${names}` },
        ...warnings.map(
          (detail): Finding => ({
            check: "baseline",
            status: "warn",
            detail,
            hint: "tidemark baseline build",
          }),
        ),
      ],
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { views: [], findings: [failed("specs", error)] };
  }
}

function failed(check: string, { message, hint, ...fault }: Fault): Finding {
  return {
    check,
    status: "fail",
    detail: message,
    exit: exitCodeOf(fault),
    ...(hint === undefined ? {} : { hint }),
  };
}

async function checkKafka(config: Config, views: readonly FeatureView[]): Promise<Finding[]> {
  if (config.kafka === undefined)
    return [{ check: "kafka", status: "ok", detail: "no brokers configured: embedded mode" }];
  const { brokers } = config.kafka;
  const { createKafkaClient, kafkaFault } = await import("../source/kafka-client.ts");
  const admin = createKafkaClient(config.kafka, undefined).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    const topics = new Set(await admin.listTopics());
    const findings: Finding[] = [
      {
        check: "kafka",
        status: "ok",
        detail: `${brokers.join(", ")}: ${cluster.brokers.length} brokers, cluster ${cluster.clusterId}`,
      },
    ];
    for (const { name, source } of views) {
      if (source.topic === undefined) {
        findings.push({
          check: "topic",
          status: "warn",
          detail: `${name}: its spec names no topic`,
          hint: "set source.topic",
        });
      } else if (topics.has(source.topic)) {
        const offsets = await admin.fetchTopicOffsets(source.topic);
        const records = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
        findings.push({
          check: "topic",
          status: "ok",
          detail: `${source.topic}: ${offsets.length} partitions, ${records} records`,
        });
      } else {
        findings.push({
          check: "topic",
          status: "warn",
          detail: `${source.topic}: no such topic yet`,
          hint: "`run` waits for it; is the name right?",
        });
      }
    }
    const checkpoints = `${config.kafka.topicPrefix}.checkpoints`;
    const state = topics.has(checkpoints) ? "is there" : "will be made";
    findings.push({ check: "state", status: "ok", detail: `${checkpoints} ${state}` });
    return findings;
  } catch (error) {
    return [failed("kafka", kafkaFault(brokers, error))];
  } finally {
    await admin.disconnect();
  }
}

/** Asks the schema registry for its subjects, as the source would ask for a schema. */
async function checkRegistry({ kafka }: Config, { signal }: Io): Promise<Finding[]> {
  const registry = kafka?.schemaRegistry;
  if (registry === undefined) return [];
  const { createSchemaRegistry } = await import("../source/schema-registry.ts");
  const check = "schema registry";
  try {
    const subjects = await createSchemaRegistry(registry, systemClock).subjects(signal);
    return [
      {
        check,
        status: "ok",
        detail: `${new URL(registry.url).host}: ${subjects} subject${subjects === 1 ? "" : "s"}`,
      },
    ];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [failed(check, error)];
  }
}

async function checkAlertmanager(url: string, io: Io): Promise<Finding> {
  const check = "alertmanager";
  try {
    const base = url.endsWith("/") ? url : `${url}/`;
    const ready = await fetch(new URL("-/ready", base), { signal: AbortSignal.timeout(httpTimeoutMs) });
    if (!ready.ok) return { check, status: "fail", detail: `${url}: not ready, answered ${ready.status}` };
    const status = await fetch(new URL("api/v2/status", base), {
      signal: AbortSignal.timeout(httpTimeoutMs),
    });
    if (!status.ok)
      return {
        check,
        status: "fail",
        detail: `${url}: api/v2/status answered ${status.status}`,
        hint: "is this an Alertmanager?",
      };
    const { versionInfo } = (await status.json()) as { versionInfo?: { version?: string } };
    const skewMs = Math.abs(
      io.now() - Date.parse(status.headers.get("date") ?? new Date(io.now()).toUTCString()),
    );
    if (skewMs > clockSkewMaxMs) {
      return {
        check,
        status: "warn",
        detail: `${url}: its clock is ${Math.round(skewMs / 1_000)} s away from ours`,
        hint: "check NTP on both",
      };
    }
    return { check, status: "ok", detail: `${url}: version ${versionInfo?.version ?? "unknown"}` };
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return { check, status: "fail", detail: `${url}: ${cause}`, hint: "is it up, and is the URL right?" };
  }
}

/** Asks every query of it, as `run` will. */
async function checkPrometheus(
  { prometheus, limits }: Config,
  views: readonly FeatureView[],
  { signal, now }: Io,
): Promise<Finding[]> {
  if (prometheus === undefined) return [];
  const [{ queriesOf, segmentsOf }, { createPrometheus }] = await Promise.all([
    import("./gauges.ts"),
    import("../source/prometheus.ts"),
  ]);
  const check = "prometheus";
  try {
    const server = createPrometheus(prometheus.place);
    const [to, stepMs] = [now(), prometheus.everyMs];
    const findings: Finding[] = [];
    for (const query of queriesOf(prometheus, views)) {
      const found = await server.range(query.query, { from: to, to, stepMs }, signal);
      const { followed, problem } = segmentsOf(found, query, limits.segments);
      const detail = `${server.name}: ${query.name} of ${query.featureView}: ${problem ?? `${followed.length} series`}`;
      findings.push({ check, status: problem === undefined ? "ok" : "warn", detail });
    }
    return findings;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [failed(check, error)];
  }
}

function checkState(dir: string): Finding {
  try {
    if (!existsSync(dir)) mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
    const { bavail, bsize } = statfsSync(dir);
    const free = bavail * bsize;
    const detail = `${dir}: ${Math.floor(free / 2 ** 20)} MiB free`;
    return free < freeBytesMin
      ? { check: "state", status: "warn", detail, hint: "make room: checkpoints stop when the disk is full" }
      : { check: "state", status: "ok", detail };
  } catch (error) {
    return {
      check: "state",
      status: "fail",
      detail: `${dir}: ${error instanceof Error ? error.message : String(error)}`,
      hint: "set state.dir to a directory that can be written",
    };
  }
}

async function checkPort({ host, port }: Config["http"]): Promise<Finding> {
  const server = createServer();
  const error = await new Promise<Error | undefined>((done) => {
    server.once("error", done);
    server.listen(port, host, () => server.close(() => done(undefined)));
  });
  return error === undefined
    ? { check: "http", status: "ok", detail: `${host}:${port} is free` }
    : {
        check: "http",
        status: "warn",
        detail: `${host}:${port}: ${error.message}`,
        hint: "is tidemark running already? else set http.port",
      };
}

function checkDescriptors(): Finding {
  const limit = descriptorLimit();
  const detail = `${Number.isFinite(limit) ? limit : "no limit"}, for HTTP half of them`;
  return limit < descriptorsMin
    ? { check: "open files", status: "warn", detail, hint: `raise it: ulimit -n ${4 * descriptorsMin}` }
    : { check: "open files", status: "ok", detail };
}

function checkMemory({ limits }: Config): Finding {
  const free = Math.floor(freemem() / 2 ** 20);
  const atHand = memoryAtHand();
  const limit = limits.memory ?? atHand.bytes;
  const { soft, hard } = memoryShares;
  const whose = limits.memory === undefined ? `, the ${atHand.of}'s` : "";
  const detail =
    `limit ${formatBytes(limit)}${whose}: fetching pauses at ${formatBytes(limit * soft)}, ` +
    `a checkpoint and exit 70 at ${formatBytes(limit * hard)}; ${free} MiB free, ${availableParallelism()} cores`;
  const finding = { check: "memory", detail } as const;
  if (limit > atHand.bytes)
    return {
      ...finding,
      status: "warn",
      hint: `the limit is above what the ${atHand.of} has, ${formatBytes(atHand.bytes)}: the kernel acts first`,
    };
  if (limit < memoryMin)
    return { ...finding, status: "warn", hint: `tidemark needs about ${formatBytes(memoryMin)}` };
  return { ...finding, status: "ok" };
}
