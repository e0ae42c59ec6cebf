import { type GoldenQuery, type Output, parseLenient } from "../canary/outputs.ts";
import { Fault } from "../model/fault.ts";

/** How golden queries become requests of a model's HTTP endpoint. */
export interface EndpointOptions {
  /** May hold `{{id}}` and `{{request.key}}`, which are percent-encoded. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON with `{{request}}`, `{{id}}` or `{{request.key}}`, each replaced by JSON; undefined: the request itself. */
  readonly body: string | undefined;
  /** JSON pointer (RFC 6901) to the output in the answer: `/predictions/0`; "" is all of it. */
  readonly outputPointer: string;
  readonly timeoutMs: number;
}

/** An answer that is longer is a failed one. */
const answerBytesMax = 4 * 1024 * 1024;
const placeholder = /\{\{\s*(id|request)((?:\.[^\s{}.]+)*)\s*\}\}/g;

/**
 * Asks two endpoints every golden query, `concurrency` queries at a time, each query of both at nearly the same moment and
 * in turns, so that a busy minute is not held against one of them. Never throws for an answer: that is what is compared.
 * @throws Fault `interrupted`
 */
export async function askBoth(
  golden: readonly GoldenQuery[],
  endpoints: readonly (EndpointOptions | undefined)[],
  concurrency: number,
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<readonly Output[][]> {
  const outputs = endpoints.map(() => new Array<Output>(golden.length));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < golden.length && !signal.aborted) {
      const at = next++;
      const query = golden[at] as GoldenQuery;
      const order = endpoints.map((_, index) => (at % 2 === 0 ? index : endpoints.length - 1 - index));
      for (const index of order) {
        const endpoint = endpoints[index];
        if (endpoint !== undefined) (outputs[index] as Output[])[at] = await ask(query, endpoint, signal);
      }
      onAnswer();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  if (signal.aborted) throw new Fault("interrupted", "canary: interrupted");
  return outputs;
}

async function ask(query: GoldenQuery, endpoint: EndpointOptions, signal: AbortSignal): Promise<Output> {
  const { method, headers, timeoutMs, outputPointer } = endpoint;
  const body = method === "GET" || method === "HEAD" ? undefined : bodyOf(query, endpoint.body);
  const startedAt = performance.now();
  const taken = (): number => Math.round((performance.now() - startedAt) * 1_000) / 1_000;
  try {
    const response = await fetch(urlOf(query, endpoint.url), {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await bounded(response);
    const answer = { id: query.id, status: response.status, latencyMs: taken() };
    if (!response.ok) return { ...answer, output: undefined };
    try {
      return { ...answer, output: text === "" ? null : pointed(parseLenient(text), outputPointer) };
    } catch (error) {
      const reason = error instanceof PointerProblem ? error.message : "the answer is no JSON";
      return { ...answer, status: 0, output: undefined, error: reason };
    }
  } catch (error) {
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    const reason = timedOut ? `no answer in ${timeoutMs} ms` : reasonOf(error);
    return { id: query.id, status: 0, latencyMs: taken(), output: undefined, error: reason };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > answerBytesMax) throw new Error(`an answer of more than ${answerBytesMax} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString("utf8");
}

class PointerProblem extends Error {}

function pointed(value: unknown, pointer: string): unknown {
  let at = value;
  for (const step of pointer.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key))
      throw new PointerProblem(`the answer has no ${pointer}`);
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

export function urlOf(query: GoldenQuery, template: string): string {
  return template.replace(placeholder, (_, root: string, path: string) => {
    const value = valueAt(query, root, path);
    return encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value ?? null));
  });
}

export function bodyOf(query: GoldenQuery, template: string | undefined): string {
  if (template === undefined) return JSON.stringify(query.request ?? null);
  return template.replace(placeholder, (_, root: string, path: string) =>
    JSON.stringify(valueAt(query, root, path) ?? null),
  );
}

function valueAt(query: GoldenQuery, root: string, path: string): unknown {
  let at: unknown = root === "id" ? query.id : query.request;
  for (const key of path.split(".").slice(1)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
