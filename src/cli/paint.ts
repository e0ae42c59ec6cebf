import type { Io } from "./io.ts";

/** Colours for people at a terminal; the text as it is for everybody else. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** For stderr. `NO_COLOR` with any value but the empty one turns colours off (no-color.org). */
export function paintFor(io: Pick<Io, "isTTY" | "env">): Paint {
  const on = io.isTTY && (io.env["NO_COLOR"] ?? "") === "" && io.env["TERM"] !== "dumb";
  const style =
    (start: number, end: number) =>
    (text: string): string =>
      on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
}

/**
 * Text from data, fit for a terminal: control characters and the ones that reverse the reading direction are shown as
 * `\u{…}`, so that no value can move the cursor.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** 26182 → `26,182`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Four significant digits, whatever the size: `0.1604`, `12.3`, `5.2e+9`. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) return value.toExponential(2).replace(/\.?0+e/, "e");
  return String(Number(value.toPrecision(4)));
}

/** 82_000 → `1 min 22 s`: the two largest units. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return `${Math.round(ms)} ms`;
  let left = seconds;
  const parts: string[] = [];
  for (const [size, name] of units.slice(first, first + 2)) {
    const whole = Math.floor(left / size);
    left -= whole * size;
    if (whole > 0) parts.push(`${whole} ${name}`);
  }
  return parts.join(" ");
}
