import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { createDraft, type Draft, fieldOf, type Loss, lose, lossLines } from "./foreign-draft.ts";
import { boundsOf, fieldLosses, viewLosses } from "./foreign-export.ts";
import type { ForeignFormat, Written } from "./foreign-format.ts";
import {
  isSaid,
  listOf,
  mapOf,
  notOfFormat,
  numberOf,
  type PlainMap,
  readSource,
  textOf,
} from "./foreign-source.ts";
import { typeNamed } from "./foreign-types.ts";

/** An expectation suite as 0.x (`expectation_type`) and 1.x (`type`) save it. */
export const greatExpectations: ForeignFormat = {
  name: "great-expectations",
  title: "Great Expectations suite",
  recognises: (value) => listOf(mapOf(value)?.["expectations"]) !== undefined,
  read(text, file) {
    const source = readSource(text, file);
    const suite = mapOf(source.value);
    const expectations = listOf(suite?.["expectations"]);
    if (suite === undefined || expectations === undefined)
      throw notOfFormat(
        file,
        1,
        'no list "expectations": not a Great Expectations suite',
        listOf(suite?.["results"]) === undefined
          ? undefined
          : "this is what a validation found; the suite lies under expectations/, or suite.to_json_dict() is it",
      );
    const draft = createDraft(textOf(suite["name"]) ?? textOf(suite["expectation_suite_name"]));
    for (const key of ["suite_parameters", "evaluation_parameters"])
      if (isSaid(suite[key]))
        lose(draft, null, key, "values that a spec does not fill in", source.line([key]));
    for (const [index, entry] of expectations.entries()) {
      const line = source.line(["expectations", index]);
      const expectation = mapOf(entry);
      const rule = textOf(expectation?.["type"]) ?? textOf(expectation?.["expectation_type"]);
      if (rule === undefined)
        throw notOfFormat(file, line, `expectations[${index}] has neither "type" nor "expectation_type"`);
      const severity = textOf(expectation?.["severity"]);
      if (severity !== undefined && severity !== "critical")
        lose(
          draft,
          textOf(mapOf(expectation?.["kwargs"])?.["column"]) ?? null,
          `${rule} severity ${severity}`,
          "a rule of a spec has no severity",
          line,
        );
      readExpectation(draft, rule, mapOf(expectation?.["kwargs"]) ?? {}, line);
    }
    return draft;
  },
  write,
};

function readExpectation(draft: Draft, rule: string, kwargs: PlainMap, line: number): void {
  const column = textOf(kwargs["column"]);
  if (column === undefined) {
    const of = listOf(kwargs["column_list"]) ?? [kwargs["column_A"], kwargs["column_B"]];
    const named = of.filter((name) => typeof name === "string");
    const reason = rule.startsWith("expect_table_")
      ? "a rule of the whole table; volume and columns are watched without one"
      : `a rule across columns${named.length > 0 ? ` (${named.join(", ")})` : ""}`;
    lose(draft, null, rule, reason, line);
    return;
  }
  const field = fieldOf(draft, column);
  const lost = (reason: string): void => lose(draft, column, rule, reason, line);
  if (isSaid(kwargs["row_condition"])) {
    lost("holds for some rows only (row_condition)");
    return;
  }
  const mostly = numberOf(kwargs["mostly"]) ?? 1;
  const some = `need hold for a share of ${mostly} only; a rule of a spec holds for every value`;
  switch (rule) {
    case "expect_column_to_exist":
      if (isSaid(kwargs["column_index"])) lost("the place of a column (column_index)");
      return;
    case "expect_column_values_to_not_be_null":
      if (mostly < 1) {
        lost(`${some}: the share of nulls is judged against the baseline`);
        return;
      }
      field.nullable = false;
      return;
    case "expect_column_values_to_be_of_type":
    case "expect_column_values_to_be_in_type_list":
      readType(draft, column, rule, kwargs, line);
      return;
    case "expect_column_values_to_be_in_set": {
      const values = listOf(kwargs["value_set"]);
      if (values === undefined || values.length === 0) {
        lost("no values that could be read");
        return;
      }
      field.sets.push({ values, outside: 1 - mostly, rule, line });
      return;
    }
    case "expect_column_values_to_be_between": {
      if (mostly < 1) {
        lost(some);
        return;
      }
      const ends = [
        ["low", kwargs["min_value"], kwargs["strict_min"]],
        ["high", kwargs["max_value"], kwargs["strict_max"]],
      ] as const;
      for (const [side, end, strict] of ends) {
        const value = numberOf(end);
        if (value !== undefined) field.bounds.push({ side, value, exclusive: strict === true, rule, line });
        else if (isSaid(end)) lost(`${JSON.stringify(end)} is no number`);
      }
      return;
    }
    case "expect_column_values_to_match_regex": {
      const pattern = textOf(kwargs["regex"]);
      if (pattern === undefined) {
        lost("no regex that could be read");
        return;
      }
      if (mostly < 1) {
        lost(some);
        return;
      }
      field.patterns.push({ pattern, line });
      return;
    }
    case "expect_column_value_lengths_to_equal":
    case "expect_column_value_lengths_to_be_between": {
      if (mostly < 1) {
        lost(some);
        return;
      }
      const exact = numberOf(kwargs["value"]);
      const min = exact ?? numberOf(kwargs["min_value"]) ?? 0;
      const max = exact ?? numberOf(kwargs["max_value"]);
      if (kwargs["strict_min"] === true || kwargs["strict_max"] === true) {
        lost("an end that is not let through");
        return;
      }
      field.lengths.push({ min, max, line });
      return;
    }
    default:
      lost(
        /_(mean|median|stdev|quantile|sum|max|min|kl_divergence|unique_value_count|proportion\w*|distinct\w*|most_common\w*)_/.test(
          rule,
        )
          ? "an aggregate; distributions are judged against the baseline"
          : "no rule of a spec says it",
      );
      return;
  }
}

function readType(draft: Draft, column: string, rule: string, kwargs: PlainMap, line: number): void {
  const names = [kwargs["type_"], ...(listOf(kwargs["type_list"]) ?? [])].filter(
    (name) => typeof name === "string",
  );
  const types = new Set(names.flatMap((name) => typeNamed(name) ?? []));
  const field = fieldOf(draft, column);
  const [first] = types;
  if (first === undefined) {
    lose(draft, column, rule, `no type of a spec is ${names.join(", ")}`, line);
    return;
  }
  if (types.size === 1) {
    field.type = first;
    return;
  }
  // a list of aliases, such as INTEGER, int, int8 … LongType: the widest of its kind holds them all
  const wide = (["int64", "float64"] as const).find((type) => types.has(type));
  field.type = wide ?? first;
  lose(draft, column, rule, `one of ${types.size} types; taken as ${field.type}`, line);
}

function write(view: FeatureView): Written {
  const losses: Loss[] = viewLosses(view);
  const expectations = view.fields.flatMap((field) => expectationsOf(field, losses));
  const suite = {
    name: view.name,
    expectations,
    meta: {
      great_expectations_version: "1.0.0",
      notes: {
        format: "markdown",
        content: ["Written by tidemark. Not carried over:", ...lossLines(losses)],
      },
    },
  };
  return { text: `${JSON.stringify(suite, null, 2)}\n`, losses };
}

function expectationsOf(field: FieldSpec, losses: Loss[]): readonly object[] {
  losses.push(...fieldLosses(field));
  if (field.derive !== undefined) return [];
  const expect = (type: string, kwargs: object): object => ({
    type: `expect_column_${type}`,
    kwargs: { column: field.name, ...kwargs },
    meta: {},
  });
  const all = [expect("to_exist", {})];
  if (field.type === "embedding")
    losses.push({ field: field.name, rule: "type embedding", reason: "no type of pandas or SQL", line: 0 });
  else all.push(expect("values_to_be_of_type", { type_: typeName[field.type] ?? field.type }));
  if (!field.nullable) all.push(expect("values_to_not_be_null", {}));
  if (field.mapping !== undefined) {
    const mostly = Number((1 - field.mapping.maxDefaultRate).toPrecision(12));
    all.push(
      expect("values_to_be_in_set", { value_set: field.mapping.values, ...(mostly < 1 && { mostly }) }),
    );
  }
  if (field.pattern !== undefined) all.push(expect("values_to_match_regex", { regex: field.pattern }));
  const { low, high } = boundsOf(field);
  if (low !== undefined || high !== undefined)
    all.push(
      expect("values_to_be_between", {
        ...(low !== undefined && { min_value: low }),
        ...(high !== undefined && { max_value: high }),
      }),
    );
  if (field.dimensions !== undefined)
    losses.push({ field: field.name, rule: "dimensions", reason: "no expectation says it", line: 0 });
  return all;
}

/** As pandas calls them, where that is another name. */
const typeName: Readonly<Partial<Record<FieldSpec["type"], string>>> = {
  string: "str",
  timestamp: "Timestamp", // of instants with a zone, whatever their unit
};
