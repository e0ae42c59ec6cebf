import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { execute } from "./execute.ts";

/** Epoch milliseconds, half-open. */
export interface Truth {
  readonly start: number;
  readonly end: number;
  /** What drifted; undefined when the labels say when but not what. */
  readonly features: readonly string[] | undefined;
}

/** A stream with known faults, or none. */
export interface Case {
  /** What is one row of the table: `mean_0.25sd`, `acs_injected/age_stuck`. */
  readonly name: string;
  /** Which of several runs of that row: seed and rows a window. */
  readonly variant: string;
  /** `synthetic`, or the name of a real set. */
  readonly set: string;
  readonly file: string;
  readonly start: number;
  /** Rows before it are the baseline. */
  readonly calibrated: number;
  readonly end: number;
  readonly windowMs: number;
  /** `series`: one row a time step, judged with windows of one step. */
  readonly kind: "tabular" | "series";
  readonly features: number;
  readonly truths: readonly Truth[];
}

export interface Synthetic {
  readonly scenario: string;
  readonly seed: number;
  readonly rowsPerWindow: number;
  /** How many windows are the baseline, live and clean, drifted. */
  readonly windows: readonly [base: number, clean: number, drift: number];
}

const generator = join(import.meta.dirname, "streams.py");
const realSets = ["acs_injected", "nannyml", "mscloud", "nab"] as const;

export async function scenarioNames(python: string): Promise<readonly string[]> {
  return (await execute(python, [generator, "list"])).trim().split("\n");
}

/** Makes a stream, or takes it from `cache`, where it lies under the generator's own hash. */
export async function makeSynthetic(options: Synthetic, python: string, cache: string): Promise<Case> {
  const { scenario, seed, rowsPerWindow, windows } = options;
  const [base, clean, drift] = windows;
  const length = windows.join("+");
  const variant = `seed ${seed}, ${rowsPerWindow} rows, ${length} windows`;
  const version = hashOf(generator);
  const folder = join(cache, `${version}-${seed}-${rowsPerWindow}-${length}`);
  const [file, labels] = [join(folder, `${scenario}.parquet`), join(folder, `${scenario}.labels.json`)];
  if (!existsSync(labels)) {
    const making = join(folder, `making-${scenario}`);
    mkdirSync(making, { recursive: true });
    await execute(python, [
      generator,
      "one",
      scenario,
      making,
      ...["--seed", String(seed), "--epw", String(rowsPerWindow)],
      ...["--base", String(base), "--clean", String(clean), "--drift", String(drift)],
    ]);
    renameSync(join(making, `${scenario}.parquet`), file);
    renameSync(join(making, `${scenario}.labels.json`), labels);
  }
  interface Labels {
    window_seconds: number;
    baseline_windows: [number, number];
    n_windows: number;
    t0_us: number;
    truth: { features: string[]; start_us: number; end_us: number }[];
  }
  const known = JSON.parse(readFileSync(labels, "utf8")) as Labels;
  const windowMs = known.window_seconds * 1_000;
  const start = known.t0_us / 1_000;
  return {
    name: scenario,
    variant,
    set: "synthetic",
    file,
    start,
    calibrated: start + known.baseline_windows[1] * windowMs,
    end: start + known.n_windows * windowMs,
    windowMs,
    kind: "tabular",
    features: 20,
    truths: known.truth.map(({ features, start_us, end_us }) => ({
      start: start_us / 1_000,
      end: end_us / 1_000,
      features,
    })),
  };
}

/** Share of a real set that is its baseline, where its labels don't say. */
const baselineShare = 0.3;

/** The real sets that lie in `data`: `labels.json`, and `SET/NAME.parquet` for each of its keys. */
export function readRealCases(data: string): readonly Case[] {
  interface Label {
    columns: string[];
    kind: "tabular" | "series";
    start: string;
    end: string;
    rows: number;
    window_seconds?: number;
    baseline_fraction?: number;
    windows: { start: string; end: string; features?: string[] }[];
  }
  const labels = JSON.parse(readFileSync(join(data, "labels.json"), "utf8")) as Record<string, Label>;
  return Object.entries(labels).flatMap(([name, label]): Case[] => {
    const set = realSets.find((known) => name.startsWith(`${known}/`));
    if (set === undefined) return [];
    const [start, end] = [instantOf(label.start), instantOf(label.end)];
    const stepMs = (end - start) / Math.max(label.rows - 1, 1);
    const windowMs =
      label.window_seconds === undefined
        ? label.kind === "tabular"
          ? 60_000
          : Math.max(1_000, stepMs)
        : label.window_seconds * 1_000;
    return [
      {
        name,
        variant: "",
        set,
        file: join(data, `${name}.parquet`),
        start,
        calibrated: start + (label.baseline_fraction ?? baselineShare) * (end - start),
        end,
        windowMs,
        kind: label.kind,
        features: label.kind === "series" ? 1 : label.columns.length,
        truths: label.windows.map((window) => ({
          start: instantOf(window.start),
          end: instantOf(window.end),
          features: window.features,
        })),
      },
    ];
  });
}

export function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 10);
}

/** `2024-03-04 03:59:59.760000+00:00` */
function instantOf(text: string): number {
  const time = Date.parse(text.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1"));
  if (Number.isNaN(time)) throw new TypeError(`${text}: no time`);
  return time;
}
