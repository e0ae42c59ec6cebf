import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "./process.ts";

/**
 * A file system of its own of so many KiB, gone with the scope.
 * @throws Error where mounting is not allowed
 */
export function smallDisk(scope: Scope, kibibytes: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", dir], { stdio: "pipe" });
  } catch (cause) {
    rmdirSync(dir);
    throw new Error("mounting a small disk needs root: run this test as root, or in a container of its own", {
      cause,
    });
  }
  scope.after(() => {
    execFileSync("umount", ["-l", dir]); // lazily: a process may still have a file of it open
    rmdirSync(dir);
  });
  const filler = join(dir, "filler");
  return {
    dir,
    fill() {
      const file = openSync(filler, "a");
      try {
        for (const page = Buffer.alloc(4096); ; ) writeSync(file, page);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
  };
}

export interface SmallDisk {
  readonly dir: string;
  /** Leaves no page free. */
  fill(): void;
  free(): void;
}
