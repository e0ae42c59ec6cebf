import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { DecodeError, Fault } from "../../src/model/fault.ts";
import { corpus, readEveryCell, type Subject } from "./corpus.ts";
import { createRandom } from "./random.ts";

/**
 * Mutates real messages of every format and holds the decoder to its promise: batches whose every cell can be read and
 * that other readers agree with, or a DecodeError (not one that wraps a mistake of ours); within a second of processor time;
 * within the limits' memory; nothing else. Mutation `index` of a seed is the same wherever and whenever it is made.
 */
export interface FuzzOptions {
  readonly mutations: number;
  readonly seed: number;
  readonly threads: number;
  /** Only mutations of subjects whose name holds this. */
  readonly only?: string;
}

export interface FuzzOutcome {
  readonly mutations: number;
  readonly decoded: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Slowest single mutation, decoding and reading every cell, in ms of processor time. */
  readonly slowestMs: number;
  readonly slowest: string;
  readonly failures: readonly string[];
}

const callMsMax = 1_000;
const failuresMax = 10;
/** Mutations that one reader sees, so that a bad message can spoil what it keeps for the next. */
const perReader = 100;
/** A thread silent for so long hangs. */
const silenceMs = 60_000;
/** JavaScript heap of a thread; what is decoded is bounded far below. */
const heapMiB = 512;

interface Share {
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly only: string | undefined;
}

/** Shares mutations out to threads and adds up what they say. */
export async function fuzz({ mutations, seed, threads, only }: FuzzOptions): Promise<FuzzOutcome> {
  const size = Math.ceil(mutations / threads);
  const shares = Array.from({ length: threads }, (_, index) => ({
    from: index * size,
    to: Math.min(mutations, (index + 1) * size),
    seed,
    only,
  }));
  const outcomes = await Promise.all(shares.map(inThread));
  const slowest = outcomes.toSorted((a, b) => b.slowestMs - a.slowestMs)[0];
  const refused: Record<string, number> = {};
  for (const outcome of outcomes)
    for (const [reason, count] of Object.entries(outcome.refused))
      refused[reason] = (refused[reason] ?? 0) + count;
  return {
    mutations: outcomes.reduce((sum, outcome) => sum + outcome.mutations, 0),
    decoded: outcomes.reduce((sum, { decoded }) => sum + decoded, 0),
    refused,
    slowestMs: slowest?.slowestMs ?? 0,
    slowest: slowest?.slowest ?? "",
    failures: outcomes.flatMap(({ failures }) => failures),
  };
}

function inThread(share: Share): Promise<FuzzOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: share,
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
    });
    let reached = share.from;
    const failed = (what: string): void =>
      resolve({
        mutations: reached - share.from,
        decoded: 0,
        refused: {},
        slowestMs: 0,
        slowest: "",
        failures: [what],
      });
    const hang = (): void => {
      failed(`silent behind mutation ${reached}: it hangs`);
      void worker.terminate();
    };
    let watch = setTimeout(hang, silenceMs);
    worker.on("message", (told: number | FuzzOutcome) => {
      clearTimeout(watch);
      if (typeof told === "number") {
        reached = told;
        watch = setTimeout(hang, silenceMs);
      } else resolve(told);
    });
    worker.on("error", (error) => {
      clearTimeout(watch);
      failed(`the thread died behind mutation ${reached}: ${error.message}`);
    });
  });
}

async function work({ from, to, seed, only }: Share): Promise<FuzzOutcome> {
  const subjects = corpus.filter(({ name }) => only === undefined || name.includes(only));
  const others = subjects.map(({ bytes }) => bytes);
  const cellsOf = async (read: ReturnType<Subject["open"]> | undefined, bytes: Uint8Array): Promise<string> =>
    JSON.stringify((await read?.(bytes))?.map(readEveryCell));
  const clean = await Promise.all(subjects.map(({ open, bytes }) => cellsOf(open(), bytes)));
  const refused: Record<string, number> = {};
  const failures: string[] = [];
  let [decoded, slowestMs, done, slowest] = [0, 0, 0, ""];
  let readers = subjects.map(({ open }) => open());
  for (let index = from; index < to && failures.length < failuresMax; index++) {
    const random = createRandom(seed, index);
    const choice = chosen(subjects, random);
    const subject = subjects[choice] as Subject;
    const { bytes, kinds } = mutate(subject, random, others);
    const fail = (what: string): void => void failures.push(`#${index} ${subject.name}, ${kinds}: ${what}`);
    const began = process.threadCpuUsage();
    const batches = await attempt(
      async () => {
        const read = await (readers[choice] as ReturnType<Subject["open"]>)(bytes);
        for (const batch of read) readEveryCell(batch);
        return read;
      },
      refused,
      fail,
    );
    const { user, system } = process.threadCpuUsage(began);
    const took = (user + system) / 1_000;
    if (took > slowestMs) [slowestMs, slowest] = [took, `#${index} ${subject.name}, ${kinds}`];
    if (took > callMsMax) fail(`took ${took.toFixed(0)} ms`);
    if (batches !== undefined) {
      decoded += 1;
      const wrong = subject.disagrees?.(bytes, batches);
      if (wrong !== undefined) fail(wrong);
    }
    done += 1;
    if (done % perReader > 0) continue;
    for (const [place, { name, bytes: whole }] of subjects.entries())
      if ((await cellsOf(readers[place], whole)) !== clean[place]) fail(`${name} reads otherwise after it`);
    readers = subjects.map(({ open }) => open());
    parentPort?.postMessage(index);
  }
  return { mutations: done, decoded, refused, slowestMs, slowest, failures };
}

/** Files cost four times what messages do: of those that the numbers name, four in five are passed over for another subject. */
function chosen(subjects: readonly Subject[], random: ReturnType<typeof createRandom>): number {
  const first = random(subjects.length);
  const isFile = subjects[first]?.name.startsWith("file ") === true;
  return isFile && random(5) > 0 ? random(subjects.length) : first;
}

/** What `read` gives; `undefined` when it refuses, which is counted, or fails. */
async function attempt<T>(
  read: () => Promise<T>,
  refused: Record<string, number>,
  fail: (what: string) => void,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    // A TypeError is a mistake of ours, whatever it is wrapped in; but for the one that tells of bytes that are not UTF-8.
    const ours = (cause: unknown): boolean =>
      cause instanceof TypeError && !/encoded data/.test(cause.message);
    if (error instanceof Fault && !ours(error.cause)) {
      // Files have faults of their own besides: input.format
      const reason = error instanceof DecodeError ? error.reason : error.code;
      refused[reason] = (refused[reason] ?? 0) + 1;
    } else fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return undefined;
  }
}

function mutate(
  subject: Subject,
  random: ReturnType<typeof createRandom>,
  others: readonly Uint8Array[],
): { bytes: Uint8Array; kinds: string } {
  let bytes: Uint8Array = new Uint8Array(subject.bytes);
  const kinds: string[] = [];
  for (let times = 1 + random(3); times > 0 && bytes.length > 16; times--) {
    const [kind, change] = subject.mutators[random(subject.mutators.length)] as Subject["mutators"][number];
    kinds.push(kind);
    bytes = change(bytes, random, others);
  }
  return { bytes, kinds: kinds.join(" + ") };
}

if (!isMainThread) parentPort?.postMessage(await work(workerData as Share));
