import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type EventTime, isoTime } from "../model/time.ts";
import type { JudgedWindow, StatisticName, Verdict } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Baseline } from "./baseline.ts";
import { readPair, sayPair } from "./pairs.ts";
import type { Signal } from "./signal.ts";
import { signalsFor } from "./signals.ts";
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
   * @returns the window with its warnings among its verdicts
   */
  follow(profile: WindowProfile, judged: JudgedWindow): JudgedWindow;
  encode(): Uint8Array;
  /** @throws Fault `store.version` when the state is of another spec, baseline or tidemark */
  restore(bytes: Uint8Array): void;
}

/** A field's signal, or a pair of fields. */
interface Followed {
  readonly signal: Omit<Signal, "name" | "weight" | "read">;
  readonly read: (profile: WindowProfile) => Observation | undefined;
  readonly follower: Follower;
  /** Share of the field's stake. */
  readonly weight: number;
  readonly at: number;
}

interface Group {
  /** null: the pairs, which are nobody's alone. */
  readonly field: string | null;
  readonly signals: readonly Followed[];
  /** M that is evidence enough. */
  readonly line: number;
  /** Where its state begins. */
  readonly at: number;
}

const correlationSignal = {
  statistic: "correlation",
  kind: "number",
  sides: "both",
  unit: 0.5,
} as const;

/** Whether it is drifting (0, 1), by which signal, since which window; that signal's leading bet, and the most it has held. */
const [firingAt, signalAt, sinceAt, betAt, heightAt, fieldSize] = [0, 1, 2, 3, 4, 5];
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
  const staked = view.fields.length + (pairs.length > 0 ? 1 : 0);
  const lineOf = (falseAlarmsPerMonth: number): number => (monthMs / sizeMs) * (staked / falseAlarmsPerMonth);
  const groups = view.fields.map((field): Group => {
    const known = baseline?.fields.get(field.name);
    const signals = signalsFor(field, known?.profile, rowsPerWindow);
    const stake = signals.reduce((sum, { weight }) => sum + weight, 0);
    return {
      field: field.name,
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
        return { signal, read, follower, weight: 1 / pairs.length, at: reserve(follower.size) };
      }),
    });
  }
  const state = new Float64Array(size);
  const key = stateKey(view, baseline);

  const followGroup = (
    { field, signals, line, at }: Group,
    profile: WindowProfile,
    window: number,
  ): Verdict | undefined => {
    let [total, most, leading] = [0, 0, 0];
    const observations: (Observation | undefined)[] = [];
    for (const [i, { read, follower, weight, at: place }] of signals.entries()) {
      const observed = read(profile);
      observations.push(observed);
      if (observed === undefined || observed.rows < view.window.minRows) continue;
      const part =
        weight * follower.follow(state, place, window, observed, (line * Math.exp(hoard)) / weight);
      total += part;
      if (part > most) [most, leading] = [part, i];
    }
    const firing = state[at + firingAt] === 1;
    if (most === 0 && !firing) return undefined;
    if (!firing && total < line) return undefined;
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
    follow(profile, judged) {
      const window = Math.round(profile.window.start / sizeMs);
      if (window + 1 <= (state[0] as number) && state[0] !== 0) return judged;
      state[0] = window + 1;
      const warnings = new Map<string, Verdict>();
      for (const group of groups) {
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
      ? `${field ?? "the correlation"} is as usual again`
      : `${said}, since about ${timeOf(since)}`,
  };
}

/** `2026-03-03 14:05Z` */
function timeOf(time: EventTime): string {
  return `${isoTime(time).slice(0, 16).replace("T", " ")}Z`;
}

/** A warning takes the place of what the breaker layer says of the same statistic, unless that is critical. */
function merged(verdicts: readonly Verdict[], warnings: Map<string, Verdict>): readonly Verdict[] {
  const all = verdicts.map((verdict) => {
    const warning = warnings.get(keyOf(verdict));
    if (warning === undefined) return verdict;
    warnings.delete(keyOf(verdict));
    return verdict.status === "critical" ? verdict : warning;
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
