import type { RuleName } from "../check/rule.ts";
import { rules } from "../check/table.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { Example } from "../model/verdict.ts";
import { readCategories, writeCategories } from "../sketch/categories-wire.ts";
import { readCoMoments, writeCoMoments } from "../sketch/co-moments.ts";
import { readDistinct, writeDistinct } from "../sketch/distinct.ts";
import { readHistogram, writeHistogram } from "../sketch/histogram.ts";
import { readMoments, writeMoments } from "../sketch/moments.ts";
import { type Reader, seal, unseal, type Writer } from "../sketch/wire.ts";
import type { FieldBody, FieldProfile, PairProfile, RuleCount, WindowProfile } from "./profile.ts";

/**
 * The canonical bytes of a profile; `docs/profile-format.md` has the layout. Equal contents are equal bytes, whatever order
 * rows, rules, categories and registers came in.
 *
 * 1  the first
 * 2  a checksum at the end; dense registers of distinct counts in half bytes
 * 3  pairs of fields with their co-moments, after the fields
 */
export const profileVersion = 3;

export function encodeProfile(profile: WindowProfile): Uint8Array {
  return seal(profileVersion, (writer) => writeProfile(writer, profile));
}

const sealed = new WeakMap<WindowProfile, Uint8Array>();

/**
 * `encodeProfile` of a profile that nobody adds to any more: made once, and kept as long as the profile is. A closed window is
 * written to the log, and then into every checkpoint until it can no longer be revised.
 */
export function encodeClosed(profile: WindowProfile): Uint8Array {
  const known = sealed.get(profile);
  if (known !== undefined) return known;
  const bytes = encodeProfile(profile);
  sealed.set(profile, bytes);
  return bytes;
}

/** @throws Fault `sketch.corrupt`; `store.version` for a newer one */
export function decodeProfile(bytes: Uint8Array): WindowProfile {
  return unseal(bytes, "profile", profileVersion, readProfile);
}

export function encodeFieldProfile(field: FieldProfile): Uint8Array {
  return seal(profileVersion, (writer) => writeField(writer, field));
}

/** @throws Fault `sketch.corrupt`; `store.version` for a newer one */
export function decodeFieldProfile(bytes: Uint8Array): FieldProfile {
  return unseal(bytes, "field profile", profileVersion, readField);
}

export function writeProfile(writer: Writer, profile: WindowProfile): void {
  writer.text(profile.featureView);
  writer.text(profile.spec);
  writer.byte(profile.segment === null ? 0 : 1);
  if (profile.segment !== null) {
    writer.text(profile.segment.field);
    writer.text(profile.segment.value);
  }
  writer.float(profile.window.start);
  writer.float(profile.window.end);
  writer.count(profile.rows);
  writer.count(profile.late);
  writer.float(profile.firstEvent);
  writer.float(profile.lastEvent);
  writer.count(profile.fields.size);
  for (const [name, field] of profile.fields) {
    writer.text(name);
    writeField(writer, field);
  }
  const pairs = profile.pairs ?? [];
  writer.count(pairs.length);
  for (const { a, b, moments } of pairs) {
    writer.text(a);
    writer.text(b);
    writeCoMoments(writer, moments);
  }
}

export function readProfile(reader: Reader, version: number = profileVersion): WindowProfile {
  const [featureView, spec] = [reader.text(), reader.text()];
  const segment = readFlag(reader) ? { field: reader.text(), value: reader.text() } : null;
  const window = { start: reader.number(), end: reader.number() };
  if (!(window.start < window.end)) throw reader.corrupt(`window ${window.start} to ${window.end}`);
  const [rows, late] = [reader.count(), reader.count()];
  const [firstEvent, lastEvent] = [reader.number(), reader.number()];
  const fields = new Map<string, FieldProfile>();
  for (let left = reader.length(6); left > 0; left--) {
    const name = reader.text();
    if (fields.has(name)) throw reader.corrupt(`field ${name} again`);
    fields.set(name, readField(reader));
  }
  const profile = { featureView, spec, segment, window, rows, late, firstEvent, lastEvent, fields };
  const pairs = version < 3 ? [] : readPairs(reader);
  return pairs.length === 0 ? profile : { ...profile, pairs };
}

function readPairs(reader: Reader): readonly PairProfile[] {
  const pairs: PairProfile[] = [];
  for (let left = reader.length(43); left > 0; left--) {
    pairs.push({ a: reader.text(), b: reader.text(), moments: readCoMoments(reader) });
  }
  return pairs;
}

/** A type's place is its number on the wire: append only. */
const types: readonly FieldType[] = [
  "bool",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float32",
  "float64",
  "string",
  "timestamp",
  "embedding",
];

const kinds: Readonly<Partial<Record<FieldType, FieldBody["kind"]>>> = {
  bool: "bool",
  string: "string",
  embedding: "embedding",
};

function writeField(writer: Writer, field: FieldProfile): void {
  writer.byte(types.indexOf(field.type));
  writer.count(field.rows);
  writer.count(field.nulls);
  const names = [...field.rules.keys()].sort();
  writer.count(names.length);
  for (const name of names) {
    const { count, example } = field.rules.get(name) as RuleCount;
    writer.text(name);
    writer.count(count);
    writeExample(writer, example);
  }
  writeBody(writer, field.body);
}

function readField(reader: Reader): FieldProfile {
  const type = types[reader.byte()];
  if (type === undefined) throw reader.corrupt("a field type that is not known");
  const [rows, nulls] = [reader.count(), reader.count()];
  if (nulls > rows) throw reader.corrupt(`${nulls} nulls in ${rows} rows`);
  const counts = new Map<RuleName, RuleCount>();
  for (let left = reader.length(3); left > 0; left--) {
    const name = reader.text();
    if (!Object.hasOwn(rules, name) || counts.has(name as RuleName)) throw reader.corrupt(`rule ${name}`);
    counts.set(name as RuleName, { count: reader.count(), example: readExample(reader) });
  }
  return { type, rows, nulls, rules: counts, body: readBody(reader, kinds[type] ?? "numeric") };
}

function writeExample(writer: Writer, example: Example | undefined): void {
  const has = (value: unknown, bit: number): number => (value === undefined ? 0 : bit);
  writer.byte(
    has(example, 1) | has(example?.requestId, 2) | has(example?.position, 4) | has(example?.eventTime, 8),
  );
  if (example === undefined) return;
  writer.text(example.value);
  if (example.requestId !== undefined) writer.text(example.requestId);
  if (example.position !== undefined) writer.text(example.position);
  if (example.eventTime !== undefined) writer.float(example.eventTime);
}

function readExample(reader: Reader): Example | undefined {
  const flags = reader.byte();
  if (flags > 15 || (flags > 0 && flags % 2 === 0)) throw reader.corrupt(`example ${flags}`);
  if (flags === 0) return undefined;
  return {
    value: reader.text(),
    ...(flags & 2 ? { requestId: reader.text() } : {}),
    ...(flags & 4 ? { position: reader.text() } : {}),
    ...(flags & 8 ? { eventTime: reader.number() } : {}),
  };
}

function writeBody(writer: Writer, body: FieldBody): void {
  switch (body.kind) {
    case "bool":
      writer.count(body.trues);
      writer.count(body.falses);
      return;
    case "numeric":
      for (const count of [body.nan, body.positiveInfinity, body.negativeInfinity]) writer.count(count);
      writeMoments(writer, body.moments);
      writeHistogram(writer, body.histogram);
      writeDistinct(writer, body.distinct);
      return;
    case "string":
      writer.count(body.mappingHits);
      writer.count(body.mappingMisses);
      writeCategories(writer, body.categories);
      writeCategories(writer, body.unknowns);
      writeDistinct(writer, body.distinct);
      writer.float(body.minBytes);
      writer.float(body.maxBytes);
      return;
    case "embedding":
      for (const count of [
        body.nan,
        body.positiveInfinity,
        body.negativeInfinity,
        body.vectors,
        body.dimensions,
      ]) {
        writer.count(count);
      }
      for (const value of body.means) writer.float(value);
      for (const value of body.m2s) writer.float(value);
      writeMoments(writer, body.norms);
      return;
  }
}

function readBody(reader: Reader, kind: FieldBody["kind"]): FieldBody {
  switch (kind) {
    case "bool":
      return { kind, trues: reader.count(), falses: reader.count() };
    case "numeric": {
      const [nan, positiveInfinity, negativeInfinity] = [reader.count(), reader.count(), reader.count()];
      const [moments, histogram, distinct] = [
        readMoments(reader),
        readHistogram(reader),
        readDistinct(reader),
      ];
      // none at all where only what is counted was kept (`countsOf`)
      if (moments.count !== histogram.total && histogram.total > 0)
        throw reader.corrupt(`${histogram.total} of ${moments.count} values`);
      return { kind, nan, positiveInfinity, negativeInfinity, moments, histogram, distinct };
    }
    case "string":
      return {
        kind,
        mappingHits: reader.count(),
        mappingMisses: reader.count(),
        categories: readCategories(reader),
        unknowns: readCategories(reader),
        distinct: readDistinct(reader),
        minBytes: reader.number(),
        maxBytes: reader.number(),
      };
    case "embedding": {
      const [nan, positiveInfinity, negativeInfinity, vectors] = [
        reader.count(),
        reader.count(),
        reader.count(),
        reader.count(),
      ];
      const dimensions = reader.length(16);
      const numbers = (): Float64Array => Float64Array.from({ length: dimensions }, () => reader.float());
      const [means, m2s] = [numbers(), numbers()];
      const norms = readMoments(reader);
      return { kind, nan, positiveInfinity, negativeInfinity, vectors, dimensions, means, m2s, norms };
    }
  }
}

function readFlag(reader: Reader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw reader.corrupt(`flag ${flag}`);
  return flag === 1;
}
