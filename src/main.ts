import { Command, CommanderError } from "commander";
import { commands } from "./cli/commands.ts";
import { Exit, exitCodeOf, type Io } from "./cli/io.ts";
import { version } from "./cli/version.ts";
import { Fault } from "./model/fault.ts";

/** The first signal asks for a graceful end; a second one ends at once. */
const interrupted = new AbortController();
const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
/** Those that a command runner passes on besides. */
const moreSignals: NodeJS.Signals[] = ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];
let taker: ((signal: NodeJS.Signals) => void) | undefined;
for (const signal of signals) {
  process.on(signal, () => {
    if (taker !== undefined) return taker(signal);
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(signal);
  });
}

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  flushed: () => flushed(process.stdout),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  isTTY: process.stderr.isTTY === true,
  get columns() {
    return process.stdout.isTTY === true ? process.stdout.columns : undefined; // windows change their size
  },
  cwd: process.cwd(),
  signal: interrupted.signal,
  takeSignals(next) {
    taker = next;
    for (const signal of moreSignals) process.on(signal, () => taker?.(signal));
  },
  kill(pid, signal) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  },
  now: () => Date.now(),
};

/** A reader that goes away (`tidemark … | head`) ends the run quietly. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((done) => stream.write("", () => done()));
}

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("tidemark")
    .description(
      "Watches feature streams for drift, unknown values and broken schemas, and opens a breaker with proof.",
    )
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr })
    .showHelpAfterError("(try --help)")
    .addHelpText(
      "after",
      "\nExamples:\n  tidemark demo\n  tidemark run --config tidemark.yaml\n  tidemark spec check feature-specs/*.yaml\n",
    );
  const named = commands.filter(({ name, ofAll }) => name === argv[0] && ofAll !== true);
  for (const { load } of named.length > 0 ? named : commands) (await load())(program, io);
  program.commands.forEach(inheritBehaviour);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function inheritBehaviour(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr })
    .showHelpAfterError("(try --help)");
  command.commands.forEach(inheritBehaviour);
}

function report(error: unknown): number {
  if (error instanceof Exit) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Fault) {
    io.stderr(`tidemark: ${error.message} [${error.code}]\n`);
    if (error.hint !== undefined) io.stderr(`  ${error.hint}\n`);
    return exitCodeOf(error);
  }
  io.stderr(`tidemark: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 70;
}

process.exitCode = await main(process.argv.slice(2));
// A pipe takes 64 KiB at a time; `process.exit` would throw away what waits for its reader.
for (const stream of [process.stdout, process.stderr]) await flushed(stream);
// Handles that a library left open must not keep a finished command alive.
process.exit();
