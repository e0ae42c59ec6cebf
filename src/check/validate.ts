import type { Batch } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";

/** One broken rule of one cell. */
export interface RowError {
  /** From 0. */
  readonly row: number;
  readonly field: string;
  /** The rule's name: `missing`, `type`, `null`, `default`, `range`… Stable. */
  readonly code: string;
  /** One sentence for people, with the value: `"United States" is not in the mapping of user_location`. */
  readonly detail: string;
  /** What the spec asks for: `one of 40 values`, `0 to 86400`. */
  readonly expected: string;
  /** The offending value, at most 80 characters. */
  readonly value: string;
}

/** Row by row, as the HTTP gate needs it. Errors in order of rows, then of the spec's fields. */
export function validateBatch(
  _view: FeatureView,
  _batch: Batch,
  _options: { readonly maxErrors: number },
): { readonly rejectedRows: number; readonly errors: readonly RowError[] } {
  return { rejectedRows: 0, errors: [] };
}
