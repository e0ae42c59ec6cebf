import type { StatisticName } from "../model/verdict.ts";
import type { Seen } from "./statistic.ts";
import type { Observation } from "./track.ts";

/** Which changes are betted on. */
export type Sides = "both" | "up" | "down";

/** What the warning layer follows of a field from window to window. A field has several, and one detector over all of them. */
export interface Signal {
  /** Of the field's signals; its key in the baseline. */
  readonly name: string;
  /** What an alert calls it. */
  readonly statistic: StatisticName;
  /** Its part of the field's stake, against the other signals' weights. */
  readonly weight: number;
  /** `count`: a share of rows, whose hits are few and exact. */
  readonly kind: "number" | "count";
  /** Whether a fall is as bad as a rise. */
  readonly sides: Sides;
  /** What one of its units is in the field's own mean, or 1 of a share: for `ignoreBelow`. Absent: there is no such thing. */
  readonly scale?: number;
  /** What one standard deviation is called in an alert. */
  readonly unit: number;
  /** Of a share: no news below it, however rare the baseline has it. */
  readonly least?: number;
  /** It moves through every day and week: a baseline that has not seen two of each is followed as a trend. */
  readonly wanders?: true;
  /** A test's score: of the same difference it is the larger the more rows a window has. */
  readonly score?: true;
  /** Hits that the baseline's own rows cannot show: of a value that is not among them. */
  readonly hits?: number;
  /** @returns undefined when this window has nothing to measure */
  read(seen: Seen): Observation | undefined;
  /** A clause for people: `age lies 0.3 standard deviations above what is usual`. */
  say(observed: number, expected: number): string;
}
