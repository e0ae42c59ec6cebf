import type { StatisticHistory } from "./baseline.ts";
import { rounded } from "./history.ts";
import { type Track, toleranceOf } from "./track.ts";

/** What is added to what a period observed, for it to be measured against the merged profile; undefined: nobody can say. */
export type Offset = number | undefined;

interface Spread {
  readonly windows: number;
  readonly mean?: number;
  readonly sd?: number;
}

/** Mean and SD of all windows together: within the parts, and between them. */
export function pooled(parts: readonly Spread[]): { readonly mean: number; readonly sd: number } {
  const windows = parts.reduce((sum, part) => sum + part.windows, 0);
  const mean = parts.reduce((sum, part) => sum + part.windows * (part.mean ?? 0), 0) / windows;
  const squares = parts.reduce(
    (sum, part) =>
      sum + (part.windows - 1) * (part.sd ?? 0) ** 2 + part.windows * ((part.mean ?? 0) - mean) ** 2,
    0,
  );
  return { mean: rounded(mean), sd: rounded(Math.sqrt(squares / Math.max(1, windows - 1))) };
}

/** One history of several periods' windows; a period without one, or without an offset, is left out. */
export function joinHistories(
  parts: readonly (StatisticHistory | undefined)[],
  offsets: readonly Offset[],
): StatisticHistory | undefined {
  const moved = parts.flatMap((part, i) => {
    const offset = offsets[i];
    if (part === undefined || offset === undefined) return [];
    const error = part.zSd > 0 ? part.sd / part.zSd : 0;
    return [
      {
        ...part,
        mean: part.mean + offset,
        low: part.low + offset,
        high: part.high + offset,
        zMean: part.zMean + (error > 0 ? offset / error : 0),
      },
    ];
  });
  if (moved.length === 0) return undefined;
  const z = pooled(moved.map(({ windows, zMean, zSd }) => ({ windows, mean: zMean, sd: zSd })));
  return {
    ...pooled(moved),
    windows: moved.reduce((sum, { windows }) => sum + windows, 0),
    low: rounded(Math.min(...moved.map(({ low }) => low))),
    high: rounded(Math.max(...moved.map(({ high }) => high))),
    zMean: z.mean,
    zSd: z.sd,
  };
}

/**
 * One track of several periods: level and spread of all of them, season, memory and trend of the longest, because the windows
 * that they were fitted to are not kept.
 * @returns undefined when a period has none, or lies on a level that the warning layer would take for a change
 */
export function joinTracks(
  parts: readonly (Track | undefined)[],
  offsets: readonly Offset[],
): Track | undefined {
  const moved: Track[] = [];
  for (const [i, part] of parts.entries()) {
    const offset = offsets[i];
    if (part === undefined || offset === undefined) return undefined;
    moved.push({ ...part, mean: part.mean + offset });
  }
  const [longest] = moved.toSorted((a, b) => b.windows - a.windows);
  if (longest === undefined) return undefined;
  const windows = moved.reduce((sum, part) => sum + part.windows, 0);
  const { mean } = pooled(moved);
  const over = (of: (part: Track) => number): number =>
    Math.sqrt(moved.reduce((sum, part) => sum + part.windows * of(part) ** 2, 0) / windows);
  const within = over(({ sd }) => sd);
  const { season, trend, memory } = longest;
  const slack = toleranceOf({ ...longest, windows }) * within;
  if (trend === undefined && moved.some((part) => Math.abs(part.mean - mean) > slack + 1e-12))
    return undefined;
  return {
    windows,
    mean,
    error: rounded(over(({ error }) => error)),
    sd: rounded(within),
    innovation: rounded(over(({ innovation }) => innovation)),
    memory,
    heavy: moved.some(({ heavy }) => heavy),
    ...(season === undefined ? {} : { season }),
    ...(trend === undefined ? {} : { trend }),
    ...joinCounts(moved),
  };
}

function joinCounts(parts: readonly Track[]): Pick<Track, "counts"> {
  const counts = parts.flatMap((part) => part.counts ?? []);
  if (counts.length < parts.length) return {};
  return {
    counts: {
      hits: counts.reduce((sum, { hits }) => sum + hits, 0),
      rows: counts.reduce((sum, { rows }) => sum + rows, 0),
      dispersion: Math.max(...counts.map(({ dispersion }) => dispersion)),
    },
  };
}
