import type { FastifyReply } from "fastify";
import { isoTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { Board } from "../pipeline/board.ts";
import type { Outcome } from "../pipeline/ports.ts";
import { statusOf } from "../report/status.ts";
import { alertBody } from "./api.ts";
import { Problem } from "./problem.ts";

const clientsMax = 100;
/** A client that has not read so much is too slow and is cut off; it may come back. */
const bufferedBytesMax = 1024 * 1024;
const heartbeatMs = 15_000;

/** Server-sent events: `judged`, `breaker`, `alert`. */
export interface Events {
  /** @throws Problem 503 when there are too many listeners */
  serve(reply: FastifyReply, headers: Readonly<Record<string, string>>): void;
  close(): void;
}

export function createEvents(board: Board): Events {
  const clients = new Set<FastifyReply["raw"]>();
  const drop = (client: FastifyReply["raw"]): void => {
    clients.delete(client);
    client.end();
  };
  const send = (text: string): void => {
    for (const client of clients) {
      if (client.writableLength > bufferedBytesMax) drop(client);
      else client.write(text);
    }
  };
  const unsubscribe = board.subscribe((outcomes) => {
    if (clients.size === 0) return;
    for (const outcome of outcomes) {
      const event = eventOf(outcome);
      if (event !== undefined) send(`event: ${outcome.kind}\ndata: ${JSON.stringify(event)}\n\n`);
    }
  });
  const timer = setInterval(() => send(": still here\n\n"), heartbeatMs);
  timer.unref();
  return {
    serve(reply, headers) {
      if (clients.size >= clientsMax)
        throw new Problem(503, "too many listeners", `${clientsMax} clients listen already`);
      reply.hijack();
      const client = reply.raw;
      client.writeHead(200, {
        ...headers,
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no", // nginx would hold events back
      });
      client.write(": tidemark\n\n");
      clients.add(client);
      client.on("close", () => clients.delete(client));
    },
    close() {
      clearInterval(timer);
      unsubscribe();
      for (const client of clients) drop(client);
    },
  };
}

function eventOf(outcome: Outcome): object | undefined {
  switch (outcome.kind) {
    case "judged": {
      const { featureView, segment, window, final, rows } = outcome.judged;
      if (segment !== null) return undefined;
      const status = statusOf(outcome.judged);
      return {
        featureView,
        window: { start: isoTime(window.start), end: isoTime(window.end) },
        final,
        rows,
        status,
      };
    }
    case "breaker": {
      const { featureView, segment } = outcome.breaker;
      const { time, from, to, reasons } = outcome.transition;
      return {
        featureView,
        segment: segment === null ? null : segmentKey(segment),
        time: isoTime(time),
        from,
        to,
        reasons,
      };
    }
    case "alert":
      return alertBody(outcome.alert);
    case "dead-letter":
    case "profile":
    case "signal":
      return undefined;
  }
}
