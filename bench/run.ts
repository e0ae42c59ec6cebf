import { cpus, totalmem } from "node:os";
import { endToEndBench } from "./end-to-end.ts";
import { profileBench } from "./profile.ts";
import { serveBench } from "./serve.ts";

export interface BenchRow {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  /** Peer's time divided by ours, or our throughput by the peer's: more is better. */
  readonly ratio: number;
}

export interface BenchResult {
  readonly ratios: Readonly<Record<string, number>>;
  /** What has no peer that it could be divided by. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly rows: readonly BenchRow[];
}

/** Every figure with its peer, measured in the same run: one file each. */
const benches: Readonly<Record<string, (options: { quick: boolean }) => Promise<BenchResult>>> = {
  profile: profileBench,
  "end-to-end": endToEndBench,
  serve: serveBench,
};

const usage = `node bench/run.ts [NAME…] [--json] [--quick]
  NAME   ${Object.keys(benches).join(", ")}; all without one
  --json print {"ratios","figures","environment"}; --quick fewer repeats, for a first look`;

async function main(argv: readonly string[]): Promise<number> {
  const flags = new Set(argv.filter((argument) => argument.startsWith("--")));
  const names = argv.filter((argument) => !argument.startsWith("--"));
  const unknown = [
    ...names.filter((name) => !Object.hasOwn(benches, name)),
    ...[...flags].filter((flag) => !["--json", "--quick"].includes(flag)),
  ];
  if (unknown.length > 0) {
    console.error(`${unknown.join(", ")}: not known\n${usage}`);
    return 2;
  }
  const ratios: Record<string, number> = {};
  const figures: Record<string, number> = {};
  const rows: BenchRow[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`${name}…`);
    const result = await bench({ quick: flags.has("--quick") });
    Object.assign(ratios, result.ratios);
    Object.assign(figures, result.figures);
    rows.push(...result.rows);
  }
  const [cpu] = cpus();
  const environment = {
    node: process.version,
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  if (flags.has("--json")) console.log(JSON.stringify({ ratios, figures, environment }));
  else {
    for (const { what, ours, peer, ratio } of rows)
      console.log(`${what.padEnd(34)} ${ours.padEnd(26)} ${peer.padEnd(46)} ${ratio.toFixed(2)}×`);
    console.log(
      `node ${environment.node}, ${environment.cores} × ${environment.cpu}, ${environment.memoryGiB} GiB`,
    );
  }
  return 0;
}

process.exit(await main(process.argv.slice(2)));
