import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { ensureKafkaJars } from "./kafka/jars.ts";
import { aptHas, findTool, type Tool, tools } from "./tools.ts";

/** Debian starts the daemons that it installs, unless this file forbids it. */
const policy = "/usr/sbin/policy-rc.d";

/**
 * Makes sure that everything tests need beyond npm is there. Installs it with apt-get where this is root on Debian or
 * Ubuntu.
 * @throws Error naming what is missing and the command that installs it
 */
export function setUp(say: (text: string) => void): void {
  const missing = Object.values<Tool>(tools).filter((tool) => "problem" in findTool(tool));
  if (missing.length > 0 && canInstall()) install(missing, say);
  const left = missing.flatMap((tool) => {
    const found = findTool(tool);
    return "problem" in found ? [{ tool, problem: found.problem }] : [];
  });
  if (left.length > 0) {
    const packages = [...new Set(left.map(({ tool }) => tool.packages[0]))];
    throw new Error(
      [
        "Tests need what is not on this machine:",
        ...left.map(({ tool, problem }) => `  ${tool.name}: ${problem}`),
        `Install it (Debian, Ubuntu):  sudo apt-get install --no-install-recommends ${packages.join(" ")}`,
        "Tests that need no server run without:  npm test -- judge",
      ].join("\n"),
    );
  }
  ensureKafkaJars();
}

function canInstall(): boolean {
  const isRoot = process.getuid?.() === 0;
  return isRoot && spawnSync("apt-get", ["--version"]).status === 0;
}

function install(missing: readonly Tool[], say: (text: string) => void): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: readonly string[]): void => {
    say(`apt-get ${args.join(" ")}`);
    execFileSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], {
      env,
      stdio: ["ignore", 2, 2],
    });
  };
  apt("update");
  const packages = missing.flatMap((tool) => tool.packages.find(aptHas) ?? []);
  if (packages.length === 0) return;
  const forbids = existsSync(policy);
  if (!forbids) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    apt("install", "-y", "--no-install-recommends", ...new Set(packages));
  } catch {
    // what is still missing is named by the caller, with the command to try by hand
  } finally {
    if (!forbids) rmSync(policy, { force: true });
  }
}

if (import.meta.main) {
  try {
    setUp((text) => console.error(text));
    console.log("Everything that tests need is there.");
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
