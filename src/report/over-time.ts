import { formatDuration } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { Course } from "./course.ts";
import { twice } from "./figure.ts";
import { type HeatRow, heatOf, heatOrder, heatStrip } from "./heat-strip.ts";
import { clock, count, escapeHtml, percent, timeTag, when } from "./html.ts";
import { isBad, type ReportInput, type Subject, transitionsOf } from "./report-input.ts";
import { windowStrip } from "./timeline.ts";

/** Rows of a strip; the worst ones. */
const rowsMax = 24;
/** A quiet window is a low line, so that trouble is told by height as well as by colour. */
const laneOrder = ["lane-ok", "status-insufficient", "status-warning", "status-critical"];
const heights = { "lane-ok": 0.3, "status-insufficient": 0.15, "status-warning": 0.65 };

export function overview(course: Course, { findings, view }: ReportInput): string {
  const each = (course.cells[0]?.windows ?? 1) > 1 ? `, ${course.cells[0]?.windows} to a bar` : "";
  return `${twice((width) => windowStrip(course.cells, transitionsOf(findings), { width, height: course.events.length > 0 ? 76 : 64 }, course.events))}
<ul class="legend"><li><i class="ok"></i>ok</li><li><i class="warning"></i>warning</li><li><i class="critical"></i>critical</li><li><i></i>too few rows to tell</li><li>▼ the breaker moved</li><li>windows of ${formatDuration(view.window.sizeMs)}${each}, UTC</li></ul>`;
}

/** Field by field over the same time: what moved first, what followed, and which values the model did not know. */
export function overTime(course: Course, subjects: readonly Subject[], { findings }: ReportInput): string {
  const parts = [
    lanes(course, subjects),
    defaultHits(course, subjects),
    events(course),
    opened({ findings }),
  ];
  const told = parts.filter((part) => part !== "");
  return told.length === 0 ? "" : `<section id="time"><h2>Over time</h2>${told.join("\n")}</section>`;
}

function lanes(course: Course, subjects: readonly Subject[]): string {
  const bad = subjects.filter(({ findings }) => isBad(findings)).slice(0, rowsMax);
  if (bad.length === 0) return "";
  const rows = bad.map(
    ({ name, findings: { statuses, criticalWindows, warningWindows, status } }): HeatRow => {
      const kinds = statuses.map((each) => (each === "ok" ? "lane-ok" : each && `status-${each}`));
      return { name, kinds, note: count(status === "critical" ? criticalWindows : warningWindows) };
    },
  );
  const told = bad.map(({ name, findings: { criticalWindows, warningWindows } }) => {
    const warned = warningWindows > 0 ? `, a warning in ${count(warningWindows)}` : "";
    return `${name} critical in ${count(criticalWindows)} windows${warned}`;
  });
  const sentence = `fields over time: ${told.join("; ")}`;
  return `<h3>Fields that moved <small>and in how many windows</small></h3>${twice((width) => heatStrip(course, rows, { told: sentence, width, order: laneOrder, heights }))}`;
}

/** Share of values outside the model's mapping, fields × windows. */
function defaultHits(course: Course, subjects: readonly Subject[]): string {
  const told: string[] = [];
  const rows = subjects.flatMap(({ name, findings: { defaults } }): HeatRow[] => {
    if (defaults === undefined) return [];
    const shares = defaults.map((share) => share && share.hits / share.of);
    const most = shares.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
    const at = course.cells[shares.indexOf(most)]?.window.start;
    told.push(`${name} at most ${percent(most)}${at === undefined || most === 0 ? "" : ` at ${when(at)}`}`);
    return [
      {
        name,
        kinds: shares.map((share) => (share === undefined ? undefined : heatOf(share))),
        note: percent(most),
      },
    ];
  });
  if (rows.length === 0) return "";
  const shown = rows.slice(0, rowsMax);
  const left =
    rows.length > shown.length ? `<p class="soft">and ${rows.length - shown.length} more fields</p>` : "";
  const sentence = `default cases over time: ${told.slice(0, rowsMax).join("; ")}`;
  return `<h3>Default cases <small>share of values that the model’s mapping does not know, at most</small></h3>${twice((width) => heatStrip(course, shown, { told: sentence, width, order: heatOrder }))}${left}
<ul class="legend"><li><i class="heat-0"></i>none</li><li><i class="heat-1"></i>up to 1%</li><li><i class="heat-2"></i>5%</li><li><i class="heat-3"></i>20%</li><li><i class="heat-4"></i>50%</li><li><i class="heat-5"></i>more</li></ul>`;
}

function events(course: Course): string {
  if (course.events.length === 0) return "";
  const items = course.events.map(
    ({ letter, time, text }) =>
      `<li>${letter === undefined ? "" : `<b>${letter}</b> `}${timeTag(time)} ${escapeHtml(text)}</li>`,
  );
  return `<h3>Events</h3><ul class="chips">${items.join("")}</ul>`;
}

function opened({ findings: { transitions } }: Pick<ReportInput, "findings">): string {
  const first = new Map<string, number>();
  for (const { breaker, transition } of transitions) {
    if (breaker.segment === null || transition.to !== "open") continue;
    const key = segmentKey(breaker.segment);
    if (!first.has(key)) first.set(key, transition.time);
  }
  if (first.size === 0) return "";
  const items = [...first].map(
    ([key, time]) => `<li><code>${escapeHtml(key)}</code> <small>${clock(time)}</small></li>`,
  );
  return `<h3>Segments that opened for themselves</h3><ul class="chips">${items.join("")}</ul>`;
}
