import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { recordsOf, tidemark } from "../e2e/support.ts";
import { createRandom } from "../judge/random.ts";
import { freePorts } from "../services/ports.ts";
import { type Scope, temporaryFolder } from "../services/process.ts";
import {
  createTopic,
  type Notification,
  type NotifiedAlert,
  startAlertmanager,
  startBroker,
  startWebhookReceiver,
} from "../services/services.ts";
import { createSlot, type Slot } from "./cast.ts";
import { startProxy, type Wire } from "./proxy.ts";
import { isBad, paged, type Rhythm, rowsAt, specText, startTraffic, view } from "./traffic.ts";
import { countsOf, type Raw, readAll, type Truth, truthOf } from "./truth.ts";

export interface Plan {
  readonly seed: number;
  readonly kills: number;
  readonly brokerKills: number;
  /** Processes that leave and come back, or freeze until the group has given them up. */
  readonly rebalances: number;
  /** Cuts of the network between the monitors and a broker, or the Alertmanager. */
  readonly cuts: number;
  readonly minutes: number;
  readonly processes: number;
  /** When the stream is bad. */
  readonly rhythm: Rhythm;
  readonly say: (text: string) => void;
  /** What has been done up to now, every minute. */
  readonly onMinute: (minute: number, done: Done) => void;
}

export type Done = Readonly<Record<"kills" | "brokerKills" | "rebalances" | "freezes" | "cuts", number>>;

export interface Evidence {
  readonly plan: Plan;
  readonly done: Done;
  readonly truth: Truth;
  readonly counted: ReturnType<typeof countsOf>;
  readonly verdicts: readonly Raw[];
  readonly deadLetters: readonly Raw[];
  readonly pages: readonly (NotifiedAlert & Pick<Notification, "receivedAt">)[];
  /** From each kill of a monitor to the next verdict of a closed window, ms; a kill that another one followed sooner counts from that. */
  readonly recoveriesMs: readonly number[];
  /** Of each process at the end: what it has counted, and the windows it tells. */
  readonly processes: readonly {
    readonly name: string;
    readonly records: Awaited<ReturnType<typeof recordsOf>>;
    readonly windows: readonly { start: string; rows: number; partial: boolean }[];
    readonly gate: number;
  }[];
  readonly crashes: number;
  readonly messages: number;
  readonly resent: number;
  readonly slots: readonly Slot[];
}

const partitions = 6;

/** Does harm for as long as the plan says, then lets everything come to rest and gathers what there is to see. */
export async function runCampaign(scope: Scope, plan: Plan): Promise<Evidence> {
  const chance = (stream: number): (() => number) => createRandom(plan.seed * 10 + stream).uniform;
  const dir = temporaryFolder(scope, "faults");
  const port = await freePorts(30);
  const cluster = await startBroker(scope, { nodes: 3, port, proxied: true });
  const kafka = new Kafka({
    brokers: cluster.brokers.split(","),
    clientId: "faults",
    logLevel: logLevel.NOTHING,
  });
  const wires: Wire[] = [];
  for (const node of [0, 1, 2])
    wires.push(await startProxy(scope, port + 10 * node + 3, port + 10 * node + 4));
  const topic = await createTopic(cluster.brokers, "orders", { partitions });
  const receiver = await startWebhookReceiver(scope);
  const alertmanager = await startAlertmanager(scope, { webhookUrl: receiver.url });
  const pagerWire = await startProxy(scope, Number(alertmanager.url.port));
  await writeSpecs(dir, topic);
  const config = {
    kafka: { brokers: wires.map((wire) => `127.0.0.1:${wire.port}`), groupId: topic, topicPrefix: topic },
    specs: join(dir, "specs"),
    alertmanager: { urls: [`http://127.0.0.1:${pagerWire.port}`], resendEvery: "10s" },
  };
  const slots = Array.from({ length: plan.processes }, (_, index) =>
    createSlot(scope, `m${index}`, join(dir, `m${index}`), config, plan.say),
  );
  plan.say(`three brokers at ${cluster.brokers}, ${plan.processes} monitors`);
  await Promise.all(slots.map((slot) => slot.start()));
  const traffic = await startTraffic(kafka, topic, partitions, plan.rhythm, chance(0));
  await sleep(5_000);

  const done = { kills: 0, brokerKills: 0, rebalances: 0, freezes: 0, cuts: 0 };
  const killedAt: number[] = [];
  const pick = <T>(some: readonly T[], random: () => number): T =>
    some[Math.floor(random() * some.length)] as T;
  /** One of the processes that run; when none does, as soon as one does. */
  const someone = async (random: () => number): Promise<Slot> => {
    for (;;) {
      const there = slots.filter(({ running }) => running !== undefined);
      if (there.length > 0) return pick(there, random);
      await sleep(100);
    }
  };
  const acts: Record<"kill" | "broker" | "rebalance" | "cut", Act> = {
    async kill(random) {
      const slot = await someone(random);
      killedAt.push(Date.now());
      await slot.kill();
      done.kills += 1;
      void sleep(random() * 1_500).then(() => slot.start()); // kills go on meanwhile
    },
    async broker(random) {
      const node = 1 + Math.floor(random() * 3);
      await cluster.kill(node);
      done.brokerKills += 1;
      await sleep(2_000 + random() * 6_000);
      await cluster.restart(node);
    },
    async rebalance(random) {
      const slot = await someone(random);
      done.rebalances += 1;
      if (random() < 0.2) {
        done.freezes += 1;
        await slot.freeze(7_500);
        return;
      }
      await slot.stop();
      await sleep(random() * 2_000);
      await slot.start();
    },
    async cut(random) {
      const wire = random() < 0.3 ? pagerWire : pick(wires, random);
      wire.cut();
      done.cuts += 1;
      await sleep(500 + random() * (wire === pagerWire ? 15_000 : 2_500));
      wire.mend();
    },
  };
  await Promise.all([
    spread(plan.kills, plan, chance(1), acts.kill),
    spread(plan.brokerKills, plan, chance(2), acts.broker),
    spread(plan.rebalances, plan, chance(3), acts.rebalance),
    spread(plan.cuts, plan, chance(4), acts.cut),
    told(plan, done),
  ]);
  plan.onMinute(plan.minutes, done);

  plan.say("the harm is done: everything comes to rest");
  await Promise.all(slots.map((slot) => slot.start()));
  await sleep(5_000);
  await calm(plan.rhythm);
  await traffic.stop();
  await closeWindows(kafka, topic);
  const truth = truthOf(await readAll(kafka, topic), partitions);
  const processes = await settled(slots, truth, plan);
  await silent(receiver);
  const verdicts = await readAll(kafka, `${topic}.verdicts`);
  const evidence: Evidence = {
    plan,
    done,
    truth,
    counted: countsOf(await readAll(kafka, `${topic}.profiles`)),
    verdicts,
    deadLetters: await readAll(kafka, `${topic}.dead-letters`),
    pages: receiver
      .received()
      .flatMap(({ alerts, receivedAt }) => alerts.map((alert) => ({ ...alert, receivedAt }))),
    recoveriesMs: recoveries(killedAt, verdicts),
    processes,
    crashes: slots.reduce((sum, { crashes }) => sum + crashes, 0),
    messages: traffic.acknowledged(),
    resent: traffic.failures(),
    slots,
  };
  await Promise.all(slots.map((slot) => slot.stop()));
  return evidence;
}

/** Does some harm, as chance will have it. */
type Act = (random: () => number) => Promise<void>;

/** `count` acts over the minutes, one at a time, each somewhere in its own stretch of time. */
async function spread(count: number, { minutes, say }: Plan, random: () => number, act: Act): Promise<void> {
  const [begin, stretchMs] = [Date.now(), (minutes * 60_000) / Math.max(count, 1)];
  for (let index = 0; index < count; index++) {
    const at = begin + (index + random() * 0.6) * stretchMs;
    await sleep(Math.max(0, at - Date.now()));
    await act(random).catch((error: unknown) => say(`an act failed: ${String(error)}`));
  }
}

async function told({ minutes, onMinute }: Plan, done: Done): Promise<void> {
  for (let minute = 1; minute < minutes; minute++) {
    await sleep(60_000);
    onMinute(minute, done);
  }
}

async function writeSpecs(dir: string, topic: string): Promise<void> {
  const specs = join(dir, "specs");
  mkdirSync(specs, { recursive: true });
  writeFileSync(join(specs, "orders.yaml"), specText(topic));
  const { uniform } = createRandom(1);
  const day = Date.parse("2026-01-01T00:00:00Z");
  const rows = Array.from({ length: 200 }, (_, second) =>
    rowsAt(day + second * 1_000, 100, { everyWindows: 1, badWindows: 0 }, uniform),
  ).flat();
  const history = join(dir, "history.jsonl");
  writeFileSync(history, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const out = join(specs, "orders.baseline.json");
  const built = await tidemark([
    ...["baseline", "build", "--spec", join(specs, "orders.yaml")],
    ...["--input", history, "--out", out],
  ]);
  if (built.code !== 0) throw new Error(built.stderr);
}

/** A last row on each partition, far enough ahead to close what was open before. */
async function closeWindows(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({ retry: { retries: 20 } });
  await producer.connect();
  const now = Date.now();
  const value = JSON.stringify([{ event_time: now + 10_000, request_id: "last", country: "US", amount: 1 }]);
  const messages = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    value,
    timestamp: String(now),
  }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

/** Waits until the stream has been good for long enough that whatever fires may end. */
async function calm(rhythm: Rhythm): Promise<void> {
  const past = (windows: number): number => Date.now() - windows * view.sizeMs;
  while ([0, 1, 2, 3].some((windows) => isBad(rhythm, past(windows)))) await sleep(200);
}

/** Waits until the pager has heard the end of everything, or 45 s: two turns of each sender, and what a back-off may take. */
async function silent(receiver: { alerts(): readonly NotifiedAlert[] }): Promise<void> {
  for (let second = 0; second < 45; second++) {
    const told = receiver.alerts().filter(({ labels }) => paged.includes(labels["alertname"] ?? ""));
    const newest = new Map(told.map(({ fingerprint, status }) => [fingerprint, status]));
    await sleep(1_000);
    if (![...newest.values()].includes("firing")) break;
  }
  await sleep(2_000); // what should not come
}

/** Waits until the processes have counted all there is and tell all windows that are over, or a minute has passed. */
async function settled(slots: readonly Slot[], truth: Truth, plan: Plan): Promise<Evidence["processes"]> {
  const total = truth.profiled + truth.late + truth.rejected + truth.deadLettered;
  const over = [...truth.windows.keys()].filter((start) => start + view.sizeMs <= truth.closedThrough);
  const newest = new Date(Math.max(...over)).toISOString();
  for (let second = 0; ; second++) {
    const seen = await Promise.all(
      slots.flatMap(({ name, running }) => (running === undefined ? [] : [look(name, running.url)])),
    ).catch(() => []);
    const counted = seen.reduce(
      (sum, { records: { profiled, late, rejected, deadLettered } }) =>
        sum + profiled + late + rejected + deadLettered,
      0,
    );
    const alike =
      seen.length === slots.length && seen.every(({ windows }) => windows.at(-1)?.start === newest);
    if ((counted === total && alike) || second === 60) {
      plan.say(`settled after ${second} s: ${counted} of ${total} rows counted`);
      return seen;
    }
    await sleep(1_000);
  }
}

async function look(name: string, url: URL): Promise<Evidence["processes"][number]> {
  const [records, windows, gate] = await Promise.all([
    recordsOf(url, view.name),
    fetch(new URL(`/v1/windows/${view.name}`, url)).then(
      (response) => response.json() as Promise<Evidence["processes"][number]["windows"]>,
    ),
    fetch(new URL(`/v1/gate/${view.name}`, url)).then(async (response) => {
      await response.body?.cancel();
      return response.status;
    }),
  ]);
  return { name, records, windows, gate };
}

function recoveries(killedAt: readonly number[], verdicts: readonly Raw[]): number[] {
  const times = verdicts
    .filter(({ value }) => (JSON.parse(value.toString()) as { data: { final: boolean } }).data.final)
    .map(({ timestamp }) => timestamp)
    .sort((a, b) => a - b);
  return killedAt.flatMap((at, index) => {
    const next = times.find((time) => time > at);
    const followed = killedAt[index + 1];
    return next === undefined || (followed !== undefined && followed < next) ? [] : [next - at];
  });
}
