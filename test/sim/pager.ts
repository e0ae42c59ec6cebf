import type { Alert } from "../../src/model/verdict.ts";
import type { Judging } from "../../src/pipeline/judging.ts";
import type { Random } from "../judge/random.ts";
import type { Step } from "./world.ts";

/** It is away for so many turns at most: what is over for hours is no news to anybody. */
const awayMax = 60;

/** An Alertmanager in a few lines: an alert is its fingerprint, and who is away hears nothing. */
export interface Pager {
  /** What fires, as far as it has heard. */
  readonly firing: ReadonlySet<string>;
  /** Hears of what is unheard and of what fires, when it is there. */
  turn(judging: Judging): void;
  /** That it has heard, on its way to the judge. */
  words(): Generator<Step, undefined>;
  /** It is there from now on. */
  mend(): void;
  /** Alerts that fired and of which it never heard. */
  missed(): readonly string[];
}

export function createPager({ uniform }: Random): Pager {
  const firing = new Set<string>();
  const words: Step[] = [];
  const expected = new Set<string>();
  const heard = new Set<string>();
  let [isAway, mended, away] = [false, false, 0];
  const keyOf = ({ fingerprint, startsAt }: Alert): string => `${fingerprint}@${startsAt}`;
  const hear = (alert: Alert): void => {
    if (alert.status === "firing") {
      heard.add(keyOf(alert));
      firing.add(alert.fingerprint);
    } else firing.delete(alert.fingerprint);
    const { fingerprint, startsAt, status } = alert;
    words.push({ kind: "told", word: { fingerprint, startsAt, status } });
  };
  return {
    firing,
    turn(judging) {
      for (const alert of judging.unheard.changes())
        if (alert.status === "firing") expected.add(keyOf(alert));
      if (!mended && (uniform() < 0.05 || away > awayMax)) isAway = !isAway;
      away = isAway ? away + 1 : 0;
      if (isAway) return;
      for (const alert of judging.unheard.changes()) hear(alert);
      for (const alert of judging.active()) if (!firing.has(alert.fingerprint)) hear(alert);
    },
    *words() {
      for (let word = words.shift(); word !== undefined; word = words.shift()) yield word;
      return undefined;
    },
    mend() {
      [isAway, mended] = [false, true];
    },
    missed: () => [...expected].filter((key) => !heard.has(key)),
  };
}
