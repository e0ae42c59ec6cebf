import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Scope } from "../services/process.ts";

/** A wire that can be cut: everything to `port` goes on to `target` on the loopback interface. */
export interface Wire {
  readonly port: number;
  /** Every connection breaks, and none is taken. */
  cut(): void;
  mend(): void;
}

export async function startProxy(scope: Scope, target: number, port = 0): Promise<Wire> {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
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
    near.pipe(far).pipe(near);
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
    mend() {
      whole = true;
    },
  };
}
