/** The peer of the gate: reads a body, parses it, answers. Prints `{"url"}`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const row = JSON.parse(Buffer.concat(chunks).toString()) as object;
    const body = JSON.stringify({ rows: 1, fields: Object.keys(row).length });
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }));
});
process.on("SIGTERM", () => process.exit(0));
