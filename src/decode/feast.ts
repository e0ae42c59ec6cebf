import type { Batch } from "../model/batch.ts";
import type { Limits } from "../model/limits.ts";
import { type Hints, inferTypes, parseRows, rowsToBatch } from "./json.ts";

/** Columns that every log of served features has. @see https://docs.feast.dev/reference/feature-servers */
export const feastLogTimestamp = "__log_timestamp";
export const feastRequestId = "__request_id";

/** Between a feature view's name and the feature's: `reco_user__user_location`. */
const separator = "__";

/** Whether the rows are a log of features that Feast served. */
export function isFeastLog({ columns }: Batch): boolean {
  return columns.has(feastLogTimestamp) && columns.has(feastRequestId);
}

/**
 * Feast's feature logs call a feature `view__feature`, with its own `…__timestamp` and `…__status` beside it. The fields of a spec
 * may be called so too, or by the feature's name alone: a name that no column has gets the one column that ends in it.
 */
export function withFeatureNames(batch: Batch, hints: Hints): Batch {
  if (hints === undefined) return batch;
  const names = featureColumns([...batch.columns.keys()], hints);
  if (names.size === 0) return batch;
  const columns = new Map(batch.columns);
  for (const [name, column] of names) {
    const own = batch.columns.get(column);
    if (own !== undefined) columns.set(name, own);
  }
  return { rows: batch.rows, columns };
}

/** JSON rows of a feature log, each column read by the type of the field that it stands for. @throws DecodeError */
export function decodeFeastJson(bytes: Uint8Array, hints: Hints, limits: Limits): Batch {
  const rows = parseRows(bytes, undefined, limits);
  const types = inferTypes(rows, limits);
  for (const name of types.keys()) {
    const type = hints?.get(name);
    if (type !== undefined) types.set(name, type);
  }
  for (const [name, column] of featureColumns([...types.keys()], hints ?? new Map())) {
    const type = hints?.get(name);
    if (type !== undefined) types.set(column, type);
  }
  return rowsToBatch(rows, types, limits);
}

/** Field name → the only column that ends in it, for fields that are no columns themselves. */
function featureColumns(columns: readonly string[], hints: NonNullable<Hints>): ReadonlyMap<string, string> {
  const own = new Set(columns);
  const found = new Map<string, string | undefined>();
  for (const column of columns) {
    for (let at = column.indexOf(separator, 1); at > 0; at = column.indexOf(separator, at + 1)) {
      const name = column.slice(at + separator.length);
      if (hints.has(name) && !own.has(name)) found.set(name, found.has(name) ? undefined : column);
    }
  }
  const names = new Map<string, string>();
  for (const [name, column] of found) if (column !== undefined) names.set(name, column);
  return names;
}
