import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isoTime } from "../../src/model/time.ts";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import { setUp } from "../services/setup.ts";
import { type Evidence, type Plan, runCampaign } from "./campaign.ts";
import { appendEntry, type Entry, readEntries, tableOf } from "./ledger.ts";
import { judgeEvidence, type Report } from "./report.ts";

const usage = `npm run faults -- [--seeds 21,22,23] [--kills 70] [--minutes 12] [--report faults.jsonl]

The long run, one campaign a seed: three brokers, an Alertmanager, and monitors that are killed, cut off and sent away while known
rows are written; then every count is held against the truth. Exit 1 when one is wrong.
  --seeds         one campaign each (7)
  --kills         kill -9 of monitors (40)
  --broker-kills  of brokers (4)
  --rebalances    processes that come, go or freeze (10)
  --cuts          of the network, through a proxy (5)
  --minutes       that rows are written for (8)
  --processes     monitors in the group (4)
  --report        a JSON line a minute and a campaign, as it goes
  --logs          what the processes have said, the pages and the verdicts`;

/** Each campaign begins with brokers and monitors of its own, so that one that is cut short costs none of the others. */
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
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
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

/** What the processes have said, the pages, and each final verdict of the whole view, as they came. */
function keepLogs({ slots, pages, verdicts }: Evidence, seed: number): void {
  if (values.logs === undefined) return;
  const keep = (name: string, text: string): void =>
    appendFileSync(values.logs ?? "", `=== seed ${seed}, ${name}\n${text}\n`);
  for (const { name, said } of slots) keep(name, said);
  keep("pages", pages.map((page) => JSON.stringify(page)).join("\n"));
  const judged = verdicts.flatMap(({ timestamp, value }) => {
    const { data } = JSON.parse(value.toString()) as { data: JudgedWindow };
    const { final, segment, window, rows, verdicts: all, revision = 0 } = data;
    if (!final || segment !== null) return [];
    const critical = all.filter(({ status }) => status === "critical").map(({ statistic }) => statistic);
    return JSON.stringify({
      at: isoTime(timestamp),
      window: isoTime(window.start),
      revision,
      rows,
      critical,
    });
  });
  keep("verdicts", judged.join("\n"));
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
