import { type Logger, pino, stdTimeFunctions } from "pino";
import { build as pretty } from "pino-pretty";
import { jsonNumber } from "../model/json-number.ts";
import { partitionKey } from "../model/record.ts";
import { type Clock, type Elapsed, isoTime } from "../model/time.ts";
import type {
  Alert,
  Breaker,
  BreakerTransition,
  Example,
  JudgedWindow,
  Segment,
  StatisticName,
} from "../model/verdict.ts";
import { segmentKey } from "../model/verdict.ts";
import type { DeadLetter, Outcome, Sink } from "../pipeline/ports.ts";
import type { RuleCount, RuleName, WindowProfile } from "../profile/profile.ts";

/** At most one line for each kind of violation in this time. */
const violationEveryMs = 60_000;

const standardError = 2;

export interface LoggerOptions {
  /** Lines for people instead of JSON. Colours unless NO_COLOR says otherwise. */
  readonly isTTY: boolean;
  readonly version: string;
  /** `"info"` by default. */
  readonly level?: string;
}

/** pino to standard error, written before the call returns: the last words of a process are the interesting ones. */
export function createLogger({ isTTY, version, level = "info" }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service: "tidemark", version },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: [
      "password",
      "token",
      "authorization",
      "*.password",
      "*.token",
      "*.authorization",
      "*.clientSecret",
    ],
  };
  if (!isTTY) return pino(options, pino.destination({ dest: standardError, sync: true }));
  return pino(
    options,
    pretty({ destination: standardError, sync: true, ignore: "service,version", translateTime: "HH:MM:ss" }),
  );
}

/**
 * One line for each change of a breaker or an alert; for each kind of violation (view, field, rule) at most one line a
 * minute, with a sample: its request id, value and position, and the segments (model version, node) that show the same.
 * What was not told is in the next line's `suppressed`.
 */
export function createLogSink({ log, clock }: { readonly log: Logger; readonly clock: Clock }): Sink {
  const seen = new WeakSet<Outcome>();
  const violations = createLimiter(clock);
  const poison = createLimiter(clock);
  return {
    name: "log",
    async accept(outcomes) {
      const fresh = outcomes.filter((outcome) => !seen.has(outcome));
      for (const outcome of fresh) {
        seen.add(outcome);
        if (outcome.kind === "judged") logViolations(outcome, fresh, log, violations);
        else if (outcome.kind === "breaker") logBreaker(outcome.breaker, outcome.transition, log);
        else if (outcome.kind === "alert") logAlert(outcome.alert, log);
        else if (outcome.kind === "dead-letter") logDeadLetter(outcome.deadLetter, log, poison);
      }
    },
    async close() {
      log.flush();
    },
  };
}

function logBreaker(breaker: Breaker, transition: BreakerTransition, log: Logger): void {
  const { from, to, reasons, rows, time } = transition;
  const place = placeText(breaker.featureView, breaker.segment);
  const why = reasons[0] === undefined ? "" : `: ${reasons[0].summary}`;
  const line = {
    event: "breaker",
    featureView: breaker.featureView,
    ...segmentsOf(breaker.segment === null ? [] : [breaker.segment]),
    from,
    to,
    eventTime: isoTime(time),
    rows,
    field: reasons[0]?.field ?? null,
    statistic: reasons[0]?.statistic,
    reasons,
  };
  log[to === "open" ? "error" : "info"](line, `breaker of ${place}: ${from} → ${to}${why}`);
}

function logAlert(alert: Alert, log: Logger): void {
  const { alertname, status, severity, featureView, field, statistic, segment } = alert;
  const line = {
    event: "alert",
    alertname,
    status,
    severity,
    featureView,
    field,
    statistic,
    ...segmentsOf(segment === null ? [] : [segment]),
    ...exampleOf(alert.example),
    window: { start: isoTime(alert.window.start), end: isoTime(alert.window.end) },
    rows: alert.rows,
    observed: jsonNumber(alert.observed),
    expected: jsonNumber(alert.expected),
    shift: jsonNumber(alert.shift),
    fingerprint: alert.fingerprint,
  };
  const level = status === "resolved" ? "info" : severity === "critical" ? "error" : "warn";
  log[level](line, `${alertname} ${status}: ${alert.summary}`);
}

function logDeadLetter(
  { partition, offset, reason, message }: DeadLetter,
  log: Logger,
  limiter: Limiter,
): void {
  const position = `${partitionKey(partition)}@${offset}`;
  const told = limiter.ask(`${partition.topic}|${reason}`, 1);
  if (told === undefined) return;
  log.warn(
    { event: "dead-letter", position, reason, suppressed: told },
    `dead letter ${position}: ${message}`,
  );
}

type Judged = Extract<Outcome, { kind: "judged" }>;

/** Of the whole view; its segments say where the sample was seen. */
function logViolations(
  { judged, profile }: Judged,
  outcomes: readonly Outcome[],
  log: Logger,
  limiter: Limiter,
): void {
  if (judged.segment !== null) return;
  for (const [field, { rules }] of profile.fields) {
    for (const [rule, { count, example }] of rules) {
      if (count === 0) continue;
      const key = `${judged.featureView}|${field}|${rule}`;
      const suppressed = limiter.ask(key, count, judged.window.start);
      if (suppressed === undefined) continue;
      const verdict = judged.verdicts.find(
        (each) => each.field === field && each.statistic === statistics[rule],
      );
      const line = {
        event: "violation",
        featureView: judged.featureView,
        field,
        rule,
        statistic: statistics[rule],
        status: verdict?.status,
        ...exampleOf(example),
        ...segmentsOf(segmentsWith(example, field, rule, judged, outcomes)),
        count,
        rows: profile.rows,
        suppressed,
      };
      const value = example === undefined ? "" : `: ${example.value}`;
      log.warn(
        line,
        `${judged.featureView}.${field} breaks ${rule} in ${count} of ${profile.rows} rows${value}`,
      );
    }
  }
}

const statistics: Readonly<Record<RuleName, StatisticName>> = {
  missing: "missing",
  type: "type",
  null: "null_rate",
  range: "range_rate",
  pattern: "pattern_rate",
  default: "default_rate",
  nonfinite: "nonfinite",
  max: "max_rate",
  limit: "limit",
  empty: "empty_rate",
  dimensions: "dimension_rate",
};

/** The segments of the same window whose own sample is this one: the row's model version, node and so on. */
function segmentsWith(
  example: Example | undefined,
  field: string,
  rule: RuleName,
  judged: JudgedWindow,
  outcomes: readonly Outcome[],
): readonly Segment[] {
  if (example === undefined) return [];
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== "judged" || outcome.judged.segment === null) return [];
    if (outcome.judged.featureView !== judged.featureView) return [];
    if (outcome.judged.window.start !== judged.window.start) return [];
    const other = ruleOf(outcome.profile, field, rule)?.example;
    return other !== undefined && isSameRow(other, example) ? [outcome.judged.segment] : [];
  });
}

function ruleOf(profile: WindowProfile, field: string, rule: RuleName): RuleCount | undefined {
  return profile.fields.get(field)?.rules.get(rule);
}

function isSameRow(a: Example, b: Example): boolean {
  return (
    a.position === b.position &&
    a.requestId === b.requestId &&
    a.eventTime === b.eventTime &&
    a.value === b.value
  );
}

function exampleOf(example: Example | undefined): object {
  if (example === undefined) return {};
  const { value, requestId, position, eventTime } = example;
  return { value, requestId, position, eventTime: eventTime === undefined ? undefined : isoTime(eventTime) };
}

/** `model_version` has a name of its own, because every line about data should have it where the data has. */
function segmentsOf(segments: readonly Segment[]): object {
  if (segments.length === 0) return {};
  const model = segments.find(({ field }) => field === "model_version");
  return {
    ...(model === undefined ? {} : { modelVersion: model.value }),
    segments: Object.fromEntries(segments.map(({ field, value }) => [field, value])),
  };
}

function placeText(featureView: string, segment: Segment | null): string {
  return segment === null ? featureView : `${featureView} for ${segmentKey(segment)}`;
}

interface Limiter {
  /**
   * @param count  how many there are in the group so far, or since the last call when it has none
   * @returns how many were seen before without a line, or undefined when there must be no line now
   */
  ask(key: string, count: number, group?: number): number | undefined;
}

/** One line a key a minute. Keys are bounded by the spec. */
function createLimiter(clock: Clock): Limiter {
  const states = new Map<
    string,
    { toldAt: Elapsed; suppressed: number; group: number | undefined; count: number }
  >();
  return {
    ask(key, count, group) {
      const now = clock.elapsed();
      const known = states.get(key);
      // An open window is told again as it grows: only what is new counts.
      const fresh = group !== undefined && group === known?.group ? Math.max(count - known.count, 0) : count;
      if (known !== undefined && now - known.toldAt < violationEveryMs) {
        states.set(key, { ...known, suppressed: known.suppressed + fresh, group, count });
        return undefined;
      }
      states.set(key, { toldAt: now, suppressed: 0, group, count });
      return known?.suppressed ?? 0;
    },
  };
}
