import { RE2JS } from "re2js";
import { parseDuration } from "../model/time.ts";
import { checkStatistic } from "./chosen.ts";
import type { Finding } from "./explain.ts";
import { show } from "./explain.ts";
import { nearest } from "./nearest.ts";
import type { SpecField, SpecHead } from "./schema.ts";

export type Fields = ReadonlyMap<string, SpecField>;
type Type = SpecField["type"];

const text: ReadonlySet<Type> = new Set(["string", "category"]);
const integers: ReadonlySet<Type> = new Set([
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
]);
const numbers: ReadonlySet<Type> = new Set([...integers, "float32", "float64"]);

/** What holds an instant: strings as ISO 8601, numbers as epoch milliseconds. */
const instants: ReadonlySet<Type> = new Set(["timestamp", "int64", "uint64", "float64", "string"]);

/** Which types a key makes sense with; keys that are not here fit all. */
const fitting: Readonly<Partial<Record<keyof SpecField, ReadonlySet<Type>>>> = {
  mapping: text,
  pattern: text,
  range: numbers,
  max: numbers,
  limit: numbers,
  trend: numbers,
  derive: numbers,
  finite: new Set([...numbers, "embedding"]),
  maxEmptyRate: new Set([...numbers, ...text, "embedding"]),
  dimensions: new Set<Type>(["embedding"]),
};

/** Keys of a field that don't go together. */
export function checkFields(fields: Fields): Finding[] {
  return [...fields].flatMap(([name, field]) => [
    ...checkFit(name, field),
    ...checkBounds(name, field),
    ...checkPattern(name, field),
    ...checkMapping(name, field),
    ...checkDerive(name, field, fields),
    ...checkStatistic(name, field),
  ]);
}

/** Names that point at fields and segments. A segment or source column that is no field is a column of the data all the same. */
export function checkNames(head: SpecHead, fields: Fields): Finding[] {
  return [
    ...checkSegments(head, fields),
    ...checkSource(head, fields),
    ...checkCorrelations(head, fields),
    ...checkRevision(head),
    ...[...fields].flatMap(([name, field]) => checkTaints(name, field, head)),
  ];
}

/** Closed windows that are kept to be revised: each is as large as an open one. */
const revisableMax = 60;

function checkRevision({ window: { size, reviseWithin } }: SpecHead): Finding[] {
  const [sizeMs = 0, reviseMs = 0] = [parseDuration(size), parseDuration(reviseWithin ?? "0s")];
  if (reviseMs <= revisableMax * sizeMs) return [];
  const message = `${show(reviseWithin)} is more than ${revisableMax} windows of ${size}`;
  return [{ path: ["window", "reviseWithin"], code: "bad-value", message }];
}

function checkSegments({ segments }: SpecHead, fields: Fields): Finding[] {
  return segments.flatMap((name, index): Finding[] => {
    const path = ["segments", index];
    if (segments.indexOf(name) < index)
      return [{ path, code: "bad-value", message: `${show(name)} stands twice` }];
    if (name.includes(":")) {
      const message = `${show(name)} holds a colon`;
      return [{ path, code: "bad-value", message, hint: "a segment is written field:value" }];
    }
    const field = fields.get(name);
    if (field === undefined) return [];
    if (field.derive !== undefined)
      return [{ path, code: "reference", message: `${show(name)} is derived: a segment is a column` }];
    if (field.redact)
      return [
        { path, code: "reference", message: `${show(name)} is redacted: a segment's values are shown` },
      ];
    if (text.has(field.type) || integers.has(field.type) || field.type === "bool") return [];
    const message = `${show(name)} is of type ${field.type}`;
    return [{ path, code: "reference", message, hint: "a segment is a string, a bool or an integer" }];
  });
}

function checkCorrelations({ drift: { correlations = [] } }: SpecHead, fields: Fields): Finding[] {
  const seen = new Set<string>();
  return correlations.flatMap((pair, index): Finding[] => {
    const path = ["drift", "correlations", index];
    const key = pair.toSorted().join("\u0000");
    if (seen.has(key) || pair[0] === pair[1]) {
      const message = pair[0] === pair[1] ? `${show(pair[0])} with itself` : `${show(pair)} stands twice`;
      return [{ path, code: "bad-value", message }];
    }
    seen.add(key);
    return pair.flatMap((name, side): Finding[] => {
      const field = fields.get(name);
      if (field === undefined) {
        const like = nearest(name, [...fields.keys()]);
        const known = like === undefined ? {} : { hint: `did you mean ${JSON.stringify(like)}?` };
        return [{ path: [...path, side], code: "reference", message: `${show(name)} is no field`, ...known }];
      }
      if (field.derive === undefined && numbers.has(field.type)) return [];
      const what = field.derive === undefined ? `of type ${field.type}` : "derived";
      const hint = "correlations are of numeric columns";
      return [{ path: [...path, side], code: "reference", message: `${show(name)} is ${what}`, hint }];
    });
  });
}

function checkSource({ source: { eventTime, requestId } }: SpecHead, fields: Fields): Finding[] {
  const findings: Finding[] = [];
  const time = eventTime === undefined ? undefined : fields.get(eventTime);
  if (time !== undefined && !instants.has(time.type)) {
    findings.push({
      path: ["source", "eventTime"],
      code: "reference",
      message: `${show(eventTime)} is a field of type ${time.type}`,
      hint: "declare it as timestamp; int64, uint64 and float64 count milliseconds since 1970",
    });
  }
  const id = requestId === undefined ? undefined : fields.get(requestId);
  if (id?.redact === true) {
    const message = `${show(requestId)} is redacted: alerts name an offending request`;
    findings.push({ path: ["source", "requestId"], code: "reference", message });
  }
  if (id !== undefined && !text.has(id.type) && !integers.has(id.type)) {
    findings.push({
      path: ["source", "requestId"],
      code: "reference",
      message: `${show(requestId)} is a field of type ${id.type}`,
      hint: "a request id is a string or an integer",
    });
  }
  return findings;
}

function checkFit(name: string, field: SpecField): Finding[] {
  return Object.entries(fitting).flatMap(([key, types]): Finding[] => {
    const value = field[key as keyof SpecField];
    if (value === undefined || value === false || types.has(field.type)) return [];
    return [
      {
        path: ["fields", name, key],
        of: "key",
        code: "bad-value",
        message: `not for type ${field.type}`,
        hint: `${key} goes with ${[...types].join(", ")}`,
      },
    ];
  });
}

function checkBounds(name: string, { range, trend, limit }: SpecField): Finding[] {
  const findings: Finding[] = [];
  if (range !== undefined && range[0] > range[1]) {
    findings.push({
      path: ["fields", name, "range"],
      code: "bad-value",
      message: `${show(range)}: the lower end is above the upper`,
      hint: `did you mean ${show([range[1], range[0]])}?`,
    });
  }
  if (trend !== undefined && limit === undefined) {
    findings.push({
      path: ["fields", name, "trend"],
      of: "key",
      code: "reference",
      message: "no limit that the trend could reach",
      hint: "give the field a limit",
    });
  }
  return findings;
}

function checkPattern(name: string, { pattern }: SpecField): Finding[] {
  if (pattern === undefined) return [];
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    return [
      {
        path: ["fields", name, "pattern"],
        code: "bad-value",
        message: `${show(pattern)} does not compile: ${error instanceof Error ? error.message : String(error)}`,
        hint: "RE2 syntax: no lookaround, no backreferences",
      },
    ];
  }
}

function checkMapping(name: string, { mapping }: SpecField): Finding[] {
  if (mapping === undefined) return [];
  const path = ["fields", name, "mapping"];
  if (mapping.values !== undefined && mapping.file !== undefined)
    return [
      { path, of: "key", code: "bad-value", message: "both values and file", hint: "keep one of the two" },
    ];
  if (mapping.values === undefined && mapping.file === undefined)
    return [{ path, of: "key", code: "missing-key", message: 'no "values" and no "file"' }];
  return [];
}

function checkTaints(name: string, { taints, max }: SpecField, { segments }: SpecHead): Finding[] {
  if (taints === undefined) return [];
  const path = ["fields", name, "taints"];
  if (!segments.includes(taints)) {
    const like = nearest(taints, segments);
    const message = `${show(taints)} is no segment`;
    const hint = like === undefined ? "list it under segments" : `did you mean ${JSON.stringify(like)}?`;
    return [{ path, code: "reference", message, hint }];
  }
  if (max === undefined)
    return [
      {
        path,
        of: "key",
        code: "reference",
        message: "no max that could be passed",
        hint: "give the field a max",
      },
    ];
  return [];
}

function checkDerive(name: string, { derive }: SpecField, fields: Fields): Finding[] {
  if (derive === undefined) return [];
  const findings: Finding[] = [];
  for (const end of ["from", "to"] as const) {
    const path = ["fields", name, "derive", end];
    const column = derive[end];
    const field = fields.get(column);
    if (column === name)
      findings.push({ path, code: "reference", message: `${show(column)} is the field itself` });
    else if (field !== undefined && (field.type !== "timestamp" || field.derive !== undefined)) {
      const message = `${show(column)} is a field of type ${field.type}`;
      findings.push({ path, code: "reference", message, hint: "a time is derived from two timestamps" });
    }
  }
  if (derive.from === derive.to) {
    findings.push({
      path: ["fields", name, "derive", "to"],
      code: "bad-value",
      message: `${show(derive.to)} is from as well: the difference is always 0`,
    });
  }
  return findings;
}
