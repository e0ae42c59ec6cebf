import type { JudgedWindow, Verdict, VerdictStatus } from "../model/verdict.ts";

/** Worse is larger. `insufficient` is not worse than ok: it says nothing. */
export const statusRank: Readonly<Record<VerdictStatus, number>> = {
  insufficient: 0,
  ok: 1,
  warning: 2,
  critical: 3,
};

/** The worst of a window's verdicts; a window whose every verdict is insufficient is insufficient, never ok. */
export function statusOf({ verdicts }: Pick<JudgedWindow, "verdicts">): VerdictStatus {
  let worst: VerdictStatus = verdicts.length === 0 ? "ok" : "insufficient";
  for (const { status } of verdicts) if (statusRank[status] > statusRank[worst]) worst = status;
  return worst;
}

/** By status, then default cases before all else, because nothing tells more of a model, then by shift. */
export function isWorse(verdict: Verdict, than: Verdict): boolean {
  const difference = tellingRank(verdict) - tellingRank(than);
  return difference > 0 || (difference === 0 && verdict.shift > than.shift);
}

function tellingRank({ status, statistic }: Verdict): number {
  return statusRank[status] + (status === "critical" && statistic === "default_rate" ? 1 : 0);
}

/** The verdict that says most about a field: the worst status, among those the largest shift. */
export function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  let worst: Verdict | undefined;
  for (const verdict of verdicts) if (worst === undefined || isWorse(verdict, worst)) worst = verdict;
  return worst;
}
