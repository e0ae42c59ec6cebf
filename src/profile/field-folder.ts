import type { ListRule, NumberRule, Rule, TextRule } from "../check/rule.ts";
import { rules as allRules } from "../check/table.ts";
import { fits } from "../check/type.ts";
import { redacted } from "../check/validate.ts";
import type { Column } from "../model/batch.ts";
import type { FieldSpec } from "../model/feature-view.ts";
import { kernel } from "../sketch/kernel.ts";
import { foldVectors, loadVectors } from "./fold-embedding.ts";
import { foldNumbers, type Numbers } from "./fold-numbers.ts";
import { foldStrings } from "./fold-text.ts";
import { loadStrings } from "./load-text.ts";
import { holdsInstants, loadNumbers } from "./numbers.ts";
import type { FieldProfile } from "./profile.ts";
import {
  countPresent,
  countRows,
  countRule,
  type Group,
  misfits,
  presence,
  showCell,
  type Tile,
  tileRows,
} from "./tile.ts";

/** Folds one field of a tile into the profiles of the tile's groups. Compiled once a field. */
export type FieldFolder = (tile: Tile) => void;

interface Compiled {
  readonly field: FieldSpec;
  readonly notNull: boolean;
  readonly numbers: readonly NumberRule[];
  readonly texts: readonly TextRule[];
  readonly lists: readonly ListRule[];
}

export function createFieldFolder(field: FieldSpec): FieldFolder {
  const rules: readonly Rule[] = Object.values(allRules).flatMap((compile) => compile(field) ?? []);
  const compiled: Compiled = {
    field,
    notNull: rules.some(({ kind, name }) => kind === "cell" && name === "null"),
    numbers: rules.filter((rule) => rule.kind === "number"),
    texts: rules.filter((rule) => rule.kind === "text"),
    lists: rules.filter((rule) => rule.kind === "list"),
  };
  const { derive } = field;
  const folder: FieldFolder =
    derive === undefined
      ? (tile) => foldColumn(tile, compiled, tile.batch.columns.get(field.name))
      : (tile) => foldDerived(tile, compiled, derive.from, derive.to);
  if (field.redact !== true) return folder;
  return (tile) => {
    folder(tile);
    for (const { profile } of tile.groups) redactExamples(profile.fields.get(field.name));
  };
}

function redactExamples(profile: FieldProfile | undefined): void {
  for (const rule of profile?.rules.values() ?? []) {
    if (rule.example !== undefined) rule.example = { ...rule.example, value: redacted };
  }
}

function profileOf(group: Group, { field }: Compiled): FieldProfile {
  const profile = group.profile.fields.get(field.name);
  if (profile === undefined) throw new TypeError(`a window profile without ${field.name}`);
  profile.rows += group.to - group.from;
  return profile;
}

function foldColumn(tile: Tile, compiled: Compiled, column: Column | undefined): void {
  if (column === undefined) {
    foldMissing(tile, compiled);
    return;
  }
  if (!fits(compiled.field.type, column)) {
    foldWrongType(tile, compiled, column);
    return;
  }
  const mask = presence(column, tile.from, tile.size);
  const strangers = misfits(column, tile.from, tile.size);
  const fold = bodyFolder(tile, compiled, column, mask);
  for (const group of tile.groups) {
    const profile = profileOf(group, compiled);
    const size = group.to - group.from;
    const odd = strangers === undefined ? 0 : countRows(strangers, group);
    if (odd > 0 && strangers !== undefined && column.misfits !== undefined) {
      const { example, found } = column.misfits;
      countRule(
        tile,
        group,
        profile,
        "type",
        odd,
        (row) => strangers[row] === 1,
        () => `${example} (${found})`,
      );
    }
    const present = mask === undefined ? size : countPresent(group);
    foldNulls(
      tile,
      group,
      compiled,
      profile,
      size - present - odd,
      (row) => mask !== undefined && mask[row] === 0 && (strangers === undefined || strangers[row] === 0),
    );
    if (present > 0) fold(group, profile);
  }
}

function foldMissing(tile: Tile, compiled: Compiled): void {
  for (const group of tile.groups) {
    const profile = profileOf(group, compiled);
    countRule(
      tile,
      group,
      profile,
      "missing",
      group.to - group.from,
      () => true,
      () => "no such column",
    );
  }
}

function foldWrongType(tile: Tile, compiled: Compiled, column: Column): void {
  const mask = presence(column, tile.from, tile.size);
  const show = (row: number): string => `${showCell(column, tile.from + row)} (${column.declared})`;
  for (const group of tile.groups) {
    const profile = profileOf(group, compiled);
    const size = group.to - group.from;
    const present = mask === undefined ? size : countPresent(group);
    foldNulls(tile, group, compiled, profile, size - present, (row) => mask !== undefined && mask[row] === 0);
    countRule(tile, group, profile, "type", present, (row) => mask === undefined || mask[row] === 1, show);
  }
}

function foldNulls(
  tile: Tile,
  group: Group,
  { notNull }: Compiled,
  profile: FieldProfile,
  nulls: number,
  isNull: (row: number) => boolean,
): void {
  if (nulls === 0) return;
  profile.nulls += nulls;
  if (notNull) countRule(tile, group, profile, "null", nulls, isNull, () => "null");
}

/** Loads the tile's cells once; what comes back adds them group by group. */
function bodyFolder(
  tile: Tile,
  compiled: Compiled,
  column: Column,
  mask: Uint8Array | undefined,
): (group: Group, profile: FieldProfile) => void {
  const { field } = compiled;
  const { from, size } = tile;
  switch (field.type) {
    case "string": {
      const strings =
        column.kind === "utf8" || column.kind === "dictionary"
          ? loadStrings(column, from, size, mask, field.redact === true)
          : undefined;
      if (strings === undefined) return () => undefined; // a null column
      return (group, profile) => {
        if (profile.body.kind === "string")
          foldStrings(tile, group, profile, profile.body, compiled.texts, strings);
      };
    }
    case "bool":
      loadNumbers(column, from, size, kernel.values);
      return (group, profile) => {
        if (profile.body.kind === "bool") foldBools(group, profile.body, mask);
      };
    case "embedding": {
      if (column.kind !== "list") return () => undefined; // a null column
      const vectors = loadVectors(column, from, size, mask);
      return (group, profile) => {
        if (profile.body.kind === "embedding") {
          foldVectors(tile, group, profile, profile.body, compiled.lists, field.finite, vectors);
        }
      };
    }
    default: {
      loadNumbers(column, from, size, kernel.values);
      const show = (row: number): string => showCell(column, from + row);
      return numberFolder(tile, compiled, { mask, integers: column.kind === "int64", show });
    }
  }
}

function numberFolder(
  tile: Tile,
  { numbers: rules }: Compiled,
  numbers: Numbers,
): (group: Group, profile: FieldProfile) => void {
  return (group, profile) => {
    if (profile.body.kind === "numeric") foldNumbers(tile, group, profile, profile.body, rules, numbers);
  };
}

function foldBools(
  { rows, from, to }: Group,
  body: { trues: number; falses: number },
  mask: Uint8Array | undefined,
): void {
  const { values } = kernel;
  let [trues, present] = [0, 0];
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    present += 1;
    trues += values[row] as number;
  }
  body.trues += trues;
  body.falses += present - trues;
}

const minuend = new Float64Array(tileRows);

/** `to − from` in milliseconds; null where either is. A source column that is absent, or no instant, makes the field so. */
function foldDerived(tile: Tile, compiled: Compiled, fromName: string, toName: string): void {
  const [start, end] = [tile.batch.columns.get(fromName), tile.batch.columns.get(toName)];
  if (start === undefined || end === undefined) {
    foldMissing(tile, compiled);
    return;
  }
  const odd = [start, end].find((column) => !holdsInstants(column));
  if (odd !== undefined) {
    foldWrongType(tile, compiled, odd);
    return;
  }
  const { from, size } = tile;
  const { mask: both, values } = kernel;
  const [started, ended] = [presence(start, from, size)?.slice(0, size), presence(end, from, size)];
  if (ended === undefined) both.fill(1, 0, size);
  if (started !== undefined)
    for (let row = 0; row < size; row++) both[row] = (both[row] as number) & (started[row] as number);
  loadNumbers(end, from, size, minuend);
  loadNumbers(start, from, size, values);
  for (let row = 0; row < size; row++) values[row] = (minuend[row] as number) - (values[row] as number);
  const fold = numberFolder(tile, compiled, {
    mask: both,
    integers: false,
    show: (row) => String(values[row] as number),
  });
  for (const group of tile.groups) {
    const profile = profileOf(group, compiled);
    const present = countPresent(group);
    foldNulls(tile, group, compiled, profile, group.to - group.from - present, (row) => both[row] === 0);
    if (present > 0) fold(group, profile);
  }
}
