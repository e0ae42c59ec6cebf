import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { foreignFormats } from "../spec/foreign.ts";
import { exportSpec, importSpec } from "../spec/foreign-carry.ts";
import { type Loss, lossLines } from "../spec/foreign-draft.ts";
import { formatJson, type Io } from "./io.ts";
import { count } from "./paint.ts";
import { readSpec } from "./views.ts";

interface ImportFlags {
  readonly from: string;
  readonly name?: string;
  readonly eventTime?: string;
  readonly out?: string;
  readonly json?: boolean;
}

interface ExportFlags {
  readonly to: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `spec import` and `spec export`. */
export function defineForeign(spec: Command, io: Io): void {
  const readable = foreignFormats.map(({ name }) => name).join("|");
  const writable = foreignFormats.filter(({ write }) => write !== undefined).map(({ name }) => name);
  spec
    .command("import <file>")
    .description("Make a spec of another tool's file; what cannot be carried over is listed.")
    .requiredOption("--from <format>", readable)
    .option("--name <name>", "of the feature view; of a contract with several tables, the one of that name")
    .option("--event-time <column>", "column with the event time")
    .option("--out <file>", "where the spec goes; standard output without it")
    .option("--json", "the spec and what is not carried over as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tidemark spec import --from great-expectations suites/orders.json --event-time created_at --out feature-specs/orders.yaml
  tidemark spec import --from tfdv schema.pbtxt --name taxi --json`,
    )
    .action((file: string, flags: ImportFlags) => importFile(file, flags, io));
  spec
    .command("export <spec>")
    .description("Write a spec in another tool's format; what cannot be carried over is listed.")
    .requiredOption("--to <format>", writable.join("|"))
    .option("--out <file>", "where it goes; standard output without it")
    .option("--json", "the text and what is not carried over as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  tidemark spec export --to odcs feature-specs/reco_user.yaml --out reco_user.odcs.yaml",
    )
    .action((file: string, flags: ExportFlags) => exportFile(file, flags, io));
}

function importFile(file: string, { from, name, eventTime, out, json }: ImportFlags, io: Io): void {
  const { text, view, losses } = importSpec(readText(file, io), { from, file, name, eventTime });
  hand(text, out, json, io, { format: from, name: view.name, fields: view.fields.length }, losses);
}

function exportFile(file: string, { to, out, json }: ExportFlags, io: Io): void {
  const view = readSpec(resolve(io.cwd, file));
  const { text, losses } = exportSpec(view, to);
  hand(text, out, json, io, { format: to, name: view.name, fields: view.fields.length }, losses);
}

interface About {
  readonly format: string;
  readonly name: string;
  readonly fields: number;
}

function hand(
  text: string,
  out: string | undefined,
  json: boolean | undefined,
  io: Io,
  about: About,
  losses: readonly Loss[],
): void {
  if (out !== undefined) writeFileSync(resolve(io.cwd, out), text);
  if (json === true) io.stdout(formatJson({ ...about, out: out ?? null, text, notCarried: losses }));
  else if (out === undefined) io.stdout(text);
  else io.stderr(`${out}: ${about.name}, ${count(about.fields)} fields\n`);
  if (losses.length === 0) return;
  io.stderr(
    `not carried over:\n${lossLines(losses)
      .map((line) => `  ${line}\n`)
      .join("")}`,
  );
}

function readText(file: string, io: Io): string {
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch (cause) {
    throw new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
