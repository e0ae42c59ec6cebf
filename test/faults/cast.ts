import { setTimeout as sleep } from "node:timers/promises";
import { type Running, startTidemark } from "../e2e/support.ts";
import type { Scope } from "../services/process.ts";

/** A place where a monitor process is to run, as an orchestrator would keep it. */
export interface Slot {
  readonly name: string;
  /** The process there now. */
  running: Running | undefined;
  /** How often a process ended that nobody had told to, or did not start. */
  crashes: number;
  /** What the processes there have said, the newest 200 kB. */
  said: string;
  kill(): Promise<void>;
  /** Asks it to go (SIGTERM), and waits. */
  stop(): Promise<void>;
  /** Freezes it for so long; it wakes up as a member that the group has given up. */
  freeze(ms: number): Promise<void>;
  /** Starts it again when it is not there. */
  start(): Promise<void>;
}

/** A monitor process that is started again when it ends by itself. */
export function createSlot(
  scope: Scope,
  name: string,
  dir: string,
  config: object,
  say: (text: string) => void,
): Slot {
  let wanted = false;
  let starting: Promise<void> | undefined;
  const begin = async (): Promise<void> => {
    while (wanted && slot.running === undefined) {
      try {
        const running = await startTidemark(scope, dir, config, [], { timeoutMs: 60_000 });
        slot.running = running;
        running.child.once("close", (code) => {
          keep(running);
          if (slot.running !== running) return;
          slot.running = undefined;
          if (!wanted) return;
          slot.crashes += 1;
          slot.said += `\n[${name} ended with ${code}]\n`;
          void slot.start();
        });
      } catch (error) {
        slot.crashes += 1;
        slot.said += `\n[${name} did not start: ${String(error)}]\n`;
        say(`${name} did not start: ${String(error).slice(0, 2_000)}`);
        await sleep(1_000); // a broker is away: as an orchestrator would
      }
    }
  };
  const keep = (running: Running): void => {
    slot.said = (slot.said + running.log()).slice(-200_000);
  };
  const slot: Slot = {
    name,
    running: undefined,
    crashes: 0,
    said: "",
    async kill() {
      const { running } = slot;
      wanted = false;
      await starting;
      slot.running = undefined;
      await running?.kill();
    },
    async stop() {
      const { running } = slot;
      wanted = false;
      await starting;
      slot.running = undefined;
      await running?.stop();
    },
    async freeze(ms) {
      const { running } = slot;
      running?.child.kill("SIGSTOP");
      await sleep(ms);
      running?.child.kill("SIGCONT");
    },
    async start() {
      wanted = true;
      starting ??= begin().finally(() => {
        starting = undefined;
      });
      await starting;
    },
  };
  return slot;
}
