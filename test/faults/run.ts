import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setUp } from "../services/setup.ts";
import { runCampaign } from "./campaign.ts";
import { judgeEvidence } from "./report.ts";

/** The long run: `npm run faults -- --kills 200 --broker-kills 20 --rebalances 50 --minutes 30 --seed 7`. */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    "broker-kills": { type: "string", default: "20" },
    rebalances: { type: "string", default: "50" },
    cuts: { type: "string", default: "20" },
    minutes: { type: "string", default: "30" },
    processes: { type: "string", default: "4" },
    seed: { type: "string", default: "7" },
    out: { type: "string" },
    logs: { type: "string" },
  },
});
const endings: (() => void | Promise<void>)[] = [];
const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
setUp(say);
try {
  const evidence = await runCampaign(
    { after: (fn) => void endings.push(fn) },
    {
      seed: Number(values.seed),
      kills: Number(values.kills),
      brokerKills: Number(values["broker-kills"]),
      rebalances: Number(values.rebalances),
      cuts: Number(values.cuts),
      minutes: Number(values.minutes),
      processes: Number(values.processes),
      say,
    },
  );
  const report = judgeEvidence(evidence);
  const text = JSON.stringify(report, null, 2);
  console.log(text);
  if (values.out !== undefined) writeFileSync(values.out, `${text}\n`);
  if (values.logs !== undefined)
    writeFileSync(values.logs, evidence.slots.map(({ name, said }) => `=== ${name}\n${said}`).join("\n"));
  process.exitCode = report.wrong.length === 0 ? 0 : 1;
} finally {
  for (const ending of endings.toReversed()) await ending();
}
process.exit();
