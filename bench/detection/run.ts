import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Case, makeSynthetic, readRealCases, scenarioNames } from "./cases.ts";
import { type Detector, detectors, runPeers, runTidemark } from "./detectors.ts";
import { execute } from "./execute.ts";
import { add, eventF1, falsePerThousand, meanDelay, nothing, type Score, score } from "./score.ts";

const usage = `npm run bench:detection -- [--scenarios A,B] [--seeds 1,2] [--epw 1000,100] [--windows 120,60,60] [--data DIR] [--sets acs_injected,nannyml] [--json]

Known faults through \`spec init\`, \`baseline build\` and \`replay\`, beside the usual detectors on the same windows.
  --scenarios  synthetic streams by name or prefix*; all by default, none with --scenarios ''
  --seeds      of the synthetic streams (1)
  --epw        rows a window of theirs (1000)
  --windows    of theirs: baseline, live and clean, drifted (120,60,60)
  --data       directory with labels.json and the real sets; TIDEMARK_DETECTION_DATA
  --sets       real sets or their streams, by prefix (all that DIR has); none with --sets ''
  --no-peers   ours alone
  --json       the figures as JSON
  --jobs       cases at a time (2)
  --keep       directory to leave every spec, baseline and replay in
  --cache      made data and the peers' alarms (in the system's temporary directory)
  --python     with numpy and pyarrow: \`pip install numpy pyarrow\` (python3; TIDEMARK_PYTHON)`;

type Scores = Readonly<Record<Detector, Score>>;

interface Options {
  readonly json: boolean;
  readonly peers: boolean;
  readonly jobs: number;
  readonly keep: string | undefined;
  readonly cache: string;
  readonly python: string;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scenarios: { type: "string", default: "*" },
      seeds: { type: "string", default: "1" },
      epw: { type: "string", default: "1000" },
      windows: { type: "string", default: "120,60,60" },
      data: { type: "string", default: process.env["TIDEMARK_DETECTION_DATA"] ?? "" },
      sets: { type: "string", default: "*" },
      "no-peers": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      jobs: { type: "string", default: "2" },
      keep: { type: "string" },
      cache: { type: "string", default: join(tmpdir(), "tidemark-detection") },
      python: { type: "string", default: process.env["TIDEMARK_PYTHON"] ?? "python3" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const options: Options = {
    json: values.json,
    peers: !values["no-peers"],
    jobs: Math.max(1, Number(values.jobs)),
    keep: values.keep,
    cache: values.cache,
    python: values.python,
  };
  const started = performance.now();
  const makers = await plan(options, values);
  if (makers.length === 0) {
    console.error(`nothing to run\n${usage}`);
    return 2;
  }
  const results = await runAll(makers, options);
  const rows = Map.groupBy(results, ({ stream }) => stream.name);
  const table = [...rows].map(([name, runs]) => ({
    name,
    set: runs[0]?.stream.set ?? "",
    runs: runs.length,
    scores: sum(runs.map(({ scores }) => scores)),
  }));
  const sets = [...Map.groupBy(table, ({ set }) => set)].map(([set, members]) => ({
    set,
    scores: sum(members.map(({ scores }) => scores)),
  }));
  const shown = options.peers ? detectors : detectors.slice(0, 2);
  if (options.json) {
    const figures = (scores: Scores): object =>
      Object.fromEntries(shown.map((name) => [name, figuresOf(scores[name])]));
    console.log(
      JSON.stringify({
        rows: table.map(({ name, set, runs, scores }) => ({ name, set, runs, ...figures(scores) })),
        sets: sets.map(({ set, scores }) => ({ set, ...figures(scores) })),
      }),
    );
  } else printTable(table, sets, shown);
  console.error(`${results.length} streams in ${Math.round((performance.now() - started) / 1_000)} s`);
  return 0;
}

async function plan(
  { python, cache }: Options,
  wanted: { scenarios: string; seeds: string; epw: string; windows: string; data: string; sets: string },
): Promise<readonly { name: string; make: () => Promise<Case> }[]> {
  const makers: { name: string; make: () => Promise<Case> }[] = [];
  if (wanted.scenarios !== "") {
    await execute(python, ["-c", "import numpy, pyarrow.parquet"]).catch((cause: unknown) => {
      throw new Error(
        `${python} lacks numpy or pyarrow: pip install numpy pyarrow, or name another by --python`,
        {
          cause,
        },
      );
    });
    const windows = windowsOf(wanted.windows);
    const names = (await scenarioNames(python)).filter((name) => matches(name, wanted.scenarios));
    for (const rowsPerWindow of wanted.epw.split(",").map(Number))
      for (const seed of wanted.seeds.split(",").map(Number))
        for (const scenario of names)
          makers.push({
            name: `${scenario} (seed ${seed}, ${rowsPerWindow} rows)`,
            make: () => makeSynthetic({ scenario, seed, rowsPerWindow, windows }, python, cache),
          });
  }
  if (wanted.data !== "" && wanted.sets !== "")
    for (const real of readRealCases(wanted.data))
      if (wanted.sets.split(",").some((part) => part === "*" || real.name.startsWith(part)))
        makers.push({ name: real.name, make: async () => real });
  return makers;
}

function windowsOf(text: string): readonly [number, number, number] {
  const [base, clean, drift] = text.split(",").map(Number);
  if (base === undefined || clean === undefined || drift === undefined || !(base > 0 && clean + drift > 0))
    throw new RangeError(`--windows ${text}: three numbers, as in 120,60,60`);
  return [base, clean, drift];
}

function matches(name: string, patterns: string): boolean {
  return patterns
    .split(",")
    .some((part) => (part.endsWith("*") ? name.startsWith(part.slice(0, -1)) : name === part));
}

async function runAll(
  makers: readonly { name: string; make: () => Promise<Case> }[],
  { jobs, cache, keep, python, peers }: Options,
): Promise<readonly { stream: Case; scores: Scores }[]> {
  const results: { stream: Case; scores: Scores }[] = [];
  let [next, done] = [0, 0];
  const worker = async (): Promise<void> => {
    for (let at = next++; at < makers.length; at = next++) {
      const maker = makers[at] as (typeof makers)[number];
      const stream = await maker.make();
      const folder =
        keep && join(keep, `${stream.name} ${stream.variant}`.trim().replaceAll(/[^\w.+-]/g, "_"));
      const ours = await runTidemark(stream, cache, folder);
      const theirs = peers ? await runPeers(stream, python, cache) : new Map();
      const scores = byDetector((name) => score(stream, (ours.get(name) ?? theirs.get(name)) || []));
      results[at] = { stream, scores };
      done += 1;
      const { breaker, tidemark } = scores;
      console.error(
        `${done}/${makers.length} ${maker.name}: breaker ${cell(breaker)}, tidemark ${cell(tidemark)}`,
      );
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

function byDetector<T>(of: (name: Detector) => T): Readonly<Record<Detector, T>> {
  return Object.fromEntries(detectors.map((name) => [name, of(name)])) as Record<Detector, T>;
}

function sum(all: readonly Scores[]): Scores {
  return byDetector((name) => all.reduce((total, scores) => add(total, scores[name]), nothing));
}

function figuresOf(one: Score): object {
  const { truths, delays, falseEpisodes, cleanFeatureWindows } = one;
  return {
    truths,
    found: delays.length,
    meanDelay: meanDelay(one),
    falseEpisodes,
    cleanFeatureWindows: Math.round(cleanFeatureWindows),
    falsePerThousand: falsePerThousand(one),
    eventF1: eventF1(one),
  };
}

const heads: Readonly<Record<Detector, string>> = {
  breaker: "our breaker",
  tidemark: "tidemark",
  psi: "PSI>.2",
  ks: "KS p<.05",
  distance: "W>.1",
  sigma2: "2 sigma",
  sigma3: "3 sigma",
  cusum: "CUSUM",
};

/** `2.0` found, after so many windows · `2/3 2.0` some found · `-` none · `+4 false`. */
function cell(one: Score): string {
  const { truths, delays, falseEpisodes } = one;
  const delay = meanDelay(one)?.toFixed(1);
  const found =
    truths === 0
      ? ""
      : delay === undefined
        ? "-"
        : delays.length < truths
          ? `${delays.length}/${truths} ${delay}`
          : delay;
  const wrong = falseEpisodes === 0 ? "" : `+${falseEpisodes} false`;
  return [found, wrong].filter((part) => part !== "").join(" ") || "quiet";
}

function printTable(
  table: readonly { name: string; scores: Scores }[],
  sets: readonly { set: string; scores: Scores }[],
  shown: readonly Detector[],
): void {
  const lines = [
    ["windows to the first alarm", ...shown.map((name) => heads[name])],
    ...table.map(({ name, scores }) => [name, ...shown.map((detector) => cell(scores[detector]))]),
  ];
  const figures: readonly [string, (one: Score) => string][] = [
    ["found", ({ delays, truths }) => `${delays.length}/${truths}`],
    ["mean delay, windows", (one) => meanDelay(one)?.toFixed(2) ?? "-"],
    ["false alarms", ({ falseEpisodes }) => String(falseEpisodes)],
    ["per 1,000 feature-windows", (one) => falsePerThousand(one).toFixed(2)],
    ["event F1", (one) => eventF1(one).toFixed(2)],
  ];
  for (const { set, scores } of sets) {
    lines.push([]);
    const windows = Math.round(scores.tidemark.cleanFeatureWindows).toLocaleString("en-US");
    lines.push([`${set}: ${windows} clean feature-windows`]);
    for (const [what, of] of figures) lines.push([what, ...shown.map((name) => of(scores[name]))]);
  }
  const widths = lines[0]?.map((_, column) =>
    Math.max(...lines.filter((line) => line.length > 1).map((line) => line[column]?.length ?? 0)),
  );
  for (const line of lines)
    console.log(
      line
        .map((text, column) => text.padEnd(widths?.[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

process.exitCode = await main();
