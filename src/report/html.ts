import { type EventTime, isoTime } from "../model/time.ts";

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text that is safe between tags and inside quoted attributes. Every value of the data goes through it. No value
 * can disguise itself either.
 */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (char) => escapes[char] ?? char);
}

/** Text in which nothing is hidden: control characters and those that turn the reading direction as `\u{…}`. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
}

/** Letters of a name that stay together. */
const unbroken = 24;

/** A name that may be broken where its parts meet, and at the latest after 24 letters: no name makes a table wider than its page. */
export function breakable(name: string): string {
  const parts = name.match(new RegExp(`[^_./:-]{1,${unbroken}}[_./:-]*|[_./:-]{1,${unbroken}}`, "gu")) ?? [];
  return parts.map(escapeHtml).join("<wbr>");
}

/** 0.1234 → `12%`, 0.01234 → `1.2%`: small shares keep a digit that says something. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  return `${value === 0 || Math.abs(value) >= 10 ? value.toFixed(0) : value.toPrecision(2)}%`;
}

/** Three significant digits, no exponent for what people read as a number. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e7)) return value.toExponential(1);
  return size >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}

/** A distance in standard deviations; beyond a thousand nobody compares. */
export function shiftText(shift: number): string {
  return `${shift >= 1_000 ? "> 999" : shift < 1 ? String(Number(shift.toFixed(2))) : number(shift)} SD`;
}

/** 1234567 → `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Tue 3 Mar 04:14`, in UTC; seconds only where there are any. */
export function when(time: EventTime): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return isoTime(time);
  const clock = date.toISOString().slice(11, date.getUTCSeconds() === 0 ? 16 : 19);
  return `${days[date.getUTCDay()]} ${date.getUTCDate()} ${months[date.getUTCMonth()]} ${clock}`;
}

/** `2026-03-03 04:14:22`, in UTC: for text that is read elsewhere and later. */
export function dated(time: EventTime): string {
  return isoTime(time).slice(0, 19).replace("T", " ");
}

/** `04:14`, in UTC. */
export function clock(time: EventTime): string {
  return isoTime(time).slice(11, 16);
}

/** `when` for people, the instant for machines. */
export function timeTag(time: EventTime): string {
  return `<time datetime="${isoTime(time)}">${when(time)}</time>`;
}

/** 14_442_000 → `4 h`, 82_000 → `1 min 22 s`: the two largest units, the second one where it counts. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ] as const;
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return `${Math.round(ms)} ms`;
  const parts: string[] = [];
  let left = seconds;
  for (const [size, name] of units.slice(first, first + 2)) {
    const whole = Math.floor(left / size);
    left -= whole * size;
    if (whole > 0) parts.push(`${whole} ${name}`);
  }
  return parts.join(" ");
}
