import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { nearest } from "../spec/nearest.ts";
import type { ClassicalStatistic, Measured } from "../statistics/classical.ts";
import { fits, measureOne } from "../statistics/measure.ts";
import { statisticsPage } from "../statistics/page.ts";
import { type Pair, pairOf } from "../statistics/pair.ts";
import type { Sample } from "../statistics/sample.ts";
import { classicalStatistics } from "../statistics/table.ts";
import { readSample } from "./arrays.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, number } from "./paint.ts";

interface StatOptions {
  readonly reference?: string;
  readonly current?: string;
  readonly json?: boolean;
  readonly list?: boolean;
  readonly markdown?: boolean;
}

export function addStat(program: Command, io: Io): void {
  program
    .command("stat")
    .description("Compare two arrays of numbers or strings by a drift statistic, or by all of them.")
    .argument("[name]", "a statistic (see --list), or all")
    .option("--reference <file>", "JSON array that is taken for normal")
    .option("--current <file>", "JSON array that is compared with it")
    .option("--json", "print one JSON object instead of a table")
    .option("--list", "say which statistics there are")
    .option("--markdown", "with --list: the whole page, docs/statistics.md")
    .addHelpText(
      "after",
      `
Examples:
  tidemark stat all --reference monday.json --current tuesday.json
  tidemark stat psi --reference monday.json --current tuesday.json --json | jq .psi.value
  tidemark stat --list

A null in an array is a cell without a value: nullShift counts it, every other statistic leaves it out.`,
    )
    .action((name: string | undefined, options: StatOptions) => {
      if (options.list === true) io.stdout(options.markdown === true ? statisticsPage() : listed());
      else stat(name, options, io);
    });
}

function stat(name: string | undefined, options: StatOptions, io: Io): void {
  const wanted = wantedBy(name);
  const { reference: before, current: now } = options;
  if (before === undefined || now === undefined) {
    const missing = before === undefined ? "--reference" : "--current";
    throw new Fault("usage", `stat ${name}: ${missing} is missing`, {
      hint: `tidemark stat ${name} --reference A.json --current B.json`,
    });
  }
  const [reference, current] = [readSample(before, io), readSample(now, io)];
  const pair = pairOf(reference, current);
  if (pair === undefined) {
    throw new Fault(
      "input.format",
      `${before} holds ${kindName(reference)}, ${now} holds ${kindName(current)}`,
      {
        hint: "both are numbers, or both are strings",
      },
    );
  }
  const measured = name === "all" ? measureFitting(pair) : [measureNamed(wanted, pair)];
  for (const [path, { nulls }] of [
    [before, reference],
    [now, current],
  ] as const) {
    if (nulls > 0) io.stderr(`tidemark: ${path}: ${count(nulls)} null${nulls > 1 ? "s" : ""} left out\n`);
  }
  if (options.json === true) {
    io.stdout(formatJson(Object.fromEntries(measured.map(([{ name: key }, found]) => [key, toJson(found)]))));
  } else {
    io.stdout(`${sizes(before, reference)} against ${sizes(now, current)}\n\n${tableOf(measured)}`);
  }
}

/** @throws Fault `usage` for a name that is none */
function wantedBy(name: string | undefined): ClassicalStatistic | undefined {
  if (name === "all") return undefined;
  const names = classicalStatistics.map((statistic) => statistic.name);
  const found = classicalStatistics.find((statistic) => statistic.name === name);
  if (found !== undefined) return found;
  const near = name === undefined ? undefined : nearest(name, ["all", ...names]);
  throw new Fault("usage", name === undefined ? "stat: which statistic?" : `${name}: no such statistic`, {
    hint: near === undefined ? `all, or one of ${names.join(", ")}` : `did you mean ${near}? See stat --list`,
  });
}

type Found = readonly [ClassicalStatistic, Measured];

function measureFitting(pair: Pair): readonly Found[] {
  return classicalStatistics.flatMap((statistic) => {
    const measured = measureOne(statistic, pair);
    return measured === undefined ? [] : [[statistic, measured] as const];
  });
}

/** @throws Fault `input.format` where the statistic does not fit the data or is not defined for them */
function measureNamed(statistic: ClassicalStatistic | undefined, pair: Pair): Found {
  if (statistic === undefined) throw new TypeError("all is no single statistic");
  if (!fits(statistic, pair.kind)) {
    const { name, fits: kind } = statistic;
    throw new Fault("input.format", `${name} compares ${kinds[kind]}, the arrays hold ${kinds[pair.kind]}`, {
      hint: "stat --list says what fits",
    });
  }
  const measured = measureOne(statistic, pair);
  if (measured === undefined) {
    throw new Fault("input.format", `${statistic.name} is not defined for these arrays`, {
      hint: `range: ${statistic.range}`,
    });
  }
  return [statistic, measured];
}

const kinds = { numeric: "numbers", categorical: "categories", both: "numbers or categories" } as const;

const kindName = ({ kind }: Sample): string => kinds[kind];

function toJson({ value, logP, dof, exactPValue }: Measured): object {
  return {
    value,
    ...(logP === undefined ? {} : { pValue: Math.exp(logP) }),
    ...(dof === undefined ? {} : { dof }),
    ...(exactPValue === undefined ? {} : { exactPValue }),
  };
}

function sizes(path: string, { total, nulls, kind }: Sample): string {
  return `${path} (${count(total)} ${kinds[kind]}${nulls > 0 ? `, ${count(nulls)} nulls` : ""})`;
}

function tableOf(measured: readonly Found[]): string {
  const rows = measured.map(([{ name, title }, { value, logP }]) => [
    name,
    String(Number(value.toPrecision(6))),
    logP === undefined ? "–" : number(Math.exp(logP)),
    title,
  ]);
  return formatTable([["statistic", "value", "p-value", ""], ...rows], [1, 2]);
}

function listed(): string {
  const rows = classicalStatistics.map(({ name, fits: kind, units, pValue, title }) => [
    name,
    kinds[kind],
    units,
    pValue === undefined ? "–" : "p",
    title,
  ]);
  return formatTable([["name", "of", "units", "p-value", ""], ...rows]);
}
