import { Fault } from "../model/fault.ts";
import type { Config } from "./config.ts";

const timeoutMs = 10_000;

/** What a running tidemark answered. */
export interface Answer {
  readonly status: number;
  /** JSON if it was an object or a list, text otherwise. */
  readonly body: unknown;
}

/** Where tidemark serves: the `--url` that was given, else the config's http. @throws Fault `usage` for what is no URL */
export function baseOf({ url }: { readonly url?: string }, { http }: Pick<Config, "http">): URL {
  const text = url ?? `http://${http.host.includes(":") ? `[${http.host}]` : http.host}:${http.port}`;
  if (!URL.canParse(text)) throw new Fault("usage", `--url ${text}: no URL`);
  return new URL(text.endsWith("/") ? text : `${text}/`);
}

/** @throws Fault `source.unreachable` when nothing answers within 10 s */
export async function ask(url: URL, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    return { status: response.status, body: /^[{[]/.test(text) ? JSON.parse(text) : text };
  } catch (cause) {
    throw new Fault("source.unreachable", `${url.origin}: ${reasonOf(cause)}`, {
      cause,
      hint: "is `tidemark run` up? name it with --url http://HOST:PORT",
    });
  }
}

/** `fetch failed` says nothing: its cause does. */
export function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message : String(inner);
}
