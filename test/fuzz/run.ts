import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

// npm run fuzz -- --mutations 1000000 --seed 7 [--only Avro]
const { values } = parseArgs({
  options: {
    mutations: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: String(Math.min(4, availableParallelism())) },
    only: { type: "string" },
  },
});
const outcome = await fuzz({
  mutations: Number(values.mutations),
  seed: Number(values.seed),
  threads: Number(values.threads),
  ...(values.only === undefined ? {} : { only: values.only }),
});
const maxRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ ...outcome, maxRssMiB }, null, 2));
process.exitCode = outcome.failures.length === 0 ? 0 : 1;
