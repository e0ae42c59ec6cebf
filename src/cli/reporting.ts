import type { Baseline } from "../judge/baseline.ts";
import { createJudge } from "../judge/judge.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { isoTime, parseInstant } from "../model/time.ts";
import type { DeadLetter, Outcome, Sink } from "../pipeline/ports.ts";
import type { CourseEvent } from "../report/course.ts";
import { collectFindings, type FindingsCollector } from "../report/findings.ts";
import type { ReportInput } from "../report/report-input.ts";

/** Inputs that broke and are named; the summary counts all of them. */
const deadLettersTold = 20;

/** What a replay gathers for its report as it passes by. */
export interface Reporting {
  readonly sink: Sink;
  /** The first 20. */
  readonly deadLetters: readonly DeadLetter[];
  /** What the report is made of, once the run has ended. */
  input(own: Omit<ReportInput, "view" | "sigma" | "baseline" | "baselineFields" | "findings">): ReportInput;
}

export function createReporting(view: FeatureView, baseline: Baseline, sigma: number | undefined): Reporting {
  const judge = createJudge(view, baseline, sigma === undefined ? {} : { sigma });
  const collector = collectFindings(view, (profile) => {
    return judge.judge(profile, { final: true, asOf: profile.window.end }).verdicts;
  });
  const deadLetters: DeadLetter[] = [];
  return {
    sink: collecting(collector, deadLetters),
    deadLetters,
    input: (own) => ({
      ...own,
      view,
      sigma,
      baseline,
      baselineFields: new Map([...baseline.fields].map(([name, { profile }]) => [name, profile])),
      findings: collector.findings(),
    }),
  };
}

function collecting(collector: FindingsCollector, deadLetters: DeadLetter[]): Sink {
  const seen = new WeakSet<Outcome>();
  const add = (outcome: Outcome): void => {
    if (outcome.kind === "judged") collector.judged(outcome.judged, outcome.profile);
    else if (outcome.kind === "alert") collector.alert(outcome.alert);
    else if (outcome.kind === "breaker") collector.breaker(outcome.breaker, outcome.transition);
    else if (outcome.kind === "dead-letter" && deadLetters.length < deadLettersTold)
      deadLetters.push(outcome.deadLetter);
  };
  return {
    name: "report",
    accept: async (outcomes) => {
      for (const outcome of outcomes) {
        if (seen.has(outcome)) continue; // handed over again after another sink had refused it
        seen.add(outcome);
        add(outcome);
      }
    },
    close: async () => undefined,
  };
}

/** `2026-03-03T04:14Z=deploy of v4.1`. @throws Fault `usage` */
export function addEvent(text: string, before: readonly CourseEvent[] = []): readonly CourseEvent[] {
  const equals = text.indexOf("=");
  const time = parseInstant(text.slice(0, Math.max(0, equals)));
  const said = text.slice(equals + 1).trim();
  if (time === undefined || said === "")
    throw new Fault("usage", `--event ${text}: no TIME=TEXT`, {
      hint: "for example --event '2026-03-03T04:14Z=deploy of reco-engine v4.1'",
    });
  return [...before, { time, text: said }];
}

/** As `--event` takes it. */
export function eventText({ time, text }: CourseEvent): string {
  return `${isoTime(time)}=${text}`;
}
