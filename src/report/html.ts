const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is safe between tags and inside quoted attributes. Every value of the data goes through it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => escapes[char] ?? char);
}

/** 0.1234 → `12.3%`; small shares keep a digit that says something. */
export function percent(share: number): string {
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
