import { Fault } from "../model/fault.ts";

/** One query of the golden set. */
export interface GoldenQuery {
  readonly id: string;
  /** What is sent to an endpoint; recorded outputs need none. */
  readonly request: unknown;
}

/** What a model answered to one query. */
export interface Output {
  readonly id: string;
  /** The HTTP status; 0: no answer (refused, timed out, no record of it). */
  readonly status: number;
  readonly latencyMs: number | undefined;
  /** A number, a label, an array (ranked list or vector) or an object of those. */
  readonly output: unknown;
  /** Why there is no answer. */
  readonly error?: string;
}

export const queriesMax = 100_000;

/**
 * `golden.jsonl`: `{"id", "request"}` a line.
 * @throws Fault `input.format` naming the line
 */
export function parseGolden(text: string, file: string): readonly GoldenQuery[] {
  return parseLines(text, file).map(({ value: { id, request }, place }) => {
    return { id: idOf(id, place), request };
  });
}

/**
 * Recorded outputs: `{"id", "status", "latencyMs", "output"}` a line. `status` is 200 when there is none; Python's bare NaN
 * and Infinity are read as what they mean.
 * @throws Fault `input.format` naming the line
 */
export function parseOutputs(text: string, file: string): readonly Output[] {
  return parseLines(text, file).map(({ value: { id, status = 200, latencyMs, output, error }, place }) => {
    if (typeof status !== "number" || !Number.isInteger(status) || status < 0)
      throw malformed(place, `status ${JSON.stringify(status)} is no HTTP status`);
    if (latencyMs !== undefined && latencyMs !== null && !(typeof latencyMs === "number" && latencyMs >= 0))
      throw malformed(place, `latencyMs ${JSON.stringify(latencyMs)} is no number of milliseconds`);
    return {
      id: idOf(id, place),
      status,
      latencyMs: typeof latencyMs === "number" ? latencyMs : undefined,
      output,
      ...(typeof error === "string" ? { error } : {}),
    };
  });
}

export function formatOutputs(outputs: readonly Output[]): string {
  return outputs.map((output) => `${JSON.stringify(output)}\n`).join("");
}

/** JSON, and the NaN, Infinity and -Infinity that Python's json.dumps writes, which become texts. @throws SyntaxError */
export function parseLenient(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const mended = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    );
    if (mended === text) throw error;
    return JSON.parse(mended);
  }
}

interface Line {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: string;
}

function parseLines(text: string, file: string): readonly Line[] {
  const lines: Line[] = [];
  const seen = new Set<unknown>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const place = `${file}:${index + 1}`;
    let value: unknown;
    try {
      value = parseLenient(line);
    } catch (cause) {
      throw malformed(place, cause instanceof Error ? cause.message.slice(0, 200) : "no JSON");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw malformed(place, "not a JSON object");
    const record = value as Record<string, unknown>;
    const id = String(record["id"]);
    if (seen.has(id)) throw malformed(place, `id ${JSON.stringify(id)} stands twice`);
    seen.add(id);
    if (seen.size > queriesMax) throw malformed(place, `more than ${queriesMax} lines`);
    lines.push({ value: record, place });
  }
  if (lines.length === 0) throw new Fault("input.empty", `${file}: no lines`);
  return lines;
}

function idOf(id: unknown, place: string): string {
  if ((typeof id === "string" && id !== "") || typeof id === "number") return String(id);
  throw malformed(place, 'no "id"');
}

function malformed(place: string, what: string): Fault {
  return new Fault("input.format", `${place}: ${what}`, {
    hint: 'a line is a JSON object: {"id","request"} in a golden set, {"id","status","latencyMs","output"} of recorded outputs',
  });
}
