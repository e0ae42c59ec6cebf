import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { requireTool, tools } from "../tools.ts";

export const kafkaVersion = "4.4.0";
const here = import.meta.dirname;

/** Outside the checkout, so that a fresh clone need not fetch what the last one fetched. */
export const jarFolder = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "tidemark",
  "kafka",
  kafkaVersion,
);

/**
 * Kafka's jars, each of them as `jars.sha256` has it: a jar that is missing, changed or not listed is refused.
 * Fetched through Maven when they are not there yet.
 * @throws Error naming the first jar that differs, or the tool that is missing
 */
export function ensureKafkaJars(): string {
  if (existsSync(jarFolder)) {
    const problem = compareJars(jarFolder);
    if (problem === undefined) return jarFolder;
    rmSync(jarFolder, { recursive: true });
  }
  const partial = `${jarFolder}.${process.pid}`;
  const options = [
    `-Dkafka.version=${kafkaVersion}`,
    "-DincludeScope=runtime",
    `-DoutputDirectory=${partial}`,
  ];
  execFileSync(
    requireTool(tools.maven),
    ["-B", "-q", "-f", join(here, "pom.xml"), ...options, "dependency:copy-dependencies"],
    { stdio: ["ignore", 2, 2] },
  );
  const problem = compareJars(partial);
  if (problem !== undefined) {
    rmSync(partial, { recursive: true });
    throw new Error(`Kafka's jars from Maven are not those of jars.sha256: ${problem}`);
  }
  try {
    renameSync(partial, jarFolder);
  } catch {
    rmSync(partial, { recursive: true }); // another process was faster
  }
  return jarFolder;
}

function compareJars(folder: string): string | undefined {
  const listed = new Map(
    readFileSync(join(here, "jars.sha256"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split("  ").toReversed() as [string, string]),
  );
  const names = readdirSync(folder);
  for (const name of names) {
    const sum = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    if (listed.get(name) !== sum)
      return `${name} has sha256 ${sum}, expected ${listed.get(name) ?? "no such jar"}`;
  }
  const missing = [...listed.keys()].find((name) => !names.includes(name));
  return missing === undefined ? undefined : `${missing} is missing`;
}
