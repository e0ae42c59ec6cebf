import { addDense, type Distinct } from "../../src/sketch/distinct.ts";
import { kernel } from "../../src/sketch/kernel.ts";

/** Adds doubles as the profiler does: a tile at a time, through the kernel. */
export function addDoubles(into: Distinct, values: Float64Array, from = 0, to = values.length): void {
  for (let start = from; start < to; start += kernel.rows) {
    const end = Math.min(to, start + kernel.rows);
    kernel.dense.set(values.subarray(start, end));
    addDense(into, end - start, false);
  }
}
