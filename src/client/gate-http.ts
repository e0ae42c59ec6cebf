import type { BreakerReason, BreakerStateName } from "../model/verdict.ts";
import type { Feed, GateBook } from "./gate.ts";

const [retryMinMs, retryMaxMs, requestTimeoutMs] = [250, 10_000, 5_000];
/** A line that is longer is no event of ours. */
const lineMax = 1024 * 1024;

/**
 * Follows `/v1/events`, and asks `/v1/gate/{view}` once when the stream stands (so that nothing that happened before it is
 * missed), and then often enough that a server which went away without a word is noticed.
 */
export function httpFeed(url: URL, staleAfterMs: number): Feed {
  return (book, view) => {
    const ended = new AbortController();
    const { signal } = ended;
    const following = follow(url, view, book, signal);
    const timer = setInterval(() => {
      ask(url, view, book, signal).catch((error: unknown) => book.lost(whyOf(error))); // the gate goes stale by itself
    }, staleAfterMs / 3);
    timer.unref();
    return {
      async close() {
        clearInterval(timer);
        ended.abort();
        await following;
      },
    };
  };
}

async function follow(url: URL, view: string, book: GateBook, signal: AbortSignal): Promise<void> {
  for (let retryMs = retryMinMs; !signal.aborted; retryMs = Math.min(2 * retryMs, retryMaxMs)) {
    try {
      const response = await fetch(new URL("v1/events", url), {
        signal,
        headers: { accept: "text/event-stream" },
      });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new Error(`${url.href}v1/events answered ${response.status}`);
      }
      await ask(url, view, book, signal);
      retryMs = retryMinMs;
      await readEvents(response.body, (name, data) => {
        if (name === "breaker") hear(data, view, book);
      });
      book.lost(`${url.href}v1/events ended`);
    } catch (error) {
      book.lost(whyOf(error)); // what is known goes stale, and the next round begins anew
    }
    await pause(retryMs, signal);
  }
}

/** The whole state of the view: its own, and the segments whose breakers are open. @throws when there is no answer */
async function ask(url: URL, view: string, book: GateBook, signal: AbortSignal): Promise<void> {
  const target = new URL(`v1/gate/${encodeURIComponent(view)}`, url);
  const response = await fetch(target, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  const answer: unknown = await response.json().catch(() => undefined); // another server's page
  if ((response.status !== 200 && response.status !== 503) || typeof answer !== "object")
    throw new Error(`${target.href} answered ${response.status}${detailOf(answer)}`);
  const { state, reasons, openSegments } = answer as {
    state: BreakerStateName;
    reasons: readonly BreakerReason[];
    openSegments: readonly string[];
  };
  book.clear();
  for (const segment of openSegments) book.set(segment, "open", []);
  book.set("", state, reasons);
  book.alive();
}

/** What a problem document says. */
export function detailOf(answer: unknown): string {
  const { detail } = (answer ?? {}) as { detail?: unknown };
  return typeof detail === "string" ? `: ${detail}` : "";
}

/** `fetch failed` says nothing: its cause does. */
export function whyOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const why = cause instanceof Error ? cause.message || ((cause as { code?: string }).code ?? "") : "";
  return why === "" ? message : `${message}: ${why}`;
}

function hear(data: string, view: string, book: GateBook): void {
  const { featureView, segment, to, reasons } = JSON.parse(data) as {
    featureView: string;
    segment: string | null;
    to: BreakerStateName;
    reasons: readonly BreakerReason[];
  };
  if (featureView === view) book.set(segment ?? "", to, reasons);
}

/** Server-sent events as the HTML standard has them; comments and other fields than `event` and `data` are passed over. */
export async function readEvents(
  body: AsyncIterable<Uint8Array>,
  onEvent: (name: string, data: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let [rest, name, data] = ["", "message", ""];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > lineMax) throw new Error("a line without end");
    for (const line of lines) {
      if (line === "") {
        if (data !== "") onEvent(name, data.slice(0, -1));
        [name, data] = ["message", ""];
      } else if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data += `${line.slice(5).replace(/^ /, "")}\n`;
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      done();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}
