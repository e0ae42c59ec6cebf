import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setUp } from "../services/setup.ts";
import { type Evidence, type Plan, runCampaign } from "./campaign.ts";
import { appendEntry, type Entry, readEntries, tableOf } from "./ledger.ts";
import { judgeEvidence, type Report } from "./report.ts";

/**
 * The long run, one campaign a seed: `npm run faults -- --seeds 21,22,23 --kills 70 --minutes 12 --report faults.jsonl`.
 * Each campaign begins with brokers and monitors of its own, so that one that is cut short costs none of the others.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "7" },
    kills: { type: "string", default: "40" },
    "broker-kills": { type: "string", default: "4" },
    rebalances: { type: "string", default: "10" },
    cuts: { type: "string", default: "5" },
    minutes: { type: "string", default: "8" },
    processes: { type: "string", default: "4" },
    report: { type: "string" },
    logs: { type: "string" },
  },
});
const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
const entries: Entry[] = [];
const note = (entry: Entry): void => {
  entries.push(entry);
  if (values.report !== undefined) appendEntry(values.report, entry);
};

async function campaign(seed: number): Promise<Report> {
  const endings: (() => void | Promise<void>)[] = [];
  const plan: Plan = {
    seed,
    kills: Number(values.kills),
    brokerKills: Number(values["broker-kills"]),
    rebalances: Number(values.rebalances),
    cuts: Number(values.cuts),
    minutes: Number(values.minutes),
    processes: Number(values.processes),
    rhythm: { everyWindows: 45, badWindows: 10 },
    say,
    onMinute(minute, done) {
      say(`seed ${seed}, ${minute} min: ${JSON.stringify(done)}`);
      note({ seed, minute, done: { ...done } });
    },
  };
  try {
    const evidence = await runCampaign({ after: (fn) => void endings.push(fn) }, plan);
    const report = judgeEvidence(evidence);
    note({ seed, report });
    keepLogs(evidence, seed);
    return report;
  } finally {
    for (const ending of endings.toReversed()) await ending();
  }
}

function keepLogs({ slots }: Evidence, seed: number): void {
  if (values.logs === undefined) return;
  for (const { name, said } of slots) appendFileSync(values.logs, `=== seed ${seed}, ${name}\n${said}\n`);
}

setUp(say);
for (const seed of values.seeds.split(",").map(Number)) {
  try {
    const report = await campaign(seed);
    console.log(JSON.stringify(report, null, 2));
    if (report.wrong.length > 0) process.exitCode = 1;
  } catch (error) {
    say(`seed ${seed} was cut short: ${error instanceof Error ? error.stack : String(error)}`); // the others go on
    process.exitCode = 1;
  }
}
console.log(tableOf(values.report === undefined ? entries : readEntries(values.report)));
process.exit();
