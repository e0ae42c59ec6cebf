import type { FeatureView, FieldSpec, FieldType, MappingRule } from "../model/feature-view.ts";
import { parseDuration } from "../model/time.ts";
import { isIssues, readYaml, type YamlFile } from "./document.ts";
import { explain, type Finding, placeFinding, show, valueAt } from "./explain.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { SpecError } from "./issue.ts";
import { MappingProblem, readMapping } from "./mapping-file.ts";
import { checkFields, checkNames, type Fields } from "./references.ts";
import {
  fieldCountMax,
  fieldNameSchema,
  fieldSchema,
  headSchema,
  mappingValuesMax,
  type SpecField,
  type SpecHead,
} from "./schema.ts";

export interface ParseOptions {
  /** As messages name it; mapping files are looked for beside it. */
  readonly file: string;
  /** Reads a mapping file; throws when it cannot. */
  readonly readText: (path: string) => string;
}

/**
 * Reads a spec. Every default is filled in and every mapping file read; nullable is true, window 1m with a lateness of 30s
 * and 50 rows, sigma 2, unless the spec says otherwise.
 * @throws SpecError with everything that is wrong, in the order of the file
 */
export function parseSpec(text: string, options: ParseOptions): FeatureView {
  const yaml = readYaml(text, options.file, "spec");
  if (isIssues(yaml)) throw new SpecError(yaml);
  const findings: Finding[] = [];
  const head = readHead(yaml, findings);
  const fields = readFields(yaml, findings);
  findings.push(...checkFields(fields));
  if (head !== undefined) findings.push(...checkNames(head, fields));
  const mappings = readMappings(fields, options, findings);
  if (head === undefined || findings.length > 0) {
    const issues = findings.map((finding) => placeFinding(yaml, "spec", finding));
    throw new SpecError(issues.sort((a, b) => a.line - b.line || a.column - b.column));
  }
  return toView(head, fields, mappings);
}

function readHead(yaml: YamlFile, findings: Finding[]): SpecHead | undefined {
  const result = headSchema.safeParse(yaml.value);
  if (result.success) return result.data;
  findings.push(...explain(headSchema, yaml.value, result.error));
  return undefined;
}

/** The fields that are right in themselves. */
function readFields(yaml: YamlFile, findings: Finding[]): Fields {
  const fields = new Map<string, SpecField>();
  const path = ["fields"];
  const value = valueAt(yaml.value, path);
  if (typeof yaml.value !== "object" || yaml.value === null || Array.isArray(yaml.value)) return fields;
  const names = yaml.keys(path);
  if (value === undefined)
    findings.push({ path: [], of: "key", code: "missing-key", message: 'no "fields"' });
  else if (typeof value !== "object" || value === null || Array.isArray(value))
    findings.push({ path, code: "wrong-type", message: `${show(value)} is not a map of keys` });
  else if (names.length === 0) findings.push({ path, of: "key", code: "bad-value", message: "no field" });
  else if (names.length > fieldCountMax) {
    const message = `${names.length} fields, the most is ${fieldCountMax}`;
    findings.push({ path, of: "key", code: "bad-value", message });
  } else for (const name of names) readField(name, valueAt(value, [name]), fields, findings);
  return fields;
}

function readField(name: string, declared: unknown, into: Map<string, SpecField>, findings: Finding[]): void {
  const path = ["fields", name];
  if (!fieldNameSchema.safeParse(name).success)
    findings.push({ path, of: "key", code: "bad-value", message: `${show(name)} is no column name` });
  const result = fieldSchema.safeParse(declared);
  if (result.success) into.set(name, result.data);
  else findings.push(...explain(fieldSchema, declared, result.error, path));
}

/** The values of every mapping; a file that cannot be read is a finding. */
function readMappings(
  fields: Fields,
  { file, readText }: ParseOptions,
  findings: Finding[],
): ReadonlyMap<string, MappingRule> {
  const rules = new Map<string, MappingRule>();
  for (const [name, { mapping }] of fields) {
    if (mapping === undefined) continue;
    const { maxDefaultRate } = mapping;
    if (mapping.values !== undefined)
      rules.set(name, { values: [...new Set(mapping.values)], maxDefaultRate });
    else if (mapping.file !== undefined) {
      const path = besides(file, mapping.file);
      try {
        rules.set(name, {
          values: readMapping(readText(path), path, name, mappingValuesMax),
          maxDefaultRate,
        });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const message = error instanceof MappingProblem ? `${path} ${reason}` : reason;
        findings.push({ path: ["fields", name, "mapping", "file"], code: "mapping-file", message });
      }
    }
  }
  return rules;
}

/** A path that a file names, seen from where the file is seen. */
function besides(file: string, path: string): string {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return path;
  const folder = /^.*[/\\]/.exec(file)?.[0] ?? "";
  return `${folder}${path}`;
}

function toView(head: SpecHead, fields: Fields, mappings: ReadonlyMap<string, MappingRule>): FeatureView {
  const { source, window, drift, breaker } = head;
  const view: Omit<FeatureView, "fingerprint"> = {
    name: head.name,
    version: head.version,
    owner: head.owner,
    models: head.models.map(({ name, version, gitSha, weights, fingerprint }) => ({
      name,
      version,
      gitSha,
      weights,
      fingerprint,
    })),
    source: {
      topic: source.topic,
      format: source.format,
      ...timeAndId(source),
    },
    window: {
      sizeMs: milliseconds(window.size),
      latenessMs: milliseconds(window.lateness),
      ...reviseMsOf(window.reviseWithin),
      minRows: window.minRows,
    },
    segments: head.segments,
    fields: [...fields].map(([name, field]) => toField(name, field, mappings.get(name), drift)),
    drift,
    breaker: { ...breaker, minRows: breaker.minRows ?? window.minRows },
    validate: head.validate,
  };
  return { ...view, fingerprint: fingerprintOf(view) };
}

/** A time of nothing is as if it were not there: the fingerprint is the same. */
function reviseMsOf(reviseWithin = "0s"): { readonly reviseMs?: number } {
  const reviseMs = milliseconds(reviseWithin);
  return reviseMs === 0 ? {} : { reviseMs };
}

/** What Feast's feature logs call them, unless the spec says otherwise. */
function timeAndId({ format, eventTime, requestId }: SpecHead["source"]): {
  readonly eventTime: string | undefined;
  readonly requestId: string | undefined;
} {
  const feast = format === "feast";
  return {
    eventTime: eventTime ?? (feast ? "__log_timestamp" : undefined),
    requestId: requestId ?? (feast ? "__request_id" : undefined),
  };
}

function toField(
  name: string,
  field: SpecField,
  mapping: MappingRule | undefined,
  drift: SpecHead["drift"],
): FieldSpec {
  return {
    name,
    type: typeOf(field.type),
    nullable: field.nullable,
    mapping,
    pattern: field.pattern,
    range: field.range,
    finite: field.finite,
    max: field.max,
    taints: field.taints,
    limit: field.limit,
    trendWarnBeforeMs: field.trend === undefined ? undefined : milliseconds(field.trend.warnBefore),
    maxEmptyRate: field.maxEmptyRate,
    dimensions: field.dimensions,
    redact: field.redact,
    derive: field.derive,
    drift: {
      sigma: field.drift?.sigma ?? drift.sigma,
      falseAlarmsPerMonth: field.drift?.falseAlarmsPerMonth ?? drift.falseAlarmsPerMonth,
      seasonality: field.drift?.seasonality ?? drift.seasonality,
      ...chosenOf(field),
      direction: field.drift?.direction,
      ignoreBelow: field.drift?.ignoreBelow,
      floor: field.drift?.floor,
      minRows: field.drift?.minRows,
    },
  };
}

function chosenOf({ drift }: SpecField): Pick<FieldSpec["drift"], "statistic"> {
  if (drift?.statistic === undefined) return {};
  return { statistic: { name: drift.statistic, threshold: drift.threshold, pValue: drift.pValue } };
}

function typeOf(type: SpecField["type"]): FieldType {
  return type === "category" ? "string" : type;
}

/** Checked by the schema. */
function milliseconds(duration: string): number {
  return parseDuration(duration) ?? 0;
}
