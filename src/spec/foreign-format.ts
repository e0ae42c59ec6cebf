import type { FeatureView } from "../model/feature-view.ts";
import type { Draft, Loss } from "./foreign-draft.ts";

/** A way of others to say what data should look like. `src/spec/foreign.ts` lists them. */
export interface ForeignFormat {
  /** As `--from` and `--to` call it. */
  readonly name: string;
  /** As people call it. */
  readonly title: string;
  /** Whether plain data (JSON or YAML, read) look like one, so that a wrong `--from` can be named. */
  recognises(value: unknown): boolean;
  /**
   * @param pick  the part of a file with several that is wanted, when it has that name
   * @throws SpecError when the text is not of this format
   */
  read(text: string, file: string, pick: string | undefined): Draft;
  /** Absent: it can be read only. */
  readonly write?: (view: FeatureView) => Written;
}

export interface Written {
  readonly text: string;
  readonly losses: readonly Loss[];
}
