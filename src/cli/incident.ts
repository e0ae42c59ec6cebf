import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Fault } from "../model/fault.ts";
import type { EventTime } from "../model/time.ts";

/** A folder of `replay-data/`: recorded data, what happened in them, and what must be found. */
export interface Incident {
  readonly title: string;
  /** What it is about, in short lines. */
  readonly teller: readonly string[];
  readonly spec: string;
  readonly baseline: string;
  readonly clean: string;
  readonly input: string;
  /** In order of time; the first one is what went wrong. */
  readonly story: readonly StoryEvent[];
  /** The whole of expected.json, for tests. */
  readonly expected: Record<string, unknown>;
}

export interface StoryEvent {
  readonly at: EventTime;
  readonly what: string;
  /** Column whose values show it. */
  readonly look: string | undefined;
}

/** `replay-data/` stands beside `src/` in a checkout and beside `dist/` in a package. */
export const replayData = new URL("../../replay-data/", import.meta.url);

interface IncidentFile {
  readonly title: string;
  readonly teller: readonly string[];
  readonly spec: string;
  readonly baseline: string;
  readonly clean: { readonly input: string };
  readonly incident: { readonly input: string };
  readonly story: readonly { readonly at: string; readonly what: string; readonly look?: string }[];
}

/** @throws Fault `input.missing` */
export function readIncident(name: string): Incident {
  const folder = new URL(`${name}/`, replayData);
  const file = new URL("expected.json", folder);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault("input.missing", `${fileURLToPath(file)}: no such incident`, { cause });
  }
  const expected = JSON.parse(text) as IncidentFile & Record<string, unknown>;
  const path = (relative: string): string => fileURLToPath(new URL(relative, folder));
  return {
    title: expected.title,
    teller: expected.teller,
    spec: path(expected.spec),
    baseline: path(expected.baseline),
    clean: path(expected.clean.input),
    input: path(expected.incident.input),
    story: expected.story.map(({ at, what, look }) => ({ at: Date.parse(at), what, look })),
    expected,
  };
}
