import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Scope } from "./process.ts";

export interface Server {
  readonly url: URL;
  stop(): Promise<void>;
}

/** A server that answers each request with the status that `answer` resolves to, and with its text if it gives one. */
export async function startHttp(
  scope: Scope,
  answer: (request: IncomingMessage) => Promise<number | readonly [status: number, body: string]>,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const answered = await answer(request).catch((error: unknown) => {
      if (!request.destroyed || request.complete) throw error;
      return 0; // the client left in the middle of its request
    });
    if (answered === 0) return;
    const [status, body] = typeof answered === "number" ? [answered, ""] : answered;
    response.writeHead(status, { "content-type": "text/plain" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  scope.after(stop);
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), stop };
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("utf8");
}
