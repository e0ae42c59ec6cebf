import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { isIssues, readYaml } from "./document.ts";
import { foreignFormats } from "./foreign.ts";
import { draftText, type Loss } from "./foreign-draft.ts";
import type { ForeignFormat, Written } from "./foreign-format.ts";
import { notOfFormat } from "./foreign-source.ts";
import { SpecError } from "./issue.ts";
import { nearest } from "./nearest.ts";
import { parseSpec } from "./parse.ts";

export interface ImportOptions {
  readonly from: string;
  /** As messages and the header call it. */
  readonly file: string;
  /** Undefined: as the file calls itself, or as the file is called. */
  readonly name: string | undefined;
  readonly eventTime: string | undefined;
}

export interface ImportedSpec {
  /** A spec that `parseSpec` accepts, with the losses as comments at its head. */
  readonly text: string;
  readonly view: FeatureView;
  readonly losses: readonly Loss[];
}

/**
 * Makes a spec of a file of another tool.
 * @throws Fault `usage` for a format there is not, SpecError for a file that is not of the format
 */
export function importSpec(text: string, { from, file, name, eventTime }: ImportOptions): ImportedSpec {
  const format = formatNamed(from, "--from", foreignFormats);
  const draft = readDraft(format, text, file, name);
  const base = file.replace(/^.*[/\\]/, "");
  const {
    text: spec,
    losses,
    fields,
  } = draftText(draft, {
    name: name ?? nameFrom(draft.name ?? base.replace(/(\.odcs|\.schema)?\.\w+$/, "")),
    eventTime,
    source: `${base} (${format.title})`,
  });
  if (fields === 0) {
    const columns = [...draft.fields.keys()].slice(0, 20).join(", ");
    throw notOfFormat(
      file,
      1,
      columns === ""
        ? "no column in it that a spec could declare"
        : `of no column a type could be told: ${columns}`,
      "declare types there, or make a spec of data by `tidemark spec init`",
    );
  }
  const view = parseSpec(spec, {
    file: `the spec made of ${file}`,
    readText: () => {
      throw new TypeError("an imported spec names no file");
    },
  });
  return { text: spec, view, losses };
}

/** @throws Fault `usage` for a format that is not written */
export function exportSpec(view: FeatureView, to: string): Written {
  const written = foreignFormats.flatMap(({ name, write }) => (write === undefined ? [] : [{ name, write }]));
  return formatNamed(to, "--to", written).write(view);
}

function readDraft(format: ForeignFormat, text: string, file: string, pick: string | undefined) {
  try {
    return format.read(text, file, pick);
  } catch (error) {
    const [issue] = error instanceof SpecError ? error.issues : [];
    if (issue === undefined || issue.line > 1) throw error;
    const yaml = readYaml(text, file, "import");
    const other = isIssues(yaml)
      ? undefined
      : foreignFormats.find(({ recognises }) => recognises(yaml.value));
    if (other === undefined || other === format) throw error;
    throw notOfFormat(file, 1, issue.message, `it looks like one for --from ${other.name}`);
  }
}

function formatNamed<T extends { readonly name: string }>(
  name: string,
  flag: string,
  formats: readonly T[],
): T {
  const found = formats.find((format) => format.name === name);
  if (found !== undefined) return found;
  const names = formats.map((format) => format.name);
  const like = nearest(name, names);
  throw new Fault("usage", `${flag} ${name}: no such format`, {
    hint: like === undefined ? `there are ${names.join(", ")}` : `did you mean ${like}?`,
  });
}

/** A title as a name of a view: `My table` → `My_table`. */
function nameFrom(title: string): string {
  const name = title.replace(/[^A-Za-z0-9_.-]+/g, "_").replace(/^[.-]+/, "");
  return name === "" ? "imported" : name.slice(0, 128);
}
