import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type EventTime, isoTime } from "../model/time.ts";
import type { JudgedWindow, StatisticName, Verdict } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Baseline } from "./baseline.ts";
import { correlationSignal, readPair, sayPair } from "./pairs.ts";
import { minRowsOf } from "./policy.ts";
import type { Signal } from "./signal.ts";
import { signalsFor } from "./signals.ts";
import { viewSignals } from "./signals-view.ts";
import { seenOf } from "./statistic.ts";
import { createFollower, type Follower, type Observation } from "./track.ts";

const monthMs = 30 * 24 * 3_600_000;

/** Evidence is not hoarded: beyond e^this times the line it would only delay the all-clear. */
const hoard = 1;

/** A warning ends when the evidence has fallen to e^−this of the line. */
const relief = 2;

/**
 * It ends as well when the bet that came nearest to the change has lost so much (ln) since its height: windows are then this much
 * likelier as they always were than as they had become. A large change is over within a window or two of its end, where the
 * bets on small ones would take days to be sure.
 */
const leadRelief = 5;

/**
 * The warning layer of one feature view: small lasting changes, found by following every field's signals from closed window to
 * closed window (`e-detector.ts`), with a budget of false alarms over all fields of the view. Of the whole view only: a segment
 * is judged by its own breaker, and the small drift of one alone is not worth fifty times the chances to be wrong.
 */
export interface DriftDetector {
  /**
   * Takes in a closed window of the whole view, in order of time; one that is not newer than the last changes nothing.
   * @param whole  whether nothing of it is cut off, so that its rows can be counted
   * @returns the window with its warnings among its verdicts
   */
  follow(profile: WindowProfile, judged: JudgedWindow, whole?: boolean): JudgedWindow;
  encode(): Uint8Array;
  /** @throws Fault `store.version` when the state is of another spec, baseline or tidemark */
  restore(bytes: Uint8Array): void;
}

/** A field's signal, or a pair of fields. */
interface Followed {
  readonly signal: Omit<Signal, "name" | "weight" | "read">;
  readonly read: (profile: WindowProfile) => Observation | undefined;
  /** Rows that a window needs to be taken in. */
  readonly minRows: number;
  readonly follower: Follower;
  /** Share of the field's stake. */
  readonly weight: number;
  readonly at: number;
}

interface Group {
  /** null: the pairs, which are nobody's alone, and the stream itself. */
  readonly field: string | null;
  /** Of windows that are cut short it says nothing. */
  readonly whole?: true;
  /** A change of the mean, or of a share, that is no news. */
  readonly ignoreBelow?: number | undefined;
  readonly signals: readonly Followed[];
  /** M that is evidence enough. */
  readonly line: number;
  /** Where its state begins. */
  readonly at: number;
}

/** Whether it is drifting (0, 1), by which signal, since which window; that signal's leading bet, and the most it has held. */
const [firingAt, signalAt, sinceAt, betAt, heightAt] = [0, 1, 2, 3, 4];
/** While half of the evidence is there: the sum of the leading signal's changes, and of how many windows. */
const [changeAt, changesAt, fieldSize] = [5, 6, 7];
const viewSize = 1;

export function createDriftDetector(view: FeatureView, baseline: Baseline | undefined): DriftDetector {
  const { sizeMs } = view.window;
  const rowsPerWindow = baseline === undefined ? 0 : baseline.rows / Math.max(1, baseline.windows);
  let size = viewSize;
  const reserve = (numbers: number): number => {
    size += numbers;
    return size - numbers;
  };
  const pairs = baseline?.pairs ?? [];
  const streamed = viewSignals.filter(({ name }) => baseline?.tracks?.has(name) === true);
  const staked = view.fields.length + (pairs.length > 0 ? 1 : 0) + (streamed.length > 0 ? 1 : 0);
  const lineOf = (falseAlarmsPerMonth: number): number => (monthMs / sizeMs) * (staked / falseAlarmsPerMonth);
  const groups = view.fields.map((field): Group => {
    const known = baseline?.fields.get(field.name);
    const signals = signalsFor(field, known?.profile, rowsPerWindow);
    const stake = signals.reduce((sum, { weight }) => sum + weight, 0);
    return {
      field: field.name,
      ignoreBelow: field.drift.ignoreBelow,
      line: lineOf(field.drift.falseAlarmsPerMonth),
      at: reserve(fieldSize),
      signals: signals.map((signal) => {
        const follower = createFollower(signal, known?.tracks?.get(signal.name), sizeMs);
        return {
          signal,
          read: ({ fields, segment, lastEvent }: WindowProfile) => {
            const profile = fields.get(field.name);
            return profile === undefined ? undefined : signal.read(seenOf(profile, segment, lastEvent));
          },
          minRows: minRowsOf(field, view),
          follower,
          weight: signal.weight / stake,
          at: reserve(follower.size),
        };
      }),
    };
  });
  if (pairs.length > 0) {
    groups.push({
      field: null,
      line: lineOf(view.drift.falseAlarmsPerMonth),
      at: reserve(fieldSize),
      signals: pairs.map((pair) => {
        const signal = {
          ...correlationSignal,
          say: (observed: number, expected: number) => sayPair(pair, observed, expected),
        };
        const follower = createFollower(signal, pair.track, sizeMs);
        const read = (profile: WindowProfile) => readPair(profile, pair);
        const { minRows } = view.window;
        return { signal, read, minRows, follower, weight: 1 / pairs.length, at: reserve(follower.size) };
      }),
    });
  }
  if (streamed.length > 0) {
    const stake = streamed.reduce((sum, { weight }) => sum + weight, 0);
    groups.push({
      field: null,
      whole: true,
      line: lineOf(view.drift.falseAlarmsPerMonth),
      at: reserve(fieldSize),
      signals: streamed.map((signal) => {
        const follower = createFollower(signal, baseline?.tracks?.get(signal.name), sizeMs);
        const weight = signal.weight / stake;
        return { signal, read: signal.read, minRows: 0, follower, weight, at: reserve(follower.size) };
      }),
    });
  }
  const state = new Float64Array(size);
  const key = stateKey(view, baseline);

  const followGroup = (
    { field, signals, line, at, ignoreBelow }: Group,
    profile: WindowProfile,
    window: number,
  ): Verdict | undefined => {
    let [total, most, leading] = [0, 0, 0];
    const observations: (Observation | undefined)[] = [];
    for (const [i, { read, minRows, follower, weight, at: place }] of signals.entries()) {
      const observed = read(profile);
      observations.push(observed);
      if (observed === undefined || observed.rows < minRows) continue;
      const part =
        weight * follower.follow(state, place, window, observed, (line * Math.exp(hoard)) / weight);
      total += part;
      if (part > most) [most, leading] = [part, i];
    }
    const firing = state[at + firingAt] === 1;
    if (most === 0 && !firing) return undefined;
    const matters =
      ignoreBelow === undefined ||
      changeOf(signals[leading] as Followed, observations[leading], at, total > Math.sqrt(line)) >=
        ignoreBelow;
    if (!firing && (total < line || !matters)) return undefined;
    if (!firing) {
      const { follower, at: place } = signals[leading] as Followed;
      state.set([1, leading, follower.onset(state, place), follower.lead(state, place), 0], at);
    }
    const followed = signals[state[at + signalAt] as number] as Followed;
    const since = (state[at + sinceAt] as number) * sizeMs;
    const over = firing && (total < line * Math.exp(-relief) || hasPassed(followed, at));
    if (over) {
      state[at + firingAt] = 0;
      for (const { follower, at: place } of signals) follower.clear(state, place);
    } else if (observations[signals.indexOf(followed)] !== undefined) raise(followed, at);
    return verdictOf(field, followed, observations[signals.indexOf(followed)], state, {
      since,
      evidence: Math.max(0, Math.log(total)),
      over,
      rows: profile.rows,
    });
  };

  /** Mean change over the windows since half of the evidence was there; infinite where a change has no size in the data. */
  const changeOf = (
    { signal: { scale }, follower, at: place }: Followed,
    observed: Observation | undefined,
    at: number,
    known: boolean,
  ): number => {
    if (scale === undefined || observed === undefined) return Number.POSITIVE_INFINITY;
    const change = scale * (observed.value - follower.expected(state, place));
    state[at + changeAt] = change + (known ? (state[at + changeAt] as number) : 0);
    state[at + changesAt] = 1 + (known ? (state[at + changesAt] as number) : 0);
    return Math.abs(state[at + changeAt] as number) / (state[at + changesAt] as number);
  };

  /** Whether the leading bet has lost what says that the change is over. */
  const hasPassed = ({ follower, at: place }: Followed, at: number): boolean =>
    follower.held(state, place, state[at + betAt] as number) <
    (state[at + heightAt] as number) * Math.exp(-leadRelief);

  /** Keeps the leading bet and the most it has held, as long as the change goes on. */
  const raise = ({ follower, at: place }: Followed, at: number): void => {
    const bet = follower.lead(state, place);
    const [known, height] = [state[at + betAt] as number, state[at + heightAt] as number];
    const held = follower.held(state, place, bet);
    if (bet !== known && held >= height) state.set([bet, held], at + betAt);
    else state[at + heightAt] = Math.max(height, follower.held(state, place, known));
  };

  return {
    follow(profile, judged, whole = true) {
      const window = Math.round(profile.window.start / sizeMs);
      if (window + 1 <= (state[0] as number) && state[0] !== 0) return judged;
      state[0] = window + 1;
      const warnings = new Map<string, Verdict>();
      for (const group of groups) {
        if (group.whole === true && !whole) continue;
        const verdict = followGroup(group, profile, window);
        if (verdict !== undefined) warnings.set(keyOf(verdict), verdict);
      }
      return warnings.size === 0 ? judged : { ...judged, verdicts: merged(judged.verdicts, warnings) };
    },
    encode: () => join(key, state),
    restore(bytes) {
      const saved = split(bytes);
      if (saved.key !== key || saved.state.length !== state.length) {
        throw new Fault(
          "store.version",
          `saved drift of ${view.name}: of another spec, baseline or tidemark`,
        );
      }
      state.set(saved.state);
    },
  };
}

interface Told {
  readonly since: EventTime;
  readonly evidence: number;
  readonly over: boolean;
  readonly rows: number;
}

function verdictOf(
  field: string | null,
  { signal, follower, at }: Followed,
  seen: Observation | undefined,
  state: Float64Array,
  { since, evidence, over, rows }: Told,
): Verdict {
  const expected = follower.expected(state, at);
  const observed = seen?.value ?? expected;
  const said = signal.say(observed, expected);
  return {
    field,
    statistic: signal.statistic,
    status: over ? "ok" : "warning",
    hard: false,
    rows: seen?.rows ?? rows,
    observed,
    expected,
    unit: signal.unit,
    shift: Math.abs(observed - expected) / signal.unit,
    evidence,
    since,
    summary: over
      ? `${field ?? names[signal.statistic] ?? "the stream"} is as usual again`
      : `${said}, since about ${timeOf(since)}`,
  };
}

/** What is nobody's field, when it is over. */
const names: Partial<Record<StatisticName, string>> = {
  correlation: "the correlation",
  volume: "the number of rows",
  late_rate: "the share of late rows",
};

/** `2026-03-03 14:05Z` */
function timeOf(time: EventTime): string {
  return `${isoTime(time).slice(0, 16).replace("T", " ")}Z`;
}

/** A warning takes the place of what the breaker layer says of the same statistic, unless that is worse. */
function merged(verdicts: readonly Verdict[], warnings: Map<string, Verdict>): readonly Verdict[] {
  const all = verdicts.map((verdict) => {
    const warning = warnings.get(keyOf(verdict));
    if (warning === undefined) return verdict;
    warnings.delete(keyOf(verdict));
    const worse = verdict.status === "critical" || (verdict.status === "warning" && warning.status === "ok");
    return worse ? verdict : warning;
  });
  return [...all, ...warnings.values()];
}

function keyOf({ field, statistic }: { field: string | null; statistic: StatisticName }): string {
  return `${statistic} ${field}`;
}

/** Another spec or baseline, and the numbers mean something else. */
function stateKey(view: FeatureView, baseline: Baseline | undefined): string {
  const built =
    baseline === undefined ? "" : [baseline.spec, baseline.from, baseline.to, baseline.rows].join(" ");
  return `4 ${view.fingerprint} ${built}`;
}

/** Length of the key, the key, then the numbers as little-endian doubles. */
function join(key: string, state: Float64Array): Uint8Array {
  const text = new TextEncoder().encode(key);
  const bytes = new Uint8Array(4 + text.length + state.length * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (let i = 0; i < state.length; i++) view.setFloat64(4 + text.length + i * 8, state[i] as number, true);
  return bytes;
}

function split(bytes: Uint8Array): { readonly key: string; readonly state: Float64Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length < 4 ? 0 : view.getUint32(0, true);
  const start = Math.min(bytes.length, 4 + length);
  const key = new TextDecoder().decode(bytes.subarray(4, start));
  const state = new Float64Array(Math.floor((bytes.length - start) / 8));
  for (let i = 0; i < state.length; i++) state[i] = view.getFloat64(start + i * 8, true);
  return { key, state };
}
