import { Fault } from "../model/fault.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { Baseline } from "./baseline.ts";

/** The baseline as JSON text that people can read and review tools can diff. */
export function formatBaseline(_baseline: Baseline): string {
  throw new Fault("baseline.invalid", "not written yet");
}

/** @throws Fault `baseline.invalid` that names the place in `file` */
export function parseBaseline(_text: string, file: string): Baseline {
  throw new Fault("baseline.invalid", `${file}: not written yet`);
}

/** Median and IQR of every numeric field; empty without a baseline. */
export function framesOf(baseline: Baseline | undefined): ReadonlyMap<string, Frame> {
  const frames = new Map<string, Frame>();
  for (const [name, { profile }] of baseline?.fields ?? []) {
    if (profile.body.kind === "numeric") frames.set(name, profile.body.histogram.frame);
  }
  return frames;
}
