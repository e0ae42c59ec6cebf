import type { Baseline } from "../judge/baseline.ts";
import { diffBaselines, type Moved } from "../judge/baseline-diff.ts";
import { typicalOf } from "./baseline-show.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { number, printable } from "./paint.ts";

/** Statistics of a field that moved less than this are not worth a word. */
const wordMin = 0.1;
const othersShown = 4;

interface DiffLine {
  /** null: the stream itself, and pairs of fields. */
  readonly field: string | null;
  readonly before: string;
  readonly after: string;
  /** Of the statistic that moved most; null when a field is only in one of them, or of another type. */
  readonly movedSd: number | null;
  /** The farthest first. */
  readonly statistics: readonly Omit<Moved, "field">[];
}

/** What moved between two baselines, the field that moved most first; a field that only one of them has before all others. */
export function showDiff(a: Baseline, b: Baseline, json: boolean, io: Io): void {
  const lines = linesOf(a, b);
  if (json) {
    io.stdout(formatJson(lines));
    return;
  }
  const rows = lines.map(({ field, before, after, movedSd, statistics: [first, ...others] }) => [
    printable(field ?? first?.summary ?? ""),
    before,
    after,
    movedSd === null ? "" : `${number(movedSd)} SD`,
    first?.statistic ?? "",
    others
      .filter(({ shift }) => shift >= wordMin)
      .slice(0, othersShown)
      .map(({ statistic, shift }) => `${statistic} ${number(shift)}`)
      .join(", "),
  ]);
  const header = ["field", "before", "after", "moved", "by", "and"];
  io.stdout(`${formatTable([header, ...rows], [3])}\n`);
}

function linesOf(a: Baseline, b: Baseline): readonly DiffLine[] {
  const moved = diffBaselines(a, b);
  const names = [...new Set([...a.fields.keys(), ...b.fields.keys()])];
  const fields = names.map((field): DiffLine => {
    const [before, after] = [a.fields.get(field)?.profile, b.fields.get(field)?.profile];
    const statistics = moved.filter((each) => each.field === field).map(withoutField);
    return {
      field,
      before: before === undefined ? "absent" : typicalOf(before),
      after: after === undefined ? "absent" : typicalOf(after),
      movedSd: statistics[0]?.shift ?? null,
      statistics,
    };
  });
  const others = moved
    .filter(({ field }) => field === null)
    .map(
      (each): DiffLine => ({
        field: null,
        before: "",
        after: "",
        movedSd: each.shift,
        statistics: [withoutField(each)],
      }),
    );
  const far = ({ movedSd }: DiffLine): number => movedSd ?? Number.POSITIVE_INFINITY;
  return [...fields, ...others].sort((x, y) => (far(x) === far(y) ? 0 : far(y) - far(x)));
}

function withoutField({ field: _field, ...moved }: Moved): Omit<Moved, "field"> {
  return moved;
}
