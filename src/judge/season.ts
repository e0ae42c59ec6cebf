import type { EventTime } from "../model/time.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

/** Harmonics of the day, and of the week. */
const dailyHarmonics = 3;
const weeklyHarmonics = 3;

/** A pattern has to explain this share of what varies in data that it was not fitted to. */
const gainMin = 0.03;

/** Parts that the data are cut into, each foretold from the others. */
const foldsMax = 7;

/**
 * What hour of the day and day of the week (UTC) do to a statistic. `profile`: one value for each equal slice of the cycle,
 * straight lines between their middles. `harmonics`: for each frequency, in cycles a week, a cosine and a sine.
 */
export type Season =
  | { readonly kind: "profile"; readonly cycle: "day" | "week"; readonly values: readonly number[] }
  | {
      readonly kind: "harmonics";
      readonly cycle: "day" | "week";
      /** `[cycles a week, cosine, sine]`. */
      readonly waves: readonly (readonly [number, number, number])[];
    };

/** What the season adds to the mean at a time. */
export function seasonAt(season: Season | undefined, time: EventTime): number {
  if (season === undefined) return 0;
  if (season.kind === "harmonics") {
    let sum = 0;
    for (const [frequency, cosine, sine] of season.waves) {
      const angle = angleOf(time, frequency);
      sum += cosine * Math.cos(angle) + sine * Math.sin(angle);
    }
    return sum;
  }
  const { values } = season;
  const { slot, next, share } = placeOf(time, cycleMs(season.cycle), values.length);
  return (values[slot] as number) * (1 - share) + (values[next] as number) * share;
}

/** Numbers that a season was fitted with. */
export function freedomOf(season: Season | undefined): number {
  if (season === undefined) return 1;
  return season.kind === "profile" ? season.values.length : 1 + 2 * season.waves.length;
}

/** What the data are too short for: two weeks are wanted to know the week, two days to know the day. */
export function missingCycles(from: EventTime, to: EventTime): readonly ("day" | "week")[] {
  const span = to - from;
  if (span < 2 * dayMs) return ["day", "week"];
  return span < 2 * weekMs ? ["week"] : [];
}

/**
 * The season of a series, if it has one that foretells: candidates are fitted to all parts but one, and judged by the part
 * that they have not seen. A cycle is a candidate when the data hold it twice.
 *
 * @param values   mean 0, by window
 * @param windows  their windows' numbers, ascending
 */
export function fitSeason(values: Float64Array, windows: Float64Array, windowMs: number): Season | undefined {
  const n = values.length;
  if (n < 16) return undefined;
  const span = ((windows[n - 1] as number) - (windows[0] as number) + 1) * windowMs;
  let plain = 0;
  for (const value of values) plain += value * value;
  let best: Candidate | undefined;
  let least = plain * (1 - gainMin);
  for (const candidate of candidatesFor(span, windowMs)) {
    const missed = foretell(candidate, values, windows, windowMs, span);
    if (missed < least) [best, least] = [candidate, missed];
  }
  if (best === undefined) return undefined;
  const whole = emptyEquations(best.size);
  for (let t = 0; t < n; t++)
    addRow(whole, best, values[t] as number, middleOf(windows[t] as number, windowMs));
  return best.toSeason(solve(whole));
}

/** Middle of a window: what the season of the window is read at. */
export function middleOf(window: number, windowMs: number): EventTime {
  return (window + 0.5) * windowMs;
}

interface Candidate {
  readonly cycle: "day" | "week";
  readonly size: number;
  /** Writes the row's non-zero entries; returns how many. */
  row(time: EventTime, into: Row): number;
  toSeason(weights: Float64Array): Season;
}

interface Row {
  readonly index: Int32Array;
  readonly value: Float64Array;
}

function candidatesFor(spanMs: number, windowMs: number): readonly Candidate[] {
  const candidates: Candidate[] = [];
  const slots = (cycle: number): number => Math.min(Math.round(cycle / hourMs), Math.floor(cycle / windowMs));
  if (spanMs >= 2 * dayMs && slots(dayMs) >= 4) {
    candidates.push(harmonicsOf("day", range(dailyHarmonics, 7)), profileOf("day", slots(dayMs)));
  }
  if (spanMs >= 2 * weekMs && slots(weekMs) >= 14) {
    const weekly = range(weeklyHarmonics, 1);
    candidates.push(harmonicsOf("week", [...weekly, ...range(dailyHarmonics, 7)]));
    if (slots(dayMs) >= 4)
      candidates.push(harmonicsOf("week", sidebands(weekly)), profileOf("week", slots(weekMs)));
  }
  return candidates;
}

/** Days that are not alike: every daily harmonic with its neighbours, which is what weekends make of it. */
function sidebands(weekly: readonly number[]): readonly number[] {
  const found = new Set(weekly);
  for (let day = 1; day <= dailyHarmonics; day++)
    for (let side = -2; side <= 2; side++) found.add(7 * day + side);
  return [...found].sort((a, b) => a - b);
}

function range(count: number, step: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (i + 1) * step);
}

function profileOf(cycle: "day" | "week", size: number): Candidate {
  return {
    cycle,
    size,
    row(time, { index, value }) {
      const { slot, next, share } = placeOf(time, cycleMs(cycle), size);
      index[0] = slot;
      index[1] = next;
      value[0] = 1 - share;
      value[1] = share;
      return 2;
    },
    toSeason: (weights) => ({ kind: "profile", cycle, values: Array.from(weights, six) }),
  };
}

function harmonicsOf(cycle: "day" | "week", frequencies: readonly number[]): Candidate {
  return {
    cycle,
    size: 2 * frequencies.length,
    row(time, { index, value }) {
      for (const [i, frequency] of frequencies.entries()) {
        const angle = angleOf(time, frequency);
        index[2 * i] = 2 * i;
        index[2 * i + 1] = 2 * i + 1;
        value[2 * i] = Math.cos(angle);
        value[2 * i + 1] = Math.sin(angle);
      }
      return 2 * frequencies.length;
    },
    toSeason: (weights) => ({
      kind: "harmonics",
      cycle,
      waves: frequencies.map(
        (frequency, i) =>
          [frequency, six(weights[2 * i] as number), six(weights[2 * i + 1] as number)] as const,
      ),
    }),
  };
}

/** Squared misses of a candidate over all parts, each foretold from the others. */
function foretell(
  candidate: Candidate,
  values: Float64Array,
  windows: Float64Array,
  windowMs: number,
  spanMs: number,
): number {
  const cycles = Math.floor(spanMs / cycleMs(candidate.cycle));
  const folds = Math.min(foldsMax, cycles);
  const first = windows[0] as number;
  const windowsAll = (windows[values.length - 1] as number) - first + 1;
  const foldOf = (window: number): number =>
    Math.min(folds - 1, Math.floor(((window - first) * folds) / windowsAll));
  const parts = Array.from({ length: folds }, () => emptyEquations(candidate.size));
  for (let t = 0; t < values.length; t++) {
    const window = windows[t] as number;
    addRow(parts[foldOf(window)] as Equations, candidate, values[t] as number, middleOf(window, windowMs));
  }
  const seasons = parts.map((_, left) =>
    candidate.toSeason(
      solve(
        sumOf(
          parts.filter((_part, part) => part !== left),
          candidate.size,
        ),
      ),
    ),
  );
  let missed = 0;
  for (let t = 0; t < values.length; t++) {
    const window = windows[t] as number;
    missed += ((values[t] as number) - seasonAt(seasons[foldOf(window)], middleOf(window, windowMs))) ** 2;
  }
  return missed;
}

/** Normal equations of least squares: a symmetric matrix, row by row, and the right side. */
interface Equations {
  readonly size: number;
  readonly matrix: Float64Array;
  readonly right: Float64Array;
}

function emptyEquations(size: number): Equations {
  return { size, matrix: new Float64Array(size * size), right: new Float64Array(size) };
}

const row: Row = { index: new Int32Array(512), value: new Float64Array(512) };

function addRow(
  { size, matrix, right }: Equations,
  candidate: Candidate,
  value: number,
  time: EventTime,
): void {
  const entries = candidate.row(time, row);
  for (let i = 0; i < entries; i++) {
    const [a, x] = [row.index[i] as number, row.value[i] as number];
    right[a] = (right[a] as number) + x * value;
    for (let j = 0; j < entries; j++) {
      const at = a * size + (row.index[j] as number);
      matrix[at] = (matrix[at] as number) + x * (row.value[j] as number);
    }
  }
}

function sumOf(parts: readonly Equations[], size: number): Equations {
  const sum = emptyEquations(size);
  for (const { matrix, right } of parts) {
    for (let i = 0; i < matrix.length; i++) sum.matrix[i] = (sum.matrix[i] as number) + (matrix[i] as number);
    for (let i = 0; i < size; i++) sum.right[i] = (sum.right[i] as number) + (right[i] as number);
  }
  return sum;
}

/** By Cholesky's factors; a ridge of half an observation keeps what was never seen at 0. */
function solve({ size, matrix, right }: Equations): Float64Array {
  const lower = Float64Array.from(matrix);
  for (let i = 0; i < size; i++) lower[i * size + i] = (lower[i * size + i] as number) + 0.5;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i * size + j] as number;
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] as number) * (lower[j * size + k] as number);
      lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (lower[j * size + j] as number);
    }
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= (lower[i * size + k] as number) * (x[k] as number);
    x[i] = sum / (lower[i * size + i] as number);
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < size; k++) sum -= (lower[k * size + i] as number) * (x[k] as number);
    x[i] = sum / (lower[i * size + i] as number);
  }
  return x;
}

function placeOf(
  time: EventTime,
  cycle: number,
  size: number,
): { readonly slot: number; readonly next: number; readonly share: number } {
  const within = (((time % cycle) + cycle) % cycle) / cycle;
  const position = (within * size - 0.5 + size) % size;
  const slot = Math.min(size - 1, Math.floor(position));
  return { slot, next: (slot + 1) % size, share: position - slot };
}

function angleOf(time: EventTime, cyclesPerWeek: number): number {
  return (2 * Math.PI * cyclesPerWeek * (time % weekMs)) / weekMs;
}

function cycleMs(cycle: "day" | "week"): number {
  return cycle === "day" ? dayMs : weekMs;
}

function six(value: number): number {
  return Number(value.toPrecision(6)) + 0;
}
