import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that tests need beyond npm. */
export interface Tool {
  readonly name: string;
  /** Names that distributions give it, the best first. */
  readonly programs: readonly string[];
  /** apt packages that bring it, the best first; the first that the release has is taken. */
  readonly packages: readonly string[];
  /** Why a program of this name will not do, if it won't. */
  readonly refuse?: (path: string) => string | undefined;
}

const javaMin = 17;

export const tools = {
  java: {
    name: `Java ${javaMin} or newer`,
    programs: ["java"],
    packages: ["openjdk-17-jre-headless", "openjdk-21-jre-headless", "default-jre-headless"],
    refuse(path) {
      const { stderr } = spawnSync(path, ["-version"], { encoding: "utf8" });
      const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
      return major >= javaMin ? undefined : `${path} is version ${major}`;
    },
  },
  maven: { name: "Maven (for Kafka's jars)", programs: ["mvn"], packages: ["maven"] },
  alertmanager: {
    name: "Alertmanager",
    programs: ["prometheus-alertmanager", "alertmanager"],
    packages: ["prometheus-alertmanager"],
  },
  prometheus: { name: "Prometheus", programs: ["prometheus"], packages: ["prometheus"] },
  promtool: { name: "promtool", programs: ["promtool"], packages: ["prometheus"] },
  chromium: {
    name: "Chromium",
    programs: ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"],
    packages: ["chromium", "chromium-browser"],
  },
  nginx: { name: "NGINX", programs: ["nginx"], packages: ["nginx-light", "nginx"] },
  kcat: { name: "kcat", programs: ["kcat", "kafkacat"], packages: ["kcat", "kafkacat"] },
  faketime: { name: "libfaketime", programs: ["faketime"], packages: ["faketime"] },
} as const satisfies Readonly<Record<string, Tool>>;

/** Path of the first of its programs that will do, or why there is none. */
export function findTool(tool: Tool): { readonly path: string } | { readonly problem: string } {
  const problems: string[] = [];
  for (const program of tool.programs) {
    const path = which(program);
    if (path === undefined) continue;
    const problem = tool.refuse?.(path);
    if (problem === undefined) return { path };
    problems.push(problem);
  }
  return {
    problem: problems.length > 0 ? problems.join(", ") : `no ${tool.programs.join(" or ")} on the PATH`,
  };
}

/** @throws Error naming the tool and the command that installs it */
export function requireTool(tool: Tool): string {
  const found = findTool(tool);
  if ("path" in found) return found.path;
  throw new Error(
    `${tool.name} is missing (${found.problem}): apt-get install ${tool.packages[0]}, or npm run setup as root`,
  );
}

/** Debian keeps some daemons in sbin, which a user's PATH may lack. */
function which(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  for (const folder of folders) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Whether this machine's apt can install `name` now. */
export function aptHas(name: string): boolean {
  try {
    const policy = execFileSync("apt-cache", ["policy", name], { encoding: "utf8" });
    return /Candidate: (?!\(none\))\S/.test(policy);
  } catch {
    return false;
  }
}
