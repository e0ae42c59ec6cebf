import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Scope } from "../services/process.ts";

/** A wire that can be cut: everything to `port` goes on to `target` on the loopback interface. */
export interface Wire {
  readonly port: number;
  /** Every connection breaks, and none is taken. */
  cut(): void;
  /** What is sent arrives, and no answer comes back, until it is mended. */
  mute(): void;
  mend(): void;
  /** Connections that came while it was cut. */
  refused(): number;
}

export async function startProxy(scope: Scope, target: number, port = 0): Promise<Wire> {
  const sockets = new Set<Socket>();
  let [whole, muted, refused] = [true, false, 0];
  const server = createServer((near) => {
    if (!whole) {
      refused += 1;
      near.resetAndDestroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far);
    far.on("data", (bytes) => {
      if (!muted && !near.write(bytes)) far.pause();
    });
    near.on("drain", () => far.resume());
    far.on("end", () => near.end());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    whole = false;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  scope.after(() => {
    cut();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    cut,
    mute() {
      muted = true;
    },
    refused: () => refused,
    mend() {
      [whole, muted] = [true, false];
    },
  };
}
