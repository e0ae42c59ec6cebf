import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bin/tidemark` as a user would, to its end. @param options.env  besides what this process has */
export function tidemark(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { cwd = root, env = {} } = options;
  return new Promise((done) => {
    const settings = { cwd, env: { ...process.env, ...env }, timeout: 180_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(`${root}bin/tidemark`, [...args], settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      done({ code, stdout, stderr });
    });
  });
}
