import { readFileSync } from "node:fs";

/** How many files and sockets the process may have open (RLIMIT_NOFILE); Infinity where the system does not say. */
export function descriptorLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY; // no /proc here
  }
}

/** Fewer are short for brokers, peers, state and a few callers. */
export const descriptorsMin = 256;

/** Of the descriptors, for HTTP: callers must not take those that the state, the brokers and the peers need. */
export const connectionsShare = 0.5;
