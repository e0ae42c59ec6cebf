import type { Categories } from "../sketch/categories.ts";
import type { Histogram } from "../sketch/histogram.ts";
import type { Moments } from "../sketch/moments.ts";
import type { Sample } from "./sample.ts";
import { sketchedCategories, sketchedNumbers } from "./sketched.ts";

/** What of a field's profile a sample is made of: a `FieldProfile` is one. */
export interface Profiled {
  readonly nulls: number;
  readonly body:
    | { readonly kind: "numeric"; readonly histogram: Histogram; readonly moments: Moments }
    | {
        readonly kind: "string";
        readonly categories: Categories;
        readonly mappingHits: number;
        readonly mappingMisses: number;
      }
    | { readonly kind: "bool"; readonly trues: number; readonly falses: number }
    | { readonly kind: "embedding" };
}

/** @returns undefined without a value or a null, and for embeddings */
export function sampleOf({ nulls, body }: Profiled): Sample | undefined {
  switch (body.kind) {
    case "numeric":
      return sketchedNumbers(body.histogram, body.moments, nulls);
    case "string": {
      const mapped = body.mappingHits + body.mappingMisses > 0;
      return sketchedCategories(body.categories, nulls, mapped ? body.mappingMisses : undefined);
    }
    case "bool": {
      const counts = new Map([
        ["false", body.falses],
        ["true", body.trues],
      ]);
      for (const [value, count] of counts) if (count === 0) counts.delete(value);
      const total = body.falses + body.trues;
      if (total + nulls === 0) return undefined;
      return { kind: "categorical", counts, total, nulls, defaults: undefined, sizesOnly: total === 0 };
    }
    case "embedding":
      return undefined;
  }
}
