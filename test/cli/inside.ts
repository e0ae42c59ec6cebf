import { Command, CommanderError } from "commander";
import { commands } from "../../src/cli/commands.ts";
import { Exit, exitCodeOf } from "../../src/cli/io.ts";
import { Fault } from "../../src/model/fault.ts";
import { type Ended, root } from "./command.ts";

interface Terminal {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of stdout's terminal. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a command in this process: what `bin/tidemark` does but for the process around it. For tests of what commands say;
 * those of signals, pipes and memory need a process of their own. One at a time: the working directory is the process's.
 */
export async function inside(
  args: readonly string[],
  { cwd = root, ...terminal }: Terminal = {},
): Promise<Ended> {
  const said = { stdout: "", stderr: "" };
  const io = {
    stdout(text: string): void {
      said.stdout += text;
    },
    stderr(text: string): void {
      said.stderr += text;
    },
    flushed: async () => undefined,
    env: {},
    isTTY: false,
    signal: new AbortController().signal,
    ...terminal,
    cwd,
    takeSignals: () => undefined,
    kill: () => undefined,
    now: () => Date.now(),
  };
  const program = new Command("tidemark");
  const entry = commands.find(({ name }) => name === args[0]);
  if (entry === undefined) throw new TypeError(`no command ${args[0]}`);
  for (const { load } of entry.ofAll === true ? commands : [entry]) (await load())(program, io);
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: io.stdout, writeErr: io.stderr });
    command.commands.forEach(quiet);
  };
  quiet(program);
  const here = process.cwd();
  process.chdir(cwd);
  const code = await program
    .parseAsync([...args], { from: "user" })
    .then(
      () => 0,
      (error: unknown) => {
        if (error instanceof Exit) return error.code;
        if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
        if (!(error instanceof Fault)) throw error;
        said.stderr += `tidemark: ${error.message} [${error.code}]\n`;
        if (error.hint !== undefined) said.stderr += `  ${error.hint}\n`;
        return exitCodeOf(error);
      },
    )
    .finally(() => process.chdir(here));
  return { code, ...said };
}
