import { jsonNumber } from "../model/json-number.ts";
import { type EventTime, isoTime, type Window } from "../model/time.ts";
import { type Alert, segmentKey, type Verdict } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { deviation, type Moments } from "../sketch/moments.ts";
import { firedAlerts } from "./alert-table.ts";
import { coarserFindings } from "./coarser.ts";
import { contributionsOf } from "./contributions.ts";
import type { Series, StatisticFindings } from "./field-findings.ts";
import { rulesOf } from "./provenance.ts";
import { type ReportInput, runCourse, type Subject, subjectsOf } from "./report-input.ts";
import { nameOf } from "./segment-table.ts";

/** Goes up when a key changes its meaning or goes; new keys may come. */
export const reportDataVersion = 1;
/** Parts of a field's change that are told. */
const contributionsMax = 12;
/** All lists that go with `windows`, together. */
const seriesBytesMax = 4_000_000;
/** Digits of a figure of which there is one a window. */
const digits = 5;

/** `report.json`: everything that the report shows. */
export function renderReportData(input: ReportInput): string {
  return `${JSON.stringify(reportData(input))}\n`;
}

/** As plain JSON: `docs/report.md` says what each key means. Times in ISO 8601, UTC. */
export function reportData(given: ReportInput): object {
  const input = { ...given, findings: coarserFindings(given.findings, seriesBytesMax) };
  const { view, baseline, findings, summary, files, command, toolVersion, sigma } = input;
  const subjects = subjectsOf(input);
  return {
    reportVersion: reportDataVersion,
    tool: `tidemark ${toolVersion}`,
    command,
    spec: {
      file: files.spec,
      name: view.name,
      version: view.version,
      fingerprint: view.fingerprint,
      owner: view.owner ?? null,
      models: view.models.map(({ name, version, gitSha, weights }) => ({
        name,
        version: version ?? null,
        gitSha: gitSha ?? null,
        weights: weights ?? null,
      })),
      windowMs: view.window.sizeMs,
      minRows: view.breaker.minRows,
      sigma: sigma ?? view.drift.sigma,
    },
    baseline:
      baseline === undefined
        ? null
        : {
            file: files.baseline,
            digest: files.baselineDigest,
            spec: baseline.spec,
            rows: baseline.rows,
            windows: baseline.windows,
            from: isoTime(baseline.from),
            to: isoTime(baseline.to),
            toolVersion: baseline.toolVersion,
          },
    summary,
    windows: findings.cells.map(({ window, status, rows, windows }) => ({
      ...isoWindow(window),
      status,
      rows,
      windows,
    })),
    breaker: findings.transitions.map(({ breaker, transition: { time, from, to, reasons } }) => ({
      time: isoTime(time),
      segment: breaker.segment === null ? null : segmentKey(breaker.segment),
      from,
      to,
      reasons,
    })),
    events: (runCourse(input)?.events ?? []).map(({ time, text }) => ({ time: isoTime(time), text })),
    fields: subjects.map((subject) => fieldData(input, subject)),
    segments: findings.segments.map((segment) => ({
      segment: nameOf(segment),
      rows: segment.rows,
      firstEvent: isoOrNull(segment.firstEvent),
      lastEvent: isoOrNull(segment.lastEvent),
      state: segment.state,
      openedAt: isoOrNull(segment.openedAt),
      fields: Object.fromEntries(
        [...segment.compared].map(([name, verdict]) => [name, verdictData(verdict)]),
      ),
    })),
    alerts: firedAlerts(findings).map(({ alert, end }) => alertData(alert, end)),
    alertsLeftOut: findings.alertsLeftOut,
  };
}

function fieldData({ baselineFields }: ReportInput, { name, spec, sigma, findings }: Subject): object {
  const { worst, status, rows, nulls, rules } = findings;
  const before = spec && baselineFields.get(spec.name);
  return {
    field: spec?.name ?? null,
    ...(spec === undefined ? { what: name } : { type: spec.type, rules: rulesOf(spec) }),
    sigma,
    status,
    firstCriticalAt: isoOrNull(findings.firstCriticalAt),
    firstWarningAt: isoOrNull(findings.firstWarningAt),
    criticalWindows: findings.criticalWindows,
    warningWindows: findings.warningWindows,
    worst:
      worst === undefined
        ? null
        : { window: isoWindow(worst.window), windowRows: worst.rows, ...verdictData(worst.verdict) },
    statistics: findings.statistics.map(statisticData),
    defaultRate:
      findings.defaults?.map((share) => (share === undefined ? null : share.hits / share.of)) ?? null,
    norms: findings.norms?.map((each) => (each === undefined ? null : normData(each))) ?? null,
    nonFinite: findings.nonFinite?.map((each) => each ?? 0) ?? null,
    contributions: spec === undefined ? [] : contributionsOf(spec, before, worst?.profile, contributionsMax),
    quality: {
      rows,
      nulls,
      baselineNullRate: nullRate(before),
      rules: Object.fromEntries(
        [...rules].map(([rule, { count, example }]) => [rule, { count, example: example?.value ?? null }]),
      ),
    },
  };
}

function nullRate(profile: FieldProfile | undefined): number | null {
  return profile === undefined || profile.rows === 0 ? null : profile.nulls / profile.rows;
}

function statisticData({ name, status, worst, shifts, statuses, ...counts }: StatisticFindings): object {
  return {
    statistic: name,
    status,
    criticalWindows: counts.criticalWindows,
    warningWindows: counts.warningWindows,
    worst: verdictData(worst),
    shifts: shifts.map((shift) => (shift === undefined ? null : rounded(shift))),
    statuses: nulled(statuses),
  };
}

function nulled<T>(series: Series<T>): readonly (T | null)[] {
  return series.map((value) => value ?? null);
}

function normData(norms: Moments): object {
  const { count, mean, min, max } = norms;
  return {
    vectors: count,
    mean: rounded(mean),
    sd: rounded(deviation(norms)),
    min: rounded(min),
    max: rounded(max),
  };
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : jsonNumber(value);
}

function verdictData(verdict: Verdict): object {
  const { statistic, status, hard, rows, observed, expected, unit, shift, evidence, summary } = verdict;
  return {
    statistic,
    status,
    hard,
    rows,
    observed: jsonNumber(observed),
    expected: jsonNumber(expected),
    unit: jsonNumber(unit),
    shift: jsonNumber(shift),
    evidence: jsonNumber(evidence),
    summary,
  };
}

function alertData(alert: Alert, end: EventTime | undefined): object {
  const { alertname, severity, field, statistic, segment, window, rows, summary, fingerprint, example } =
    alert;
  return {
    alertname,
    severity,
    field,
    statistic,
    segment: segment === null ? null : segmentKey(segment),
    from: isoTime(alert.time),
    until: isoOrNull(end),
    window: isoWindow(window),
    rows,
    observed: jsonNumber(alert.observed),
    expected: jsonNumber(alert.expected),
    shift: jsonNumber(alert.shift),
    evidence: jsonNumber(alert.evidence),
    summary,
    fingerprint,
    requestId: example?.requestId ?? null,
  };
}

function isoWindow({ start, end }: Window): { start: string; end: string } {
  return { start: isoTime(start), end: isoTime(end) };
}

function isoOrNull(time: EventTime | undefined): string | null {
  return time === undefined || !Number.isFinite(time) ? null : isoTime(time);
}
