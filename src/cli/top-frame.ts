import { isoTime, type WallTime } from "../model/time.ts";
import { count, type Paint, printable, span } from "./paint.ts";

/** What one look at a running tidemark showed. */
export interface Snapshot {
  /** By this process's clock. */
  readonly at: WallTime;
  readonly url: string;
  readonly health: { readonly status: string; readonly reasons: readonly string[] };
  readonly views: readonly TopView[];
  readonly alerts: readonly TopAlert[];
}

/** Of `GET /v1/feature-views`. */
export interface TopView {
  readonly name: string;
  readonly status: string | null;
  readonly breaker: {
    readonly state: string;
    readonly since: string | null;
    readonly reasons: readonly { readonly summary: string }[];
    readonly hold: { readonly reason: string } | null;
  };
  readonly openSegments: readonly string[];
  readonly counts: Readonly<Record<"read" | "profiled" | "late" | "rejected" | "deadLettered", number>>;
  readonly lastEvent: string | null;
}

/** Of `GET /v1/alerts`. */
export interface TopAlert {
  readonly severity: string;
  readonly alertname: string;
  readonly featureView: string;
  readonly startsAt: string;
  readonly summary: string;
  readonly fingerprint: string;
}

/** Lines of one kind that are shown; of the rest the number. */
const [viewsMax, alertsMax, reasonsMax] = [40, 20, 3];
const widthDefault = 120;

/**
 * The lines of one frame, none wider than the terminal.
 * @param before   the look before, for rows a second
 * @param trouble  why there is no newer look
 */
export function frameOf(
  now: Snapshot,
  before: Snapshot | undefined,
  trouble: string | undefined,
  paint: Paint,
  columns: number = widthDefault,
): readonly string[] {
  const open = now.views.filter(({ breaker }) => breaker.state === "open").length;
  const { status, reasons } = now.health;
  const lines: Line[] = [
    [
      `tidemark ${now.url} · ${status} · ${many(now.views.length, "view")}, ${open} open · ${many(now.alerts.length, "alert")} · ${isoTime(now.at).slice(11, 19)} UTC`,
      paint.bold,
    ],
    ...(trouble === undefined
      ? []
      : [[`no answer: ${trouble}; this is from ${isoTime(now.at)}`, paint.red] as Line]),
    ...reasons.map((reason): Line => [`  ${reason}`, paint.yellow]),
    [""],
    ...viewLines(now, before, paint),
    [""],
    ...alertLines(now, paint),
  ];
  return lines.map(([text, colour]) => {
    const clean = printable(text);
    const cut = clean.length > columns ? `${clean.slice(0, columns - 1)}…` : clean;
    return colour === undefined ? cut : colour(cut);
  });
}

/** Text, cut before it is coloured. */
type Line = readonly [text: string, colour?: ((text: string) => string) | undefined];

function viewLines(now: Snapshot, before: Snapshot | undefined, paint: Paint): Line[] {
  const sorted = now.views.toSorted((a, b) => urgency(a) - urgency(b) || (a.name < b.name ? -1 : 1));
  const shown = sorted.slice(0, viewsMax);
  const cells = shown.map((view) => [
    view.name,
    view.breaker.state,
    view.status ?? "–",
    rateOf(view, now, before),
    ...[view.counts.profiled, view.counts.late, view.counts.rejected, view.counts.deadLettered].map(count),
    view.lastEvent === null ? "–" : agoOf(view.lastEvent, now.at),
  ]);
  const head = ["VIEW", "BREAKER", "STATUS", "ROWS/S", "PROFILED", "LATE", "REJECTED", "DEAD", "LAST EVENT"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const text = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column >= 3 && column <= 7 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const body = shown.flatMap((view, index): Line[] => [
    [text(cells[index] ?? []), colourOf(view, paint)],
    ...detailsOf(view).map((detail): Line => [`  ${detail}`]),
  ]);
  return [[text(head), paint.dim], ...body, ...moreOf(sorted.length - shown.length, "view")];
}

function detailsOf({ breaker, openSegments }: TopView): readonly string[] {
  const why = breaker.state === "closed" ? [] : breaker.reasons;
  return [
    ...(breaker.hold === null ? [] : [`by hand: ${breaker.hold.reason}`]),
    ...why.slice(0, reasonsMax).map(({ summary }) => `${breaker.since?.slice(0, 19) ?? "–"} ${summary}`),
    ...(why.length > reasonsMax ? [`and ${why.length - reasonsMax} reasons more`] : []),
    ...(openSegments.length === 0 ? [] : [`open segments: ${openSegments.join(", ")}`]),
  ];
}

function alertLines({ alerts }: Snapshot, paint: Paint): Line[] {
  if (alerts.length === 0) return [["no alert fires", paint.green]];
  const sorted = alerts.toSorted(
    (a, b) => severity(a) - severity(b) || (a.startsAt > b.startsAt ? -1 : a.startsAt < b.startsAt ? 1 : 0),
  );
  const shown = sorted.slice(0, alertsMax);
  return [
    ["ALERTS", paint.dim],
    ...shown.map(
      (alert): Line => [
        `${alert.severity.padEnd(8)}  ${alert.startsAt.slice(0, 19)}  ${alert.fingerprint}  ${alert.featureView}: ${alert.summary}`,
        alert.severity === "critical" ? paint.red : paint.yellow,
      ],
    ),
    ...moreOf(sorted.length - shown.length, "alert"),
  ];
}

const severity = (alert: TopAlert): number => (alert.severity === "critical" ? 0 : 1);

/** What asks for somebody stands first. */
function urgency({ breaker, openSegments, status }: TopView): number {
  if (breaker.state === "open") return 0;
  if (breaker.state === "half-open" || openSegments.length > 0) return 1;
  return status === null || status === "ok" ? 3 : 2;
}

function colourOf(view: TopView, paint: Paint): Line[1] {
  return [paint.red, paint.yellow, paint.yellow, undefined][urgency(view)];
}

/** Rows profiled a second since the look before; a process that has started anew counts from 0. */
function rateOf(view: TopView, now: Snapshot, before: Snapshot | undefined): string {
  const old = before?.views.find(({ name }) => name === view.name);
  if (before === undefined || old === undefined || now.at <= before.at) return "–";
  const rows = view.counts.profiled - old.counts.profiled;
  return rows < 0 ? "–" : count(Math.round((rows * 1_000) / (now.at - before.at)));
}

function agoOf(time: string, now: number): string {
  const age = now - Date.parse(time);
  return age < 0 ? `in ${span(-age)}` : `${span(age)} ago`;
}

const many = (number: number, what: string): string => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

function moreOf(number: number, what: string): Line[] {
  return number <= 0 ? [] : [[`and ${many(number, what)} more`]];
}
