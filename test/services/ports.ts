import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Below the range from which Linux gives ports to outgoing connections. */
const [first, count] = [20_000, 12_000];
const claims = join(tmpdir(), `tidemark-ports-${userInfo().uid}`);
const ours = new Set<string>();

process.on("exit", () => {
  for (const claim of ours) rmSync(claim, { force: true });
});

/**
 * A run of `length` free ports on the loopback interface, for servers that must know their port beforehand. It is this
 * process's until it ends: other test processes are told by a file.
 */
export async function freePorts(length: number): Promise<number> {
  mkdirSync(claims, { recursive: true });
  for (let attempt = 0; attempt < 200; attempt++) {
    const start = first + Math.floor(Math.random() * (count - length));
    const ports = Array.from({ length }, (_, index) => start + index);
    if (!ports.every(claim)) continue;
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return start;
  }
  throw new Error(`no ${length} free ports from ${first} on`);
}

export const freePort = (): Promise<number> => freePorts(1);

/** A claim whose process is gone is nobody's. A failed run of claims is kept: ports are many. */
function claim(port: number): boolean {
  const file = join(claims, String(port));
  for (const attempt of ["first", "second"]) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      ours.add(file);
      return true;
    } catch {
      if (attempt === "second" || !isAbandoned(file)) return false;
      rmSync(file, { force: true });
    }
  }
  return false;
}

/** One that has no process in it yet is being made. */
function isAbandoned(file: string): boolean {
  try {
    const owner = readFileSync(file, "utf8");
    return owner !== "" && !isAlive(Number(owner));
  } catch {
    return true; // given back meanwhile
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
