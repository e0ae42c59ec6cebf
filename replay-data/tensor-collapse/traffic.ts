import { createRandom, type Random } from "./random.ts";

/** One event of the feature store. Times are epoch milliseconds, `received` and `ready` with microseconds behind the point. */
export interface Row {
  readonly eventTime: number;
  readonly received: number;
  readonly ready: number;
  readonly requestId: string;
  readonly modelVersion: number;
  readonly node: number;
  readonly userLocation: string;
  readonly device: number;
  readonly appVersion: number;
  readonly language: number | null;
  readonly sessionSeconds: number;
  readonly cartValue: number | null;
  readonly priceSensitivity: number;
  readonly discountPercent: number;
  readonly localTemperature: number;
  readonly itemsSeen: number;
  readonly accountAgeSeconds: number;
  readonly experimentBucket: number;
  readonly clicks24h: number;
  readonly sessionNumber: number;
  /** High and low word of an unsigned 64-bit key. */
  readonly userKey: readonly [number, number];
  readonly member: boolean;
  readonly pushEnabled: boolean | null;
  readonly lastPurchase: number | null;
  readonly embedding: Float32Array;
  readonly resultCount: number;
  readonly gpuMemoryGib: number;
}

/** What is wrong, and from when to when: `[from, to)` in event time. Rows outside every fault are clean. */
export interface Faults {
  /** The feature store emits "United States" where it emitted "US". */
  readonly fullNames: readonly [number, number];
  /** Model v4.1 answers late and with nothing. */
  readonly emptyAnswers: readonly [number, number];
  /** Embeddings around 500 instead of 0.05, with NaN and infinities among them. */
  readonly embeddings: readonly [number, number];
  /** GPU memory of node-04 grows until the card is full. */
  readonly leak: readonly [number, number];
}

export const embeddingSize = 16;
export const devices = ["ios", "android", "web", "tv"] as const;
export const appVersions = ["5.2.0", "5.1.3", "4.9.8"] as const;
export const languages = ["en", "de", "fr", "pt", "es", "ja", "hi", "it", "nl", "ar"] as const;
/** A rolling update that stopped half-way: three versions, each on three nodes. */
export const modelVersions = ["v3.9", "v4.0", "v4.1"] as const;
export const nodes = Array.from({ length: 9 }, (_, index) => `node-0${index + 1}`);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const [v41, leakingNode] = [2, 3];

/** Events in twenty minutes, at the quietest time (04:00 UTC) and at the busiest (16:00 UTC). */
const [quietRows, busyRows] = [114, 250];

interface Country {
  readonly code: string;
  readonly name: string;
  /** Share of events by day and by night (UTC). */
  readonly weight: readonly [number, number];
  readonly celsius: number;
}

const countries: readonly Country[] = [
  { code: "US", name: "United States", weight: [34, 29], celsius: 9 },
  { code: "GB", name: "Great Britain", weight: [13, 12], celsius: 8 },
  { code: "DE", name: "Germany", weight: [11, 10], celsius: 6 },
  { code: "FR", name: "France", weight: [9, 8], celsius: 10 },
  { code: "BR", name: "Brazil", weight: [7, 7], celsius: 27 },
  { code: "IN", name: "India", weight: [6, 9], celsius: 28 },
  { code: "JP", name: "Japan", weight: [4, 7], celsius: 9 },
  { code: "CA", name: "Canada", weight: [4, 4], celsius: -2 },
  { code: "ES", name: "Spain", weight: [3, 3], celsius: 14 },
  { code: "IT", name: "Italy", weight: [3, 3], celsius: 12 },
  { code: "EG", name: "Egypt", weight: [2, 2], celsius: 31 },
  { code: "NL", name: "Netherlands", weight: [2, 2], celsius: 8 },
  { code: "AU", name: "Australia", weight: [1, 3], celsius: 24 },
  { code: "DZ", name: "Algeria", weight: [1, 1], celsius: 33 },
  // Not in ISO 3166: the few default cases that every clean day has.
  { code: "XK", name: "Kosovo", weight: [0.15, 0.15], celsius: 7 },
];

/** Events of `[from, to)` in the order in which they were received; the same seed gives the same events. */
export function* traffic(seed: number, from: number, to: number, faults: Faults | undefined): Generator<Row> {
  const random = createRandom(seed);
  const waiting: Row[] = [];
  for (let time = from; ; ) {
    const rows = quietRows + (busyRows - quietRows) * daylight(time);
    time += ((20 * 60_000) / rows) * (0.5 + random.unit());
    if (time >= to) break;
    waiting.push(event(Math.round(time), random, faults));
    // A straggler is received up to 40 s after its event time, so the log is nearly but not quite in order.
    waiting.sort((a, b) => a.received - b.received);
    while (waiting.length > 0 && (waiting[0] as Row).received < time) yield waiting.shift() as Row;
  }
  yield* waiting;
}

/** 0 at 04:00 UTC, 1 at 16:00, smooth between. */
function daylight(time: number): number {
  const fromNoon = Math.abs(((((time / hourMs + 20) % 24) + 24) % 24) / 12 - 1);
  return 1 - fromNoon * fromNoon * (3 - 2 * fromNoon);
}

function event(eventTime: number, random: Random, faults: Faults | undefined): Row {
  const during = (fault: keyof Faults): boolean =>
    faults !== undefined && eventTime >= faults[fault][0] && eventTime < faults[fault][1];
  const day = daylight(eventTime);
  const country = countries[
    random.choice(countries.map(({ weight: [byDay, byNight] }) => byNight + (byDay - byNight) * day))
  ] as Country;
  const node = random.choice(nodes.map(() => 1));
  const modelVersion = Math.floor(node / 3);
  const straggles = random.unit() < 0.01;
  const received = eventTime + micros(straggles ? 40_000 * random.unit() : 15 + 25 * random.skewed(4));
  const slow = during("emptyAnswers") && modelVersion === v41;
  const readyMs = slow ? 12_000 + 400 * random.normal() : Math.min(4 + 8 * random.skewed(5), 48);
  const spelledOut = random.unit() < 0.99; // the rest still comes from a cache
  const sessions = 1 + random.skewed(2) * 40;
  return {
    eventTime,
    received,
    ready: received + micros(readyMs),
    requestId: requestId(random),
    modelVersion,
    node,
    userLocation: during("fullNames") && spelledOut ? country.name : country.code,
    device: random.choice([34 + 3 * day, 38 - 3 * day, 24, 4]),
    appVersion: random.choice([52, 31, 17]),
    language: random.unit() < 0.03 ? null : random.choice([48, 12, 10, 8, 6, 5, 5, 3, 2, 1]),
    sessionSeconds: Math.min((540 + 60 * day) * random.skewed(3), 86_400),
    cartValue: random.unit() < 0.06 ? null : Math.round(6_200 * random.skewed(2)) / 100,
    priceSensitivity: clamp(0.5 + 0.16 * random.normal(), 0, 1),
    discountPercent: random.choice([70, 8, 9, 6, 4, 3]) * 5,
    localTemperature: Math.round(country.celsius + 4 * random.normal() + 3 * day),
    itemsSeen: Math.floor(random.skewed(2) * (18 + 2 * day)),
    accountAgeSeconds: Math.floor(random.skewed(2) * 400 * 86_400),
    experimentBucket: Math.floor(random.unit() * 100),
    clicks24h: Math.floor(random.skewed(2) * 35),
    sessionNumber: Math.floor(sessions),
    userKey: [random.word(), random.word()],
    member: random.unit() < 0.37,
    pushEnabled: random.unit() < 0.02 ? null : random.unit() < 0.61,
    lastPurchase: random.unit() < 0.12 ? null : Math.round(eventTime - random.skewed(2) * 20 * dayMs),
    embedding: embeddingOf(random, during("embeddings")),
    resultCount: resultCountOf(random, slow),
    gpuMemoryGib: gpuMemoryOf(random, eventTime, node, faults),
  };
}

function embeddingOf(random: Random, broken: boolean): Float32Array {
  const centre = broken ? 500 : 0.05;
  const values = Float32Array.from({ length: embeddingSize }, () => centre + random.normal());
  const [fate, at] = [random.unit(), Math.floor(random.unit() * embeddingSize)];
  if (broken && fate < 0.04) values[at] = fate < 0.005 ? Number.POSITIVE_INFINITY : Number.NaN;
  return values;
}

function resultCountOf(random: Random, broken: boolean): number {
  const count = 12 + Math.floor(random.unit() * 29);
  return random.unit() < (broken ? 0.9 : 0.004) ? 0 : count;
}

/** 24 ± 2 GiB; a leak adds up to 55 over its time, which fills a card of 80. */
function gpuMemoryOf(random: Random, time: number, node: number, faults: Faults | undefined): number {
  const usual = 24 + 2 * clamp(random.normal(), -3, 3);
  if (faults === undefined || node !== leakingNode) return usual;
  const [from, to] = faults.leak;
  return time >= from && time < to ? Math.min(usual + (55 * (time - from)) / (to - from), 79.9) : usual;
}

/** `882a-f0c1`: eight hexadecimal digits. */
function requestId(random: Random): string {
  const digits = random.word().toString(16).padStart(8, "0");
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

function micros(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
