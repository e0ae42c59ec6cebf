import { Fault } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import { isoTime, parseInstant } from "../model/time.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile, RuleName } from "../profile/profile.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { Baseline, FieldBaseline, Period, StatisticHistory } from "./baseline.ts";
import { bodyToJson, readBody } from "./baseline-body.ts";
import type { BaselineDrift } from "./baseline-drift.ts";
import { rounded } from "./history.ts";
import { type Json, type Reader, readJson, writeJson } from "./json.ts";
import type { Track } from "./track.ts";
import { readTrack, trackToJson } from "./track-file.ts";
import type { Traffic } from "./traffic.ts";

const apiVersion = "tidemark/v1";
const kind = "Baseline";

/**
 * The baseline as JSON that people can read and review tools can diff: one block a field, histograms as lines of 16
 * buckets, categories by count. Numbers keep six digits or more, so that `parseBaseline` gives back what judges alike.
 */
export function formatBaseline(baseline: Baseline): string {
  const fields = record([...baseline.fields].map(([name, field]) => [name, fieldToJson(field)]));
  return writeJson({
    apiVersion,
    kind,
    featureView: baseline.featureView,
    spec: baseline.spec,
    toolVersion: baseline.toolVersion,
    windowMs: baseline.windowMs,
    from: isoTime(baseline.from),
    to: isoTime(baseline.to),
    rows: baseline.rows,
    windows: baseline.windows,
    ...(baseline.periods === undefined ? {} : { periods: baseline.periods.map(periodToJson) }),
    ...(baseline.drifts === undefined ? {} : { drifts: baseline.drifts.map(driftToJson) }),
    ...(baseline.pairs === undefined
      ? {}
      : { pairs: baseline.pairs.map(({ a, b, track }) => ({ a, b, track: trackToJson(track) })) }),
    ...(baseline.traffic === undefined ? {} : { traffic: trafficToJson(baseline.traffic) }),
    ...tracksToJson(baseline.tracks),
    fields,
  });
}

/** @throws Fault `baseline.invalid` that names the place in `file` */
export function parseBaseline(text: string, file: string): Baseline {
  const root = readJson(text, (place, message) => invalid(file, place, message));
  root.get("apiVersion").literal(apiVersion);
  root.get("kind").literal(kind);
  const fields = new Map<string, FieldBaseline>();
  for (const [name, reader] of root.get("fields").entries()) fields.set(name, readField(reader));
  return {
    featureView: root.get("featureView").text(),
    spec: root.get("spec").text(),
    toolVersion: root.get("toolVersion").text(),
    windowMs: root.get("windowMs").number(1),
    from: instant(root.get("from")),
    to: instant(root.get("to")),
    rows: root.get("rows").number(0),
    windows: root.get("windows").number(0),
    traffic: readTraffic(root.optional("traffic")),
    fields,
    ...readTracks(root.optional("tracks")),
    ...readPairs(root.optional("pairs")),
    ...readDrifts(root.optional("drifts")),
    ...readPeriods(root.optional("periods")),
  };
}

function periodToJson({ from, to, rows, windows }: Period): Json {
  return { from: isoTime(from), to: isoTime(to), rows, windows };
}

function readPeriods(reader: Reader | undefined): Pick<Baseline, "periods"> {
  if (reader === undefined) return {};
  return {
    periods: reader.items().map((period) => ({
      from: instant(period.get("from")),
      to: instant(period.get("to")),
      rows: period.get("rows").number(0),
      windows: period.get("windows").number(0),
    })),
  };
}

function driftToJson({ field, since, until, before, after, shift, ...drift }: BaselineDrift): Json {
  const numbers = { before: rounded(before), after: rounded(after), shift: rounded(shift) };
  return {
    ...(field === null ? {} : { field }),
    ...drift,
    since: isoTime(since),
    until: isoTime(until),
    ...numbers,
  };
}

function readDrifts(reader: Reader | undefined): Pick<Baseline, "drifts"> {
  if (reader === undefined) return {};
  return {
    drifts: reader.items().map((drift) => ({
      field: drift.optional("field")?.text() ?? null,
      statistic: drift.get("statistic").text() as StatisticName,
      kind: drift.get("kind").oneOf(["step", "slope", "episode"]),
      since: instant(drift.get("since")),
      until: instant(drift.get("until")),
      before: drift.get("before").number(),
      after: drift.get("after").number(),
      shift: drift.get("shift").number(0),
      summary: drift.get("summary").text(),
    })),
  };
}

function tracksToJson(tracks: ReadonlyMap<string, Track> | undefined): Record<string, Json> {
  if (tracks === undefined) return {};
  return { tracks: record([...tracks].map(([name, track]) => [name, trackToJson(track)])) };
}

function readTracks(reader: Reader | undefined): { readonly tracks?: ReadonlyMap<string, Track> } {
  if (reader === undefined) return {};
  return { tracks: new Map(reader.entries().map(([name, track]) => [name, readTrack(track)])) };
}

function readPairs(reader: Reader | undefined): Pick<Baseline, "pairs"> {
  if (reader === undefined) return {};
  return {
    pairs: reader.items().map((pair) => ({
      a: pair.get("a").text(),
      b: pair.get("b").text(),
      track: readTrack(pair.get("track")),
    })),
  };
}

/** Median and IQR of every numeric field; empty without a baseline. */
export function framesOf(baseline: Baseline | undefined): ReadonlyMap<string, Frame> {
  const frames = new Map<string, Frame>();
  for (const [name, { profile }] of baseline?.fields ?? []) {
    if (profile.body.kind === "numeric") frames.set(name, profile.body.histogram.frame);
  }
  return frames;
}

function fieldToJson({ profile, statistics, tracks, segments }: FieldBaseline): Json {
  const rules: Record<string, Json> = {};
  for (const name of [...profile.rules.keys()].sort()) rules[name] = profile.rules.get(name)?.count ?? 0;
  return {
    type: profile.type,
    rows: profile.rows,
    nulls: profile.nulls,
    ...(profile.rules.size === 0 ? {} : { rules }),
    statistics: historiesToJson(statistics),
    ...tracksToJson(tracks),
    ...(segments === undefined
      ? {}
      : { segments: record([...segments].map(([key, own]) => [key, historiesToJson(own)])) }),
    ...bodyToJson(profile.body),
  };
}

function historiesToJson(histories: ReadonlyMap<StatisticName, StatisticHistory>): Json {
  return record([...histories].map(([name, history]) => [name, { ...history }]));
}

function trafficToJson({ repeats, ...traffic }: Traffic): Json {
  return { ...traffic, ...(repeats === undefined ? {} : { repeats: { ...repeats } }) };
}

function readTraffic(reader: Reader | undefined): Traffic | undefined {
  if (reader === undefined) return undefined;
  const repeats = reader.optional("repeats");
  return {
    windows: reader.get("windows").number(1),
    mean: reader.get("mean").number(),
    sd: reader.get("sd").number(0),
    low: reader.get("low").number(),
    high: reader.get("high").number(),
    longestGap: reader.get("longestGap").number(0),
    repeats:
      repeats === undefined
        ? undefined
        : { mean: repeats.get("mean").number(), sd: repeats.get("sd").number(0) },
  };
}

/** `Object.fromEntries` keeps a key called `__proto__` as a key. */
function record(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries);
}

const types: readonly FieldType[] = [
  "bool",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float32",
  "float64",
  "string",
  "timestamp",
  "embedding",
];

function readField(reader: Reader): FieldBaseline {
  const rules: FieldProfile["rules"] = new Map();
  for (const [name, count] of reader.optional("rules")?.entries() ?? []) {
    rules.set(name as RuleName, { count: count.number(0), example: undefined });
  }
  const type = reader.get("type").oneOf(types);
  const profile: FieldProfile = {
    type,
    rows: reader.get("rows").number(0),
    nulls: reader.get("nulls").number(0),
    rules,
    body: readBody(reader, type),
  };
  const statistics = readHistories(reader.get("statistics"));
  const segments = reader.optional("segments");
  return {
    profile,
    statistics,
    ...readTracks(reader.optional("tracks")),
    ...(segments === undefined
      ? {}
      : { segments: new Map(segments.entries().map(([key, own]) => [key, readHistories(own)])) }),
  };
}

function readHistories(reader: Reader): ReadonlyMap<StatisticName, StatisticHistory> {
  return new Map(
    reader.entries().map(([name, history]) => [
      name as StatisticName,
      {
        mean: history.get("mean").number(),
        sd: history.get("sd").number(0),
        windows: history.get("windows").number(0),
        low: history.get("low").number(),
        high: history.get("high").number(),
        zMean: history.get("zMean").number(),
        zSd: history.get("zSd").number(0),
      },
    ]),
  );
}

function instant(reader: Reader): number {
  return parseInstant(reader.text()) ?? reader.fail("an ISO 8601 time");
}

function invalid(file: string, place: string, message: string): Fault {
  return new Fault("baseline.invalid", `${file}: ${place === "" ? "" : `${place}: `}${message}`, {
    hint: "build it again with `tidemark baseline build`",
  });
}
