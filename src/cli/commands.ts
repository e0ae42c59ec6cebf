import type { Command } from "commander";
import type { Io } from "./io.ts";

export interface CommandEntry {
  readonly name: string;
  /** Speaks of the others, so that all are loaded with it. */
  readonly ofAll?: boolean;
  /** Loaded when asked for, so that `--version` does not wait for a Kafka client. */
  readonly load: () => Promise<(program: Command, io: Io) => void>;
}

/** Every command: one file each, one line here. */
export const commands: readonly CommandEntry[] = [
  { name: "demo", load: async () => (await import("./demo.ts")).addDemo },
  { name: "run", load: async () => (await import("./run.ts")).addRun },
  { name: "spec", load: async () => (await import("./spec.ts")).addSpec },
  { name: "baseline", load: async () => (await import("./baseline.ts")).addBaseline },
  { name: "replay", load: async () => (await import("./replay.ts")).addReplay },
  { name: "validate", load: async () => (await import("./validate.ts")).addValidate },
  { name: "canary", load: async () => (await import("./canary.ts")).addCanary },
  { name: "link", load: async () => (await import("./link.ts")).addLink },
  { name: "guard", load: async () => (await import("./guard.ts")).addGuard },
  { name: "audit", load: async () => (await import("./audit.ts")).addAudit },
  { name: "capture", load: async () => (await import("./capture.ts")).addCapture },
  { name: "explain", load: async () => (await import("./explain.ts")).addExplain },
  { name: "profile", load: async () => (await import("./profile.ts")).addProfile },
  { name: "stat", load: async () => (await import("./stat.ts")).addStat },
  { name: "breaker", load: async () => (await import("./breaker.ts")).addBreaker },
  { name: "top", load: async () => (await import("./top.ts")).addTop },
  { name: "tap", load: async () => (await import("./tap.ts")).addTap },
  { name: "completion", ofAll: true, load: async () => (await import("./completion.ts")).addCompletion },
  { name: "doctor", load: async () => (await import("./doctor.ts")).addDoctor },
];
