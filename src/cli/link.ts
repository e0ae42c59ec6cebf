import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { isIssues, readYaml } from "../spec/document.ts";
import { checkLinks, type LinkFinding, type LinkLock, lockOf } from "../spec/links.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { readSpec } from "./views.ts";

const lockName = "links.lock.json";

export function addLink(program: Command, io: Io): void {
  const link = program
    .command("link")
    .description("Keep feature views and the models that are trained on them together.");
  link
    .command("check")
    .description(
      "Say whether specs and the models they are linked to agree. Exit 1 when one moved without the other.",
    )
    .option("--specs <dir>", "directory of specs", "feature-specs")
    .option("--strict", "warnings are findings too: a model with neither fingerprint nor lock")
    .option("--json", "findings as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  tidemark link check\n  tidemark link check --specs feature-specs --strict",
    )
    .action((options: { specs: string; strict?: boolean; json?: boolean }) => check(options, io));
  link
    .command("lock")
    .description(`Write down in ${lockName} what specs and models are now, as the state that they agreed on.`)
    .option("--specs <dir>", "directory of specs", "feature-specs")
    .addHelpText("after", "\nExamples:\n  tidemark link lock && git add feature-specs/links.lock.json")
    .action((options: { specs: string }) => lock(options.specs, io));
}

interface SpecFile {
  readonly file: string;
  readonly path: string;
  readonly view: FeatureView;
}

function check(options: { specs: string; strict?: boolean; json?: boolean }, io: Io): void {
  const specs = specsOf(options.specs, io);
  const locked = readLock(options.specs, io);
  const findings = specs.flatMap((spec) =>
    checkLinks(spec.view, locked?.[spec.view.name]).map((finding) => ({
      ...placeOf(spec, finding),
      ...finding,
    })),
  );
  for (const name of Object.keys(locked ?? {})) {
    if (specs.some(({ view }) => view.name === name)) continue;
    const message = `${name} is locked, and there is no spec of it any more`;
    const hint = "run `tidemark link lock` if it is gone for good";
    const file = join(options.specs, lockName);
    findings.push({
      file,
      line: 0,
      column: 0,
      view: name,
      model: undefined,
      code: "spec-moved",
      severity: "error",
      message,
      hint,
    });
  }
  const bad = findings.filter(({ severity }) => severity === "error" || options.strict === true);
  if (options.json === true) io.stdout(formatJson({ ok: bad.length === 0, findings }));
  else {
    for (const { file, line, column, code, severity, message, hint } of findings)
      io.stdout(
        `${line === 0 ? file : `${file}:${line}:${column}`} ${severity} ${code} ${message} (${hint})\n`,
      );
    if (findings.length === 0) {
      const models = specs.reduce((sum, { view }) => sum + view.models.length, 0);
      io.stdout(`${counted(specs.length, "spec")} and ${counted(models, "model")} agree\n`);
    }
  }
  if (bad.length > 0) throw new Exit(1);
}

function lock(directory: string, io: Io): void {
  const specs = specsOf(directory, io);
  const apart = specs.flatMap(({ view }) =>
    checkLinks(view, undefined).filter(({ severity }) => severity === "error"),
  );
  const [first] = apart;
  if (first !== undefined)
    throw new Fault("spec.invalid", `link lock: ${first.message}`, { hint: first.hint });
  const state: LinkLock = Object.fromEntries(specs.map(({ view }) => [view.name, lockOf(view)]));
  writeFileSync(resolve(io.cwd, directory, lockName), formatJson(state));
  io.stderr(`${join(directory, lockName)}: ${counted(specs.length, "spec")}\n`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The line of the model, or of the list of models, or of the spec's version. */
function placeOf(
  { file, path, view }: SpecFile,
  { model }: LinkFinding,
): { file: string; line: number; column: number } {
  const yaml = readYaml(readFileSync(path, "utf8"), file, "spec");
  if (isIssues(yaml)) return { file, line: 1, column: 1 };
  const place = model === undefined ? (view.models.length > 0 ? ["models"] : ["version"]) : ["models", model];
  return { file, ...yaml.locate(place, model === undefined ? "key" : undefined) };
}

function specsOf(directory: string, io: Io): readonly SpecFile[] {
  const folder = resolve(io.cwd, directory);
  if (!existsSync(folder)) throw new Fault("spec.missing", `${directory}: no such directory of specs`);
  const files = readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
  if (files.length === 0) throw new Fault("spec.missing", `${directory}: no *.yaml in it`);
  return files.map((name) => {
    const path = join(folder, name);
    return { file: join(directory, name), path, view: readSpec(path) };
  });
}

/** @throws Fault `spec.invalid` when it is no lock file */
function readLock(directory: string, io: Io): LinkLock | undefined {
  const path = resolve(io.cwd, directory, lockName);
  if (!existsSync(path)) return undefined;
  const hint = "write it anew with `tidemark link lock`";
  let lock: unknown;
  try {
    lock = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Fault("spec.invalid", `${join(directory, lockName)}: no JSON`, { cause, hint });
  }
  const whole =
    typeof lock === "object" &&
    lock !== null &&
    Object.values(lock).every(
      (each: unknown) => typeof (each as { fingerprint?: unknown } | null)?.fingerprint === "string",
    );
  if (!whole) throw new Fault("spec.invalid", `${join(directory, lockName)}: no lock file`, { hint });
  return lock as LinkLock;
}
