import { categoriesSketch } from "./categories-wire.ts";
import { distinct } from "./distinct.ts";
import { histogramSketch, unitFrame } from "./histogram.ts";
import { moments } from "./moments.ts";
import type { Sketch } from "./sketch.ts";

/** Every sketch by name, with the kind of item it takes; `test/laws/sketch.test.ts` holds each to the laws of `Sketch`. */
export const numberSketches: Readonly<Record<string, Sketch<unknown, number>>> = {
  moments,
  histogram: histogramSketch(unitFrame),
  "histogram at 1e9": histogramSketch({ centre: 1e9, scale: 0.5 }),
};

export const textSketches: Readonly<Record<string, Sketch<unknown, string>>> = {
  distinct,
  "categories, exact": categoriesSketch(4_096),
  "categories, bounded": categoriesSketch(8),
};
