import { redacted } from "../check/validate.ts";
import { type Batch, cellOf } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";

/** Fields whose values the spec wants nobody to see. */
export function hiddenFields({ fields }: FeatureView): ReadonlySet<string> {
  return new Set(fields.filter(({ redact }) => redact === true).map(({ name }) => name));
}

/** A row as JSON, without what is hidden. NaN and infinities as text, as our JSON rows have them. */
export function recordOf(batch: Batch, row: number, hidden: ReadonlySet<string>): Record<string, unknown> {
  const cells = [...batch.columns].map(([name, column]) => {
    if (hidden.has(name)) return [name, redacted] as const;
    const cell = cellOf(column, row);
    return [name, typeof cell === "object" && cell !== null ? cell.map(jsonCell) : jsonCell(cell)] as const;
  });
  return Object.fromEntries(cells);
}

function jsonCell<T>(cell: T): T | string {
  return typeof cell === "number" && !Number.isFinite(cell) ? String(cell) : cell;
}
