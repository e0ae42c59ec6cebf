import type { Fault, FaultCode } from "../model/fault.ts";

/** All that a command sees of the process it runs in. */
export interface Io {
  /** Data. */
  stdout(text: string): void;
  /** Resolves when the reader of stdout has taken what was written. */
  flushed(): Promise<void>;
  /** Talk: progress, warnings, errors. */
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr is a terminal. */
  readonly isTTY: boolean;
  /** Width of the terminal that stdout is; undefined when it is none. */
  readonly columns?: number | undefined;
  readonly cwd: string;
  /** Aborts on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** From now on signals that ask for something are told to `taker`, and end nothing by themselves. */
  takeSignals(taker: (signal: NodeJS.Signals) => void): void;
  /** Sends a signal to another process; one that has ended needs none. */
  kill(pid: number, signal: NodeJS.Signals): void;
  now(): number;
}

/** Ends the command with an exit code and no message: what there was to say has been said. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.name = "Exit";
    this.code = code;
  }
}

const usageExit = 2;
const environmentExit = 4;

const exitCodes: Readonly<Partial<Record<FaultCode, number>>> = {
  "config.invalid": usageExit,
  usage: usageExit,
  "spec.invalid": usageExit,
  "baseline.invalid": usageExit,
  "baseline.mismatch": usageExit,
  "input.empty": usageExit,
  "input.format": usageExit,
  "memory.limit": 70,
  interrupted: 130,
};

/** 2: what was asked for is wrong · 4: the world is · 70: out of memory · 130: interrupted. */
export function exitCodeOf({ code }: Pick<Fault, "code">): number {
  if (code.startsWith("decode.")) return usageExit;
  return exitCodes[code] ?? environmentExit;
}

/** Columns padded with two spaces between them; numbers to the right, by the place of `alignRight`. */
export function formatTable(
  rows: readonly (readonly string[])[],
  alignRight: readonly number[] = [],
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column] ?? 0;
        return alignRight.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      });
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

/** What `--json` prints: one value, indented, with a line end. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
