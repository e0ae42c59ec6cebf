import { orderMax } from "./autoregression.ts";
import { type Bank, countBank, normalBank } from "./e-detector.ts";
import { freedomOf, middleOf, type Season, seasonAt } from "./season.ts";
import type { Signal } from "./signal.ts";
import { tamed } from "./tail.ts";
import { foretell, learn, type Trend, trendSize } from "./trend.ts";

/** How one signal goes from window to window while nothing is wrong. */
export interface Track {
  readonly windows: number;
  readonly mean: number;
  /** Root mean square of the windows' sampling errors. */
  readonly error: number;
  /** SD about mean and season. */
  readonly sd: number;
  /** SD of what memory or trend leave over; `sd` when there is neither. */
  readonly innovation: number;
  /** x_t ≈ Σ memory[k]·x_{t−1−k}, x about mean and season. */
  readonly memory: readonly number[];
  /** Whether single windows stray further than normal ones do. */
  readonly heavy: boolean;
  /** Of a heavy one that is long enough: how far its windows stray (`tail.ts`). */
  readonly tail?: readonly number[];
  readonly season?: Season;
  /** With a season: how far a window has been from it at most. */
  readonly reach?: number;
  /** Instead of a mean that stays, where the baseline does not show one. */
  readonly trend?: Trend;
  /** Of counts: hits, rows, and how much more than binomial windows vary (1: no more). */
  readonly counts?: { readonly hits: number; readonly rows: number; readonly dispersion: number };
}

export interface Observation {
  readonly value: number;
  /** Standard error of `value` by sampling alone. Of counts 0: their rate says it. */
  readonly error: number;
  readonly rows: number;
}

/** Turns a signal's windows into evidence; its state is in an array of the caller's. */
export interface Follower {
  /** Numbers of state. */
  readonly size: number;
  /** @returns the mean M of its bets */
  follow(state: Float64Array, at: number, window: number, seen: Observation, cap: number): number;
  onset(state: Float64Array, at: number): number;
  /** The bet that comes nearest to the change, and its evidence; `clear` forgets all evidence, but not what was learnt. */
  lead(state: Float64Array, at: number): number;
  held(state: Float64Array, at: number, bet: number): number;
  clear(state: Float64Array, at: number): void;
  /** What was expected of the window that was followed last. */
  expected(state: Float64Array, at: number): number;
}

/** Without a baseline, so many windows are learnt from, and not judged. */
export const learningWindows = 120;

/** A statistic may stray so far (in SDs of a window) for reasons that no sample shows. */
const slackLeast = 0.08;
/** A baseline of n windows shows their memory and their SD badly as long as n is small: so many SDs, divided by n. */
const slackOfFew = 6;
/** The baseline's mean is taken to be at most so many standard errors off. */
const slackErrors = 3;
/** A trend that bends is always a little behind. */
const slackOfTrend = 0.45;

/** A live window counts as at most so many SDs in what is learnt of the mean, and so many baselines' windows are remembered. */
const [learntMost, learntBaselines] = [2, 4];

/** Windows' SDs are taken to be at most so many standard errors above what the baseline shows. */
const spreadErrors = 2;

const [clip, clipHeavy] = [8, 4.5];

/** Counts whose windows vary more than this beyond binomial are followed as numbers, by what they do from window to window. */
const dispersionMax = 1.6;

/** Where a follower keeps what: the expected value, the window (+1) of the newest lag, lags, trend, what the mean was off, bets. */
const [expectedAt, windowAt, lagsAt] = [0, 1, 2];
const trendAt = lagsAt + orderMax;
const [offsetAt, learntAt] = [trendAt + trendSize, trendAt + trendSize + 1];
const bankAt = learntAt + 1;

type Asked = Pick<Signal, "kind" | "sides" | "least">;

export function createFollower(signal: Asked, track: Track | undefined, windowMs: number): Follower {
  if (track === undefined) return createLearner(signal, windowMs);
  return asCounts(track) ? followCounts(signal, track) : followNumbers(signal, track, windowMs);
}

/** Rare things are counted exactly; what is common and varies by itself is a number like others. */
function asCounts({ counts, memory, season, trend }: Track): boolean {
  if (counts === undefined) return false;
  const rate = counts.hits / Math.max(1, counts.rows);
  const rare = Math.min(rate, 1 - rate) * counts.rows < 500;
  return (
    rare ||
    (memory.length === 0 && season === undefined && trend === undefined && counts.dispersion <= dispersionMax)
  );
}

function followCounts({ sides, least = 0 }: Asked, { counts, mean }: Track): Follower {
  const { hits, rows, dispersion } = counts ?? { hits: 0, rows: 1, dispersion: 1 };
  const { high, low } = boundsOf(hits, rows, dispersion);
  const bank = countBank({ high: Math.max(high, least), low, dispersion, sides });
  return {
    size: bankAt + bank.size,
    follow(state, at, window, { value, rows: seen }, cap) {
      state[at + expectedAt] = mean;
      const evidence = { z: 0, hits: Math.round(value * seen), rows: seen };
      return bank.update(state, at + bankAt, window, evidence, cap);
    },
    ...evidenceOf(bank, bankAt),
    expected: (state, at) => state[at + expectedAt] as number,
  };
}

/** What a follower passes on of its bank, whose state begins `offset` numbers into its own. */
function evidenceOf(bank: Bank, offset: number): Pick<Follower, "onset" | "lead" | "held" | "clear"> {
  return {
    onset: (state, at) => bank.onset(state, at + offset),
    lead: (state, at) => bank.lead(state, at + offset),
    held: (state, at, bet) => bank.held(state, at + offset, bet),
    clear: (state, at) => bank.clear(state, at + offset),
  };
}

/** A rate below 1 that nothing seen exceeds in earnest: what was always so does not rise. */
const highest = 1 - 1e-9;

/** The rates that so many hits do not exclude: two standard errors and half a hit more, and less; never nearer than odds of 2%. */
function boundsOf(hits: number, rows: number, dispersion: number): { high: number; low: number } {
  const all = Math.max(1, rows);
  const rate = hits / all;
  const margin = 2 * Math.sqrt((hits + 0.5) * (1 - rate) * dispersion);
  const least = 0.02 * rate * (1 - rate);
  const high = Math.max((hits + 1 + margin) / all, rate + least);
  // what was always so may have been missed by chance as often as what never was could have been hit
  const always = 1 - (1 + 2 * Math.sqrt(0.5 * dispersion)) / all;
  const low = Math.min((hits - margin) / all, rate - least, hits < all ? 1 : always);
  return { high: Math.min(high, highest), low: Math.max(0, low) };
}

function followNumbers(signal: Asked, track: Track, windowMs: number): Follower {
  const { season, memory, trend, windows } = track;
  const bank = normalBank({
    slack: slackOf(track),
    clip: track.heavy ? clipHeavy : clip,
    sides: signal.sides,
  });
  const wider = 1 + spreadErrors / Math.sqrt(2 * windows);
  const known = trend === undefined ? Math.max(1, windows / freedomOf(season)) : Number.POSITIVE_INFINITY;
  return {
    size: bankAt + bank.size,
    follow(state, at, window, seen, cap) {
      const error = errorOf(track, seen);
      const usual = track.mean + seasonAt(season, middleOf(window, windowMs));
      const x = seen.value - usual;
      let [guess, variance] = [0, 0];
      if (trend === undefined) {
        guess = recall(state, at, window, memory);
        const sure = memory.length === 0 || !Number.isNaN(guess);
        if (!sure) guess = 0;
        variance = varianceOf(sure ? track.innovation : track.sd, track, error, wider);
        remember(state, at, window, x);
      } else {
        variance = varianceOf(track.innovation, track, error, wider);
        begin(state, at, window, track, trend);
        guess = state[at + trendAt] as number;
        const own = variance;
        variance += state[at + trendAt + 2] as number;
        learn(state, at + trendAt, x - guess, own);
        state[at + windowAt] = window + 1;
      }
      state[at + expectedAt] = usual + guess;
      const z = tamed(refine(state, at, (x - guess) / Math.sqrt(variance), known), track.tail);
      return bank.update(state, at + bankAt, window, { z, hits: 0, rows: 0 }, cap);
    },
    ...evidenceOf(bank, bankAt),
    expected: (state, at) => state[at + expectedAt] as number,
  };
}

function slackOf({ trend, windows, season }: Track): number {
  const known = Math.max(1, windows / freedomOf(season));
  if (trend !== undefined) return Math.max(slackOfTrend, slackLeast + slackErrors / Math.sqrt(known));
  return slackLeast + slackOfFew / known;
}

/** How far (in SDs of a window) the mean may be from where the baseline has it, without being taken for a change. */
export function toleranceOf({ windows, season }: Pick<Track, "windows" | "season">): number {
  return slackLeast + slackErrors / Math.sqrt(Math.max(1, windows / freedomOf(season)));
}

/**
 * What is left of a window's z once the baseline's mean is allowed to be off: its error, of which the live windows tell more
 * and more, is taken out (recursive residuals, Brown, Durbin & Evans 1975). More than `slackErrors` standard errors it is
 * never taken to be, so that a change is not learnt away.
 */
function refine(state: Float64Array, at: number, z: number, known: number): number {
  const [offset, learnt] = [state[at + offsetAt] as number, state[at + learntAt] as number];
  const total = known + learnt;
  const left = (z - offset) / Math.sqrt(1 + 1 / total);
  const most = slackErrors / Math.sqrt(known);
  const taken = Math.max(-learntMost, Math.min(learntMost, left)) / (total + 1);
  state[at + offsetAt] = Math.max(-most, Math.min(most, offset + taken));
  state[at + learntAt] = Math.min(learntBaselines * known, learnt + 1);
  return left;
}

/** Counts' errors are those of the rate that is expected. */
function errorOf({ counts, mean }: Track, { error, rows }: Observation): number {
  if (counts === undefined) return error;
  const rate = Math.min(1 - 1e-6, Math.max(mean, 1 / Math.max(1, counts.rows)));
  return Math.sqrt((rate * (1 - rate)) / Math.max(1, rows));
}

/**
 * Variance of a window: what the baseline's windows had, taken a little larger as long as few were seen, and never less than
 * by sampling. A window with fewer rows than usual has its larger error to excuse it, one with more does not lose what
 * windows vary beyond sampling.
 */
function varianceOf(sd: number, { error: usual }: Track, error: number, wider: number): number {
  const like = sd < usual * (1 + 1.25 * (wider - 1)) ? usual * 1.04 : sd * wider;
  const own = Math.max(like, usual * 1.04);
  if (!(usual > 0)) return Math.max(own * own, Number.MIN_VALUE);
  if (error >= usual) return (own * (error / usual)) ** 2;
  return Math.max(own * own - usual * usual + error * error, error * error * 1.08);
}

/** What the last windows let expect; NaN when one of them is missing. */
function recall(state: Float64Array, at: number, window: number, memory: readonly number[]): number {
  if (memory.length === 0) return 0;
  if (state[at + windowAt] !== window) return Number.NaN; // the newest lag is of another window than the last
  let sum = 0;
  for (let k = 0; k < memory.length; k++) sum += (memory[k] as number) * (state[at + lagsAt + k] as number);
  return sum;
}

function remember(state: Float64Array, at: number, window: number, x: number): void {
  const next = state[at + windowAt] === window;
  for (let k = orderMax - 1; k > 0; k--)
    state[at + lagsAt + k] = next ? (state[at + lagsAt + k - 1] as number) : Number.NaN;
  state[at + lagsAt] = x;
  state[at + windowAt] = window + 1;
}

/** Moves the trend to `window`: from the window before, from the baseline's end, or from what is known of any time. */
function begin(state: Float64Array, at: number, window: number, { sd, windows }: Track, trend: Trend): void {
  const last = (state[at + windowAt] as number) - 1;
  const place = at + trendAt;
  if (last >= 0) {
    foretell(state, place, window - last, trend);
    return;
  }
  const gap = window - trend.window;
  if (gap > 0 && gap <= windows) {
    state.set([trend.level, trend.slope, ...trend.covariance], place);
    foretell(state, place, gap, trend);
    return;
  }
  const variance = sd * sd;
  state.set([0, 0, 4 * variance, 0, variance / Math.max(4, windows / 4) ** 2], place);
}

/** A signal that the baseline does not have: its first windows are the baseline. */
function createLearner(signal: Asked, windowMs: number): Follower {
  const [countAt, meanAt, squaresAt, errorsAt, hitsAt, rowsAt] = [0, 1, 2, 3, 4, 5];
  const trackAt = 6;
  let known: { key: string; follower: Follower } | undefined;
  const followerOf = (state: Float64Array, at: number): Follower => {
    const learnt = state.subarray(at, at + trackAt);
    const key = learnt.join();
    if (known?.key !== key)
      known = { key, follower: createFollower(signal, toTrack(signal, learnt), windowMs) };
    return known.follower;
  };
  const longest = 3 * 12 + bankAt;
  return {
    size: trackAt + longest,
    follow(state, at, window, seen, cap) {
      const count = state[at + countAt] as number;
      if (count >= learningWindows)
        return followerOf(state, at).follow(state, at + trackAt, window, seen, cap);
      const delta = seen.value - (state[at + meanAt] as number);
      const mean = (state[at + meanAt] as number) + delta / (count + 1);
      state[at + countAt] = count + 1;
      state[at + meanAt] = mean;
      state[at + squaresAt] = (state[at + squaresAt] as number) + delta * (seen.value - mean);
      state[at + errorsAt] = (state[at + errorsAt] as number) + seen.error ** 2;
      state[at + hitsAt] = (state[at + hitsAt] as number) + Math.round(seen.value * seen.rows);
      state[at + rowsAt] = (state[at + rowsAt] as number) + seen.rows;
      return 0;
    },
    onset: (state, at) => followerOf(state, at).onset(state, at + trackAt),
    lead: (state, at) => followerOf(state, at).lead(state, at + trackAt),
    held: (state, at, bet) => followerOf(state, at).held(state, at + trackAt, bet),
    clear: (state, at) => followerOf(state, at).clear(state, at + trackAt),
    expected: (state, at) => followerOf(state, at).expected(state, at + trackAt),
  };
}

function toTrack({ kind }: Asked, learnt: Float64Array): Track {
  const [windows, mean, squares, errors, hits, rows] = learnt as unknown as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const sd = Math.sqrt(squares / Math.max(1, windows - 1));
  const base = { windows, mean, sd, innovation: sd, memory: [], heavy: true };
  if (kind === "number") return { ...base, error: Math.sqrt(errors / windows) };
  const rate = Math.max(hits, 1) / Math.max(1, rows);
  const error = Math.sqrt((rate * (1 - Math.min(rate, 0.999))) / Math.max(1, rows / windows));
  return { ...base, error, counts: { hits, rows, dispersion: Math.max(1, (sd / error) ** 2) } };
}
