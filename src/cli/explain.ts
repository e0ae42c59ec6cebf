import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Baseline } from "../judge/baseline.ts";
import { createJudge } from "../judge/judge.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { isoTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { contributionsOf } from "../report/contributions.ts";
import { modelsIn, samplesIn } from "../report/evidence.ts";
import { openProfileLog, type ProfileLogHeader } from "../sink/profile-log.ts";
import { readAlerts } from "./compare.ts";
import { explainLive } from "./explain-live.ts";
import { explanationMarkdown } from "./explain-markdown.ts";
import { explanationText } from "./explain-text.ts";
import { type AlertRecord, type Explanation, firstMoverOf, pickAlert, sampleOf } from "./explanation.ts";
import { addFormats, type Formats, printedFormat } from "./formats.ts";
import { formatJson, type Io } from "./io.ts";
import { paintFor } from "./paint.ts";
import { readBaseline, readSpec } from "./views.ts";

const contributionsMax = 12;
/** Windows of history; the ones next to the alert. */
const historyMax = 120;

interface ExplainFlags {
  readonly spec?: string;
  readonly baseline?: string;
  readonly brokers?: string;
  readonly format?: Formats;
  readonly json?: boolean;
}

export function addExplain(program: Command, io: Io): void {
  program
    .command("explain <dir-or-url> <alert>")
    .description("Why an alert fired: how far, how sure, made of what, since when, and where the rows are.")
    .option("--spec <file>", "instead of the spec that the replay was made with")
    .option("--baseline <file>", "instead of the replay's own")
    .option("--brokers <list>", "for the kcat line, instead of the replay's own")
    .option("--format <name>", "markdown, for an incident ticket, or json", addFormats)
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      `
ALERT is a fingerprint, the beginning of one, or a line number of alerts.jsonl (of the list at URL/v1/alerts).

Examples:
  tidemark explain out 1
  tidemark explain out 5f2a81c0 --json
  tidemark explain out 1 --format markdown | gh issue comment 4092 --body-file -
  tidemark explain http://127.0.0.1:8787 5f2a81c0`,
    )
    .action((place: string, alert: string, flags: ExplainFlags) => explain(place, alert, flags, io));
}

async function explain(place: string, alert: string, flags: ExplainFlags, io: Io): Promise<void> {
  const format = printedFormat(flags.format, flags.json, "explain");
  const explanation = /^https?:\/\//.test(place)
    ? await explainLive(place, alert, flags.brokers, io)
    : await explainRun(resolve(io.cwd, place), alert, flags);
  const printed = {
    json: () => formatJson(explanation),
    markdown: () => explanationMarkdown(explanation),
    text: () => explanationText(explanation, paintFor({ ...io, isTTY: false })),
  };
  io.stdout(printed[format]());
}

async function explainRun(dir: string, wanted: string, flags: ExplainFlags): Promise<Explanation> {
  const alerts = readAlerts(dir) as readonly AlertRecord[];
  const alert = pickAlert(alerts, wanted, `${dir}/alerts.jsonl`);
  const log = await openProfileLog(dir);
  try {
    const context = contextOf(log.header, flags);
    const notes = [...context.notes];
    const { view, baseline } = context;
    const judge = view === undefined ? undefined : createJudge(view, baseline);
    const inWindow: WindowProfile[] = [];
    const history = new Map<string, Explanation["history"][number]>();
    const key = segmentKey(alert.segment);
    const verdictIn = (profile: WindowProfile) =>
      judge
        ?.judge(profile, { final: true, asOf: profile.window.end })
        .verdicts.find(({ field, statistic }) => field === alert.field && statistic === alert.statistic);
    const alertStart = Date.parse(alert.window.start);
    for await (const profile of log.profiles()) {
      if (profile.window.start === alertStart) inWindow.push(profile);
      if (segmentKey(profile.segment) !== key) continue;
      const verdict = verdictIn(profile);
      if (verdict === undefined) continue;
      const start = isoTime(profile.window.start);
      history.set(start, { start, observed: verdict.observed, shift: verdict.shift, status: verdict.status });
    }
    const own = inWindow.findLast(({ segment }) => segmentKey(segment) === key);
    if (own === undefined) notes.push("the alert's window is not among the stored profiles");
    const spec = view?.fields.find(({ name }) => name === alert.field);
    const before = alert.field === null ? undefined : baseline?.fields.get(alert.field)?.profile;
    const now = alert.field === null ? undefined : own?.fields.get(alert.field);
    const segments = new Map<string, Explanation["segments"][number]>();
    for (const profile of inWindow) {
      if (profile.segment === null) continue;
      const verdict = verdictIn(profile);
      if (verdict === undefined) continue;
      const segment = segmentKey(profile.segment);
      segments.set(segment, {
        segment,
        rows: verdict.rows,
        observed: verdict.observed,
        shift: verdict.shift,
      });
    }
    return {
      alert,
      baseline: {
        file: context.baselineFile ?? null,
        digest: log.header.baselineDigest ?? null,
        rows: baseline?.rows ?? null,
      },
      contributions: spec === undefined ? [] : contributionsOf(spec, before, now, contributionsMax),
      segments: [...segments.values()].sort((a, b) => b.shift - a.shift),
      sigma: spec?.drift.sigma ?? view?.drift.sigma ?? null,
      history: around([...history.values()], alert.window.start),
      samples: samplesIn(alert.field, alert.example, inWindow).map((example) =>
        sampleOf(example, flags.brokers ?? log.header.brokers),
      ),
      models: modelsIn(inWindow, view),
      firstMover: firstMoverOf(alerts, alert),
      notes,
    };
  } finally {
    await log.close();
  }
}

interface Context {
  readonly view: FeatureView | undefined;
  readonly baseline: Baseline | undefined;
  readonly baselineFile: string | undefined;
  readonly notes: readonly string[];
}

/** Spec and baseline of the replay, where they still are. */
function contextOf(header: ProfileLogHeader, flags: ExplainFlags): Context {
  const notes: string[] = [];
  const pick = (name: "spec" | "baseline", own: string | undefined): string | undefined => {
    const given = flags[name];
    if (given !== undefined) return given;
    if (own !== undefined && existsSync(own)) return own;
    notes.push(`no ${name} at ${own ?? "the place it had"}: give --${name}`);
    return undefined;
  };
  const [specFile, baselineFile] = [pick("spec", header.specFile), pick("baseline", header.baselineFile)];
  return {
    view: specFile === undefined ? undefined : readSpec(specFile),
    baseline: baselineFile === undefined ? undefined : readBaseline(baselineFile),
    baselineFile,
    notes,
  };
}

function around(history: Explanation["history"], start: string): Explanation["history"] {
  const at = Math.max(
    0,
    history.findIndex((each) => each.start >= start),
  );
  const from = Math.max(0, Math.min(at - historyMax / 2, history.length - historyMax));
  return history.slice(from, from + historyMax);
}
