import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGate } from "../src/client/gate.ts";
import { median, script, serving, tidemark, writeSpec } from "./processes.ts";
import { eventsOf } from "./produce.ts";
import type { BenchResult, BenchRow } from "./run.ts";

const connections = 16;
const view = "workload";

/**
 * The two gates, against doing without. `POST /v1/validate` of one JSON row of 20 fields, which is checked and profiled, beside a
 * bare `node:http` server that parses the same body and answers: requests a second over 16 connections, each server a process of
 * its own, turn by turn. And the gate of `tidemark/client` in front of an async function, beside calling that alone.
 */
export async function serveBench({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  try {
    const specs = await writeSpec(dir, view);
    const config = join(dir, "tidemark.yaml");
    writeFileSync(config, JSON.stringify({ specs, http: { port: 0 }, state: { dir } }));
    const [bare, ours]: [number[], number[]] = [[], []];
    const gates: { readonly bareNs: number; readonly gateNs: number }[] = [];
    for (let run = 0; run < (quick ? 1 : 3); run++) {
      for (const [line, path, into] of [
        [script("bare-server.ts"), "/", bare],
        [[tidemark, "run", "--config", config], `/v1/validate/${view}`, ours],
      ] as const) {
        const server = await serving(line);
        try {
          into.push(await requestsPerSecond(server.url, path, quick ? 1_000 : 2_500));
          if (into === ours) gates.push(await gateNs(server.url));
        } finally {
          await server.stop();
        }
      }
    }
    const [bareNs, gateNsMedian] = [
      median(gates.map(({ bareNs }) => bareNs)),
      median(gates.map(({ gateNs }) => gateNs)),
    ];
    const rows: BenchRow[] = [
      {
        what: "validate, one JSON row a request",
        ours: `${(median(ours) / 1e3).toFixed(1)} k requests/s`,
        peer: `bare node:http + JSON.parse ${(median(bare) / 1e3).toFixed(1)} k requests/s`,
        ratio: median(ours) / median(bare),
      },
      {
        what: "gate.run of an async function",
        ours: `${gateNsMedian.toFixed(0)} ns a call`,
        peer: `the call alone ${bareNs.toFixed(0)} ns`,
        ratio: bareNs / gateNsMedian,
      },
    ];
    return {
      ratios: {
        "validate.vsBare": median(ours) / median(bare),
        "gate.vsBare": bareNs / gateNsMedian,
      },
      figures: { "gate.nsPerCall": gateNsMedian - bareNs },
      rows,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** After as long a time to warm up. Every connection has one request under way. */
async function requestsPerSecond(url: URL, path: string, forMs: number): Promise<number> {
  const requests = eventsOf(1).map((event) => {
    const body = `{"event_time":${Date.now()},${event}`;
    const head = `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    return Buffer.from(head + body);
  });
  let [answers, number] = [0, 0];
  const failed = Promise.withResolvers<never>();
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(url.port), url.hostname);
    const ask = (): void => void socket.write(requests[number++ % requests.length] as Buffer);
    let left = 0;
    socket.on("connect", ask);
    socket.on("error", failed.reject);
    socket.on("data", (chunk) => {
      if (left > 0) left -= chunk.length;
      else {
        const text = chunk.toString("latin1");
        const end = text.indexOf("\r\n\r\n") + 4;
        const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1];
        if (!text.startsWith("HTTP/1.1 200") || length === undefined)
          failed.reject(new Error(`${path}: ${text.slice(0, 300)}`));
        left = end + Number(length) - chunk.length;
      }
      if (left > 0) return;
      answers++;
      ask();
    });
    return socket;
  });
  const pause = (): Promise<unknown> =>
    Promise.race([failed.promise, new Promise((done) => setTimeout(done, forMs))]);
  await pause();
  const [from, at] = [answers, performance.now()];
  await pause();
  const perSecond = ((answers - from) * 1_000) / (performance.now() - at);
  for (const socket of sockets) socket.destroy();
  return perSecond;
}

const calls = 1_000_000;

/** Of a call through the gate, and of the same call alone. */
async function gateNs(url: URL): Promise<{ bareNs: number; gateNs: number }> {
  const gate = createGate({ view, url, fail: "closed" });
  try {
    if (!(await gate.ready())) throw new Error(`${url.href}: the gate is not ready`);
    let served = 0;
    const primary = async (): Promise<void> => void served++;
    const fallback = async (): Promise<void> => undefined;
    const time = async (call: () => Promise<void>): Promise<number> => {
      const start = performance.now();
      for (let i = 0; i < calls; i++) await call();
      return ((performance.now() - start) * 1e6) / calls;
    };
    const through = (): Promise<void> => gate.run(primary, fallback);
    await time(primary);
    await time(through);
    const measured = { bareNs: await time(primary), gateNs: await time(through) };
    if (served !== 4 * calls) throw new Error(`${served} of ${4 * calls} calls went through the gate`);
    return measured;
  } finally {
    await gate.close();
  }
}
