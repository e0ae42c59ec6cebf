import { breakable, count, escapeHtml, timeTag } from "./html.ts";
import { distanceOf, isBad, restOf, type Subject, sinceOf } from "./report-input.ts";
import { shiftBar } from "./timeline.ts";

export function anchorOf({ name, spec }: Subject): string {
  return spec === undefined ? "stream" : `field-${encodeURIComponent(name.toWellFormed())}`;
}

/** What moved, when, how far: one line a field. */
export function movedTable(subjects: readonly Subject[]): string {
  const bad = subjects.filter(({ findings }) => isBad(findings));
  const rest = escapeHtml(restOf(subjects));
  if (bad.length === 0)
    return `<section id="moved"><h2>What moved</h2><p class="calm">Nothing. ${rest}</p></section>`;
  const rows = bad.map((subject) => {
    const { findings, sigma, name } = subject;
    const { worst, status, criticalWindows, warningWindows } = findings;
    const since = sinceOf(findings);
    const seen =
      worst === undefined
        ? ""
        : `${escapeHtml(worst.verdict.summary)} <small>${worst.verdict.statistic}</small>`;
    const shift =
      worst === undefined
        ? ""
        : `<span>${distanceOf(worst.verdict, sigma)}</span>${shiftBar(worst.verdict.shift, sigma, { width: 80, height: 12 })}`;
    return `<tr><th scope="row"><a href="#${anchorOf(subject)}">${breakable(name)}</a></th><td><span class="pill ${status}">${status}</span></td><td class="since">${since === undefined ? "" : timeTag(since)}</td><td class="seen">${seen}</td><td class="number shift">${shift}</td><td class="number"><span class="of">${count(status === "critical" ? criticalWindows : warningWindows)}</span></td></tr>`;
  });
  return `<section id="moved"><h2>What moved, the first to break on top</h2><div class="scroll" role="region" tabindex="0" aria-label="what moved"><table class="cards">
<thead><tr><th scope="col">field</th><th scope="col">status</th><th scope="col">known at</th><th scope="col">at its worst</th><th scope="col" class="number">shift</th><th scope="col" class="number">windows</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div><p class="soft">${rest}</p></section>`;
}
