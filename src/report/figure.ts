import { escapeHtml } from "./html.ts";

/** In CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A picture that a screen reader can tell as well.
 * @param told     what the picture says, as a sentence: its text alternative
 * @param content  SVG with no style and no script of its own: the page's classes colour it
 */
export function figure({ width, height }: Size, told: string, content: string): string {
  const label = escapeHtml(told);
  return `<svg role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-label="${label}"><title>${label}</title>${content}</svg>`;
}

/** A picture of what stands in words beside it. */
export function ornament({ width, height }: Size, content: string): string {
  return `<svg aria-hidden="true" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${content}</svg>`;
}

/** The same picture for a wide and for a narrow page, of which one is shown: what is written in a picture shrinks with it. */
export function twice(draw: (width: number) => string): string {
  return `<div class="wide">${draw(1060)}</div><div class="narrow">${draw(330)}</div>`;
}

/** Coordinates need no more than a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function label(
  text: string,
  x: number,
  y: number,
  anchor: "start" | "middle" | "end" = "start",
  name = "label",
): string {
  const placed = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text class="${name}" x="${px(x)}" y="${px(y)}"${placed}>${escapeHtml(text)}</text>`;
}

export function rect(name: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${name}"${at("x", x)}${at("y", y)} width="${px(Math.max(0, width))}" height="${px(Math.max(0, height))}"/>`;
}

export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

/** Many rectangles of one kind, for a third of the bytes. Nothing when there are none. */
export function boxes(name: string, each: readonly Box[]): string {
  if (each.length === 0) return "";
  const outlines = each.map(
    ({ x, y, width, height }) => `M${px(x)} ${px(y)}h${px(width)}v${px(height)}h${px(-width)}z`,
  );
  return `<path class="${name}" d="${outlines.join("")}"/>`;
}

export function rule(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}"${at("x1", x1)}${at("y1", y1)}${at("x2", x2)}${at("y2", y2)}/>`;
}

/** 0 is what SVG takes for a coordinate that is not given. */
function at(name: string, value: number): string {
  const text = px(value);
  return text === "0" ? "" : ` ${name}="${text}"`;
}

/** Many upright lines of one kind, in one path. Nothing when there are none. */
export function uprights(name: string, each: readonly { x: number; from: number; to: number }[]): string {
  if (each.length === 0) return "";
  return `<path class="${name}" d="${each.map(({ x, from, to }) => `M${px(x)} ${px(from)}V${px(to)}`).join("")}"/>`;
}
