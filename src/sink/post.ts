import { Fault } from "../model/fault.ts";

/** As much of an answer as anybody reads. */
const answerMax = 2_048;

/** An HTTP address that we post to, as a config writes it. */
export interface Address {
  readonly url: URL;
  /** For logs, metrics and messages: without credentials, which may stand in user info, query and path. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** User and password in the URL become an Authorization header: fetch refuses them where they were. */
export function addressOf(text: string): Address {
  const url = new URL(text);
  const { username, password, host } = url;
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
    "base64",
  );
  const authorization: Record<string, string> = username === "" ? {} : { authorization: `Basic ${basic}` };
  url.username = "";
  url.password = "";
  return { url, name: host, headers: authorization };
}

export interface Answer {
  readonly status: number;
  /** Its first 2,048 bytes or so. */
  readonly text: string;
  /** The peer's wall clock, to the second, as its `Date` header tells; undefined without one. */
  readonly date: number | undefined;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Posts JSON once. Any status is an answer; a redirect is not followed.
 * @throws Fault `sink.unreachable` (retryable) when none comes in time
 */
export async function postJson(
  address: Address,
  url: URL,
  value: unknown,
  options: PostOptions,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...address.headers, ...options.headers },
      body: JSON.stringify(value),
      redirect: "manual",
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
    });
    const date = Date.parse(response.headers.get("date") ?? "");
    return {
      status: response.status,
      text: await readStart(response),
      date: Number.isNaN(date) ? undefined : date,
    };
  } catch (cause) {
    throw new Fault("sink.unreachable", `${address.name}: ${reasonOf(cause, options.timeoutMs)}`, {
      retryable: true,
      cause,
    });
  }
}

async function readStart(response: Response): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= answerMax) break; // leaving the loop cancels the rest
  }
  return text.slice(0, answerMax).trim();
}

/** fetch hides the reason in the cause of a "fetch failed". */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message === "" && "code" in cause ? String(cause.code) : cause.message;
}
