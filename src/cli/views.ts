import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Baseline } from "../judge/baseline.ts";
import { parseBaseline } from "../judge/baseline-file.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { MonitoredView } from "../pipeline/cell.ts";
import { tokenPattern } from "../profile/load-text.ts";
import { top } from "../sketch/categories.ts";
import { parseSpec } from "../spec/parse.ts";

/** @throws Fault `spec.missing`, or a SpecError with every issue of the file. */
export function readSpec(file: string): FeatureView {
  return parseSpec(readText(file, "spec.missing"), {
    file,
    readText: (path) => readText(path, "spec.missing"),
  });
}

/** @throws Fault `input.missing` or `baseline.invalid` */
export function readBaseline(file: string): Baseline {
  return parseBaseline(readText(file, "input.missing"), file);
}

/** `feature-specs/reco_user.yaml` → `feature-specs/reco_user.baseline.json` */
export function baselinePathOf(specFile: string): string {
  return specFile.replace(/\.ya?ml$/, ".baseline.json");
}

/**
 * Every `*.yaml` of a directory with the baseline beside it, if there is one, and what is odd about them.
 * @throws Fault `spec.missing`, `spec.invalid`, `baseline.invalid`, `baseline.mismatch`
 */
export function readViews(directory: string): {
  views: readonly MonitoredView[];
  warnings: readonly string[];
} {
  const folder = resolve(directory);
  if (!existsSync(folder)) {
    throw new Fault("spec.missing", `${directory}: no such directory of specs`, {
      hint: "set `specs:` in the config, or make a first spec with `tidemark spec init`",
    });
  }
  const files = readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(directory, name));
  if (files.length === 0) {
    throw new Fault("spec.missing", `${directory}: no *.yaml in it`, {
      hint: "make a first spec with `tidemark spec init`",
    });
  }
  const warnings: string[] = [];
  const views = files.map((file) => {
    const view = readSpec(file);
    const path = baselinePathOf(file);
    if (!existsSync(path)) {
      warnings.push(`${file}: no baseline beside it (${path}): only hard rules are judged`);
      return { view, baseline: undefined };
    }
    const baseline = readBaseline(path);
    warnings.push(...matchBaseline(view, baseline, path));
    return { view, baseline };
  });
  const twice = views.find(
    ({ view }, index) => views.findIndex((other) => other.view.name === view.name) !== index,
  );
  if (twice !== undefined) {
    throw new Fault("spec.invalid", `${directory}: two specs declare the feature view "${twice.view.name}"`);
  }
  return { views, warnings };
}

/**
 * Whether a baseline serves a spec: its name must be the spec's; a changed spec is a warning, because a new threshold
 * does not change what is normal.
 * @throws Fault `baseline.mismatch`
 */
export function matchBaseline(view: FeatureView, baseline: Baseline, path: string): readonly string[] {
  if (baseline.featureView !== view.name) {
    throw new Fault(
      "baseline.mismatch",
      `${path}: baseline of "${baseline.featureView}", spec of "${view.name}"`,
      {
        hint: "build it anew with `tidemark baseline build`",
      },
    );
  }
  for (const field of view.fields) {
    const body = baseline.fields.get(field.name)?.profile.body;
    const [shown] = body?.kind === "string" ? top(body.categories, 1) : [];
    if (shown === undefined || tokenPattern.test(shown.value) === (field.redact === true)) continue;
    const how = field.redact === true ? "holds its values" : "was built when its values were redacted";
    throw new Fault("baseline.mismatch", `${path}: ${field.name}: the baseline ${how}`, {
      hint: "`redact` has changed: build it anew with `tidemark baseline build`",
    });
  }
  if (baseline.spec === view.fingerprint) return [];
  return [
    `${path}: built with another version of the spec (${baseline.spec.slice(0, 19)}…): rebuild it when fields changed`,
  ];
}

function readText(file: string, code: "spec.missing" | "input.missing"): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault(code, `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
