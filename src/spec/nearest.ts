/**
 * Damerau–Levenshtein distance in its restricted form (optimal string alignment): insertions, deletions, substitutions
 * and swaps of neighbours, each 1. Case counts for a tenth, so that `eventtime` is closest to `eventTime`.
 */
export function editDistance(a: string, b: string): number {
  let [before, last] = [
    new Float64Array(b.length + 1),
    Float64Array.from({ length: b.length + 1 }, (_, i) => i),
  ];
  for (let i = 1; i <= a.length; i++) {
    const row = new Float64Array(b.length + 1);
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = substitution(a[i - 1] ?? "", b[j - 1] ?? "");
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(before, j - 2) + 1);
      row[j] = best;
    }
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

/** The candidate that a slip of the fingers turns into `word`: at most a third of its letters off; else `undefined`. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  let [best, distance] = [undefined as string | undefined, Number.POSITIVE_INFINITY];
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= distance) continue;
    const own = editDistance(word, candidate);
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3));
    if (own <= allowed && own < distance) [best, distance] = [candidate, own];
  }
  return best;
}

function substitution(a: string, b: string): number {
  if (a === b) return 0;
  return a.toLowerCase() === b.toLowerCase() ? 0.1 : 1;
}

/** Indices are in range by construction. */
function at(row: Float64Array, index: number): number {
  return row[index] as number;
}
