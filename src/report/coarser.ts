import { mergeMoments } from "../sketch/moments.ts";
import { joinCells, worseOf } from "./cells.ts";
import { addShares, type FieldFindings, type Series } from "./field-findings.ts";
import type { Findings } from "./findings.ts";

/** What an entry of a series takes as JSON: a shift with its status, a share, figures of lengths, a count. */
const entryBytes = { statistic: 24, share: 20, norms: 90, count: 8 };

/**
 * Findings whose series fit into so many bytes of JSON: neighbouring cells become one, as often as is needed, by the
 * joins of the timeline itself (the worst status, the largest shift).
 */
export function coarserFindings(findings: Findings, bytesMax: number): Findings {
  const all = [findings.stream, ...findings.fields.values()];
  const bytesAtOnce = all.reduce((sum, field) => sum + bytesOf(field), 0);
  let [perCell, cells] = [1, findings.cells.length];
  while (cells > 1 && cells * bytesAtOnce > bytesMax) {
    perCell *= 2;
    cells = Math.ceil(findings.cells.length / perCell);
  }
  if (perCell === 1) return findings;
  const join = <T>(series: Series<T>, joinTwo: (a: T, b: T) => T): Series<T> =>
    grouped(series, perCell).map((group) => {
      const told = group.filter((value) => value !== undefined) as T[];
      return told.length === 0 ? undefined : told.reduce(joinTwo);
    });
  const coarse = (field: FieldFindings): FieldFindings => ({
    ...field,
    statuses: join(field.statuses, worseOf),
    shifts: join(field.shifts, (a, b) => Math.max(a, b)),
    statistics: field.statistics.map((each) => ({
      ...each,
      shifts: join(each.shifts, (a, b) => Math.max(a, b)),
      statuses: join(each.statuses, worseOf),
    })),
    defaults: field.defaults && join(field.defaults, addShares),
    norms: field.norms && join(field.norms, mergeMoments),
    nonFinite: field.nonFinite && join(field.nonFinite, (a, b) => a + b),
  });
  return {
    ...findings,
    cells: grouped(findings.cells, perCell).map((group) => group.reduce(joinCells)),
    fields: new Map([...findings.fields].map(([name, field]) => [name, coarse(field)])),
    stream: coarse(findings.stream),
  };
}

function bytesOf({ statistics, defaults, norms, nonFinite }: FieldFindings): number {
  return (
    statistics.length * entryBytes.statistic +
    (defaults === undefined ? 0 : entryBytes.share) +
    (norms === undefined ? 0 : entryBytes.norms) +
    (nonFinite === undefined ? 0 : entryBytes.count)
  );
}

function grouped<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
