import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics, register } from "prom-client";

/** A service that eats memory, 8 MiB a second by the clock, however late its turn comes, and says so to Prometheus as node a7: its address is its first line. */
const [stepBytes, stepMs] = [2 * 2 ** 20, 250];
const kept: Buffer[] = [];
const startedAt = performance.now();
setInterval(() => {
  while (kept.length < Math.floor((performance.now() - startedAt) / stepMs))
    kept.push(Buffer.alloc(stepBytes, 1));
}, stepMs);

register.setDefaultLabels({ node: "a7" });
collectDefaultMetrics();
const server = createServer(async (_request, response) => {
  response.setHeader("content-type", register.contentType);
  response.end(await register.metrics());
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
