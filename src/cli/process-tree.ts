import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The processes that a command has become, and their memory. */
export interface Processes {
  /** How the memory is read: `cgroup PATH` or `rss`. */
  readonly how: string;
  pids(): readonly number[];
  /** @param near  from here on the reading is worth more time: shared pages are counted once */
  bytes(near: number): number;
  /** Gives back what was made. */
  close(): void;
}

/**
 * The process tree under `root`, and whoever else is in its session: children of a parent that has ended stay in it.
 * Memory is the sum of resident sets; from `near` on, of proportional sets (each page once), where the kernel tells them.
 */
export function processTree(root: number): Processes {
  return {
    how: "rss",
    pids: () => treeOf(root),
    bytes(near) {
      const pids = treeOf(root);
      const resident = pids.reduce((sum, pid) => sum + kilobytes(`/proc/${pid}/status`, "VmRSS"), 0);
      if (resident < near) return resident;
      return pids.reduce(
        (sum, pid) =>
          sum + (kilobytes(`/proc/${pid}/smaps_rollup`, "Pss") || kilobytes(`/proc/${pid}/status`, "VmRSS")),
        0,
      );
    },
    close: () => undefined,
  };
}

function treeOf(root: number): readonly number[] {
  const seen = new Map<number, { parent: number; session: number; state: string }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // pid (command, which may hold spaces and brackets) state parent group session …
    const [state = "", parent, , session] = read(`/proc/${name}/stat`)
      .replace(/^.*\) /s, "")
      .split(" ");
    seen.set(Number(name), { state, parent: Number(parent), session: Number(session) });
  }
  const belongs = (pid: number): boolean => {
    const one = seen.get(pid);
    if (pid === root || one?.session === root) return true;
    return one !== undefined && one.parent > 1 && belongs(one.parent);
  };
  return [...seen].filter(([pid, { state }]) => state !== "Z" && belongs(pid)).map(([pid]) => pid);
}

/** `VmRSS:     1234 kB` → bytes; 0 when the process has gone, or may not be read. */
function kilobytes(file: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(read(file));
  return Number(match?.[1] ?? 0) * 1_024;
}

/** Empty when it has gone, or may not be read: processes end between two looks. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** A cgroup v2 of our own, for a command to be started in. */
export interface Group {
  readonly path: string;
  /** The processes that join it: the command, and all that it starts, however they detach themselves. */
  readonly processes: Processes;
}

const cgroups = "/sys/fs/cgroup";

/**
 * Makes a group below our own, or below the nearest group above it that allows it. At `highBytes` the kernel slows what is
 * in it and takes back its page cache; it ends nothing.
 *
 * @returns undefined when there is no cgroup v2 with a memory controller that we may use
 */
export function createGroup(name: string, highBytes: number): Group | undefined {
  const own = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup"))?.[1];
  if (own === undefined || !existsSync(join(cgroups, "cgroup.controllers"))) return undefined;
  for (let parent = join(cgroups, own); parent.startsWith(cgroups); parent = dirname(parent)) {
    const path = join(parent, name);
    try {
      mkdirSync(path);
    } catch {
      continue; // it is not ours to change: the one above may be
    }
    try {
      writeFileSync(join(path, "memory.high"), String(highBytes));
      // whether a process may be moved there is known by moving one
      if (spawnSync("/bin/sh", ["-c", joinGroup, path, "true"]).status === 0)
        return { path, processes: groupMembers(path) };
    } catch {
      // no memory controller in it
    }
    remove(path);
  }
  return undefined;
}

/** Of `sh -c`: joins the group named by the next argument and becomes the command after it. */
export const joinGroup = 'echo $$ >"$0/cgroup.procs" && exec "$@"';

/** What the kernel tells of a cgroup v2: its processes, and its memory without page cache that is not in use. */
export function groupMembers(path: string): Processes {
  return {
    how: `cgroup ${path}`,
    pids: () =>
      read(join(path, "cgroup.procs"))
        .split("\n")
        .filter((line) => line !== "")
        .map(Number),
    bytes() {
      const current = Number(read(join(path, "memory.current")));
      const cache = /^inactive_file (\d+)$/m.exec(read(join(path, "memory.stat")))?.[1];
      return Math.max(0, current - Number(cache ?? 0));
    },
    close: () => remove(path),
  };
}

/** Stays when somebody is still in it. */
function remove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // an empty group costs nothing
  }
}
