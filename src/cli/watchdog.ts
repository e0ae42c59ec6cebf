import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Fault } from "../model/fault.ts";
import type { Clock, Elapsed } from "../model/time.ts";
import {
  type MemoryPolicy,
  type MemoryReading,
  memoryShare,
  memoryShares,
  memoryStart,
  memoryStep,
} from "../pipeline/memory.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import type { MemoryStatus } from "../serve/metrics.ts";
import { residentBytes } from "../serve/resident.ts";
import { pause } from "../source/pause.ts";
import { formatBytes } from "../spec/size.ts";

/** Memory is read this often, and before each delivery that comes later than `freshMs` after the last reading. */
const [readEveryMs, freshMs] = [250, 50];
/** What is garbage counts for nothing: before memory is called short it is collected, for at most a tenth of the time. */
const collectShare = 0.1;
/** How long the end may take; after it the process ends as it is, and its last checkpoint counts. */
const endWithinMs = 8_000;

export interface WatchdogOptions {
  readonly limitBytes: number;
  readonly clock: Clock;
  readonly trouble: (name: string, text: string | undefined) => void;
  /** Lets go of what can be done without. */
  readonly shed: () => void;
}

/** Keeps the process below its memory limit, or ends it in order. */
export interface Watchdog {
  /** The same source, which hands over nothing while memory is short. */
  holding(source: Source): Source;
  /** Aborts when the hard limit is reached. */
  readonly end: AbortSignal;
  /** Rejects when the end takes too long. */
  readonly overtime: Promise<never>;
  status(): MemoryStatus;
  /** @throws Fault `memory.limit` after the hard limit was reached */
  close(): void;
}

export function startWatchdog(options: WatchdogOptions): Watchdog {
  const { limitBytes, clock, trouble, shed } = options;
  const policy: MemoryPolicy = { limitBytes, ...memoryShares };
  const end = new AbortController();
  const overtime = Promise.withResolvers<never>();
  overtime.promise.catch(() => undefined); // nobody need look before it matters
  let watch = memoryStart(policy);
  let sheds = 0;
  let collectAgainAt = Number.NEGATIVE_INFINITY;
  let readAt = Number.NEGATIVE_INFINITY;
  let fault: Fault | undefined;

  const read = (): MemoryReading => {
    const reading = readMemory(clock.elapsed());
    const share = memoryShare(reading, policy);
    if (share < watch.line || (share < policy.hard && reading.at < collectAgainAt)) return reading;
    collect();
    const after = readMemory(clock.elapsed());
    collectAgainAt = after.at + (after.at - reading.at) / collectShare;
    return after;
  };

  const look = (): void => {
    if (end.signal.aborted) return;
    const reading = read();
    readAt = reading.at;
    const next = memoryStep(watch, reading, policy);
    ({ watch } = next);
    const level = levelOf(reading, policy);
    if (next.step === "hold") {
      shed();
      sheds += 1;
      trouble("memory", `${level}, above the soft limit: fetching is paused, details are shed`);
    } else if (next.step === "yield") {
      trouble("memory", `${level}, above the soft limit and does not fall: fetching goes on`);
    } else if (next.step === "release") {
      trouble("memory", undefined);
    } else if (next.step === "end") {
      trouble("memory.limit", `${level}, the hard limit: a checkpoint, then the end`);
      fault = new Fault("memory.limit", `memory: ${level}: ended before the kernel would have`, {
        hint: "raise limits.memory, or lower limits.categories and limits.segments",
      });
      end.abort(fault);
      setTimeout(overtime.reject, endWithinMs, fault).unref();
    }
  };

  const held =
    (receiver: Receiver): Receiver["receive"] =>
    async (partition, messages) => {
      if (clock.elapsed() - readAt >= freshMs) look();
      while (watch.held && !end.signal.aborted) await pause(readEveryMs, end.signal);
      await receiver.receive(partition, messages);
    };

  const timer = setInterval(look, readEveryMs);
  timer.unref();
  return {
    end: end.signal,
    overtime: overtime.promise,
    status: () => ({ limitBytes, paused: watch.held, sheds }),
    holding: (source) => ({
      run: (receiver, signal) => source.run({ ...receiver, receive: held(receiver) }, signal),
    }),
    close() {
      clearInterval(timer);
      if (fault !== undefined) throw fault;
    },
  };
}

function levelOf(reading: MemoryReading, { limitBytes }: MemoryPolicy): string {
  const { residentBytes, heapBytes, heapLimitBytes } = reading;
  return residentBytes / limitBytes >= heapBytes / heapLimitBytes
    ? `${formatBytes(residentBytes)} of ${formatBytes(limitBytes)}`
    : `a heap of ${formatBytes(heapBytes)} of the engine's ${formatBytes(heapLimitBytes)}`;
}

function readMemory(at: Elapsed): MemoryReading {
  const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics();
  return { at, residentBytes: residentBytes(), heapBytes, heapLimitBytes };
}

type Collect = (how: { type: "major"; flavor: "last-resort" }) => void;
let gc: Collect | undefined;

/**
 * A full collection that gives the system back what is free: the engine, whose own limit may be far, puts that off. Takes up to
 * a second or so.
 */
function collect(): void {
  if (gc === undefined) {
    setFlagsFromString("--expose-gc");
    gc = runInNewContext("gc") as Collect;
  }
  gc({ type: "major", flavor: "last-resort" });
}

/** What the process may have when the config does not say: its container's memory, else the machine's. */
export function memoryAtHand(): { readonly bytes: number; readonly of: "container" | "machine" } {
  const machine = totalmem();
  const container = containerLimit();
  return container < machine ? { bytes: container, of: "container" } : { bytes: machine, of: "machine" };
}

/** Where each version of cgroups keeps its limits, and the line of `/proc/self/cgroup` that says where we are. */
const cgroups = [
  { root: "/sys/fs/cgroup", file: "memory.max", line: /^0::(\/.*)$/m },
  { root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes", line: /^\d+:memory:(\/.*)$/m },
];

/** The smallest limit from our own cgroup up to the root; Infinity when there is none. */
function containerLimit(): number {
  const where = read("/proc/self/cgroup");
  let limit = Number.POSITIVE_INFINITY;
  for (const { root, file, line } of cgroups) {
    for (let path = line.exec(where)?.[1] ?? "/"; ; path = dirname(path)) {
      const text = read(join(root, path, file)).trim();
      if (/^\d+$/.test(text)) limit = Math.min(limit, Number(text));
      if (path === "/") break;
    }
  }
  return limit;
}

/** Empty when it is not there. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
