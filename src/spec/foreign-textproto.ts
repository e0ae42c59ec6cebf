import { notOfFormat } from "./foreign-source.ts";

/** A message of protobuf's text format: its entries in order, repeated ones one by one. */
export interface TextMessage {
  readonly entries: readonly TextEntry[];
}

export interface TextEntry {
  readonly key: string;
  /** `true`, `INT` and the like are words: told apart from strings by `quoted`. */
  readonly value: string | TextMessage;
  readonly quoted: boolean;
  /** From 1. */
  readonly line: number;
}

interface Token {
  readonly text: string;
  readonly kind: "word" | "string" | "sign";
  readonly line: number;
}

export const textprotoCharactersMax = 1024 * 1024;
const depthMax = 32;

/**
 * Reads protobuf text format: `key: value`, `key { … }`, `key: [a, b]`, strings in either quotes that run on, `#` comments.
 * @throws SpecError `import.wrong-format` at the line that cannot be read
 */
export function parseTextproto(text: string, file: string): TextMessage {
  if (text.length > textprotoCharactersMax)
    throw notOfFormat(file, 1, `${text.length} characters, the most is ${textprotoCharactersMax}`);
  const tokens = tokenize(text, file);
  let at = 0;
  const wrong = (message: string): never => {
    throw notOfFormat(file, tokens[at]?.line ?? tokens.at(-1)?.line ?? 1, message);
  };
  const isSign = (sign: string): boolean => tokens[at]?.kind === "sign" && tokens[at]?.text === sign;
  const value = (key: string, line: number, depth: number): TextEntry => {
    if (isSign("{") || isSign("<")) {
      const end = isSign("{") ? "}" : ">";
      at += 1;
      return { key, value: message(end, depth + 1), quoted: false, line };
    }
    const first = tokens[at];
    if (first === undefined || first.kind === "sign") return wrong(`${key}: no value`);
    at += 1;
    let text = first.text;
    while (first.kind === "string" && tokens[at]?.kind === "string") text += tokens[at++]?.text ?? "";
    return { key, value: text, quoted: first.kind === "string", line };
  };
  const message = (end: string | undefined, depth: number): TextMessage => {
    if (depth > depthMax) wrong(`messages in messages, more than ${depthMax} deep`);
    const entries: TextEntry[] = [];
    for (;;) {
      const key = tokens[at];
      if (key === undefined) return end === undefined ? { entries } : wrong(`a ${end} is missing`);
      if (end !== undefined && isSign(end)) {
        at += 1;
        return { entries };
      }
      if (key.kind !== "word") wrong(`${JSON.stringify(key.text)} where a key should be`);
      at += 1;
      const colon = isSign(":");
      if (colon) at += 1;
      if (!colon && !isSign("{") && !isSign("<"))
        wrong(`${JSON.stringify(key.text)} is followed by neither : nor {`);
      if (isSign("[")) {
        at += 1;
        while (!isSign("]")) {
          entries.push(value(key.text, key.line, depth));
          if (isSign(",")) at += 1;
        }
        at += 1;
      } else entries.push(value(key.text, key.line, depth));
      if (isSign(",") || isSign(";")) at += 1;
    }
  };
  return message(undefined, 0);
}

function tokenize(text: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern =
    /([ \t\r\f\v]+|#[^\n]*)|(\n)|([A-Za-z0-9_.+-]+)|"([^"\\\n]*(?:\\.[^"\\\n]*)*)"|'([^'\\\n]*(?:\\.[^'\\\n]*)*)'|([{}<>[\]:,;])/y;
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null)
      throw notOfFormat(file, line, `${JSON.stringify(text.slice(from, from + 20))} is no protobuf text`);
    const [, , newline, word, double, single, sign] = match;
    if (newline !== undefined) line += 1;
    else if (word !== undefined) tokens.push({ text: word, kind: "word", line });
    else if (sign !== undefined) tokens.push({ text: sign, kind: "sign", line });
    else if (double !== undefined || single !== undefined)
      tokens.push({ text: unescaped(double ?? single ?? ""), kind: "string", line });
  }
  return tokens;
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

/** Octal and hexadecimal escapes are bytes of UTF-8. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part, octal, hex, other] of text.matchAll(
    /\\([0-7]{1,3})|\\[xX]([0-9a-fA-F]{1,2})|\\(.)|[^\\]+/g,
  )) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else
      for (const byte of encoder.encode(other === undefined ? part : (escapes[other] ?? other)))
        bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
