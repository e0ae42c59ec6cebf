import { createServer as createProbe } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import pino from "pino";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import type { EventTime } from "../model/time.ts";
import type { MonitoredView } from "../pipeline/cell.ts";
import type { Monitor } from "../pipeline/monitor.ts";
import type { Sink } from "../pipeline/ports.ts";
import type { Summary } from "../pipeline/summary.ts";
import { createServer } from "../serve/server.ts";
import { type Incident, readIncident } from "./incident.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { count, paintFor, span } from "./paint.ts";
import { createPlay, filesFor } from "./play.ts";
import { createProgress } from "./progress.ts";
import { createStory, type Story, type Telling } from "./story.ts";
import { summaryText } from "./summary-text.ts";
import { version } from "./version.ts";
import { readBaseline, readSpec } from "./views.ts";
import { systemClock } from "./wire.ts";

const [host, defaultPort] = ["127.0.0.1", 8787];
/** Half an hour of event time a second, and time to read where something happens. */
const [eventMsPerSecond, readingMs] = [1_800_000 * 1.6, 1_500];

interface DemoOptions {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly port?: number;
}

export function addDemo(program: Command, io: Io): void {
  program
    .command("demo")
    .description("The incident of replay-data, played through the pipeline of `run`: see it being caught.")
    .option("--once", "as fast as it goes, no server, ends with the summary")
    .option("--json", "print the summary as JSON, and nothing else, on stdout")
    .option(
      "--port <port>",
      `HTTP port of dashboard and gate (default: ${defaultPort}, or the next free one)`,
      portOf,
    )
    .addHelpText(
      "after",
      `
Examples:
  tidemark demo                 the story, about half a minute; then http://${host}:${defaultPort}/ until Ctrl-C
  tidemark demo --once --json   the summary, for machines`,
    )
    .action((options: DemoOptions) => demo(options, io));
}

async function demo(options: DemoOptions, io: Io): Promise<void> {
  const incident = readIncident("tensor-collapse");
  const view = readSpec(incident.spec);
  const baseline = readBaseline(incident.baseline);
  const paint = paintFor(io);
  const quiet = options.once === true && options.json === true;
  const progress = createProgress(io, "playing");
  const say = (text: string): void => {
    if (quiet) return;
    progress.clear();
    io.stderr(`${text}\n`);
  };
  const serving: { url: URL | undefined } = { url: undefined };
  const story = createStory({
    view,
    events: incident.story,
    paint,
    say,
    askGate: () => askGate(view, play.monitor, serving.url),
  });
  const play = createPlay({
    view,
    baseline,
    limits: defaultLimits,
    clock: { ...systemClock, now: io.now },
    sinks: [telling(story)],
  });
  const server = options.once === true ? undefined : await serve(play.monitor, options.port, say);
  serving.url = server?.url;
  introduce(incident, { view, baseline }, serving.url, say, paint.bold);

  const pace = createPace(io.signal);
  const summary = await play.run(
    filesFor(view, [incident.input], defaultLimits),
    io.signal,
    async (message) => {
      if (message.body.kind !== "batch") return;
      story.rows(message.body.batch);
      if (options.once === true) return;
      progress.update(() => play.reached());
      await pace(play.reached().eventTime, story.takeTold());
    },
  );
  progress.clear();
  if (io.signal.aborted) {
    await server?.close();
    throw new Exit(130);
  }
  conclude(options, io, summary, story.telling(), paint);
  if (server === undefined) return;
  say(`\n  ${paint.bold("dashboard")}  ${server.url.href}   stays up until Ctrl-C`);
  await new Promise<void>((done) => io.signal.addEventListener("abort", () => done(), { once: true }));
  await server.close();
}

function telling(story: Story): Sink {
  return {
    name: "story",
    accept: (outcomes) => story.outcomes(outcomes),
    close: async () => undefined,
  };
}

function introduce(
  { title, teller }: Incident,
  { view, baseline }: MonitoredView,
  url: URL | undefined,
  say: (text: string) => void,
  bold: (text: string) => string,
): void {
  const embedding = view.fields.find(({ type }) => type === "embedding");
  const facts = [`${view.name} v${view.version}`, `${view.fields.length} fields`];
  if (embedding !== undefined) facts.push(`a ${embedding.dimensions}-dimensional embedding`);
  say(`\n  ${bold(`tidemark demo · ${title}`)}\n`);
  for (const line of teller) say(`  ${line}`);
  say(
    "  Here is that day again, through the very pipeline of `tidemark run`. Times are the data's own, in UTC.\n",
  );
  say(`  ${bold("watches")}    ${facts.join(" · ")}`);
  if (baseline !== undefined)
    say(
      `  ${bold("knows")}      ${count(baseline.rows)} events of ${span(baseline.to - baseline.from)}, all clean`,
    );
  if (url !== undefined) {
    say(`  ${bold("dashboard")}  ${url.href}`);
    say(`  ${bold("gate")}       ${new URL(`/v1/gate/${view.name}`, url).href}`);
  }
  say("");
}

function conclude(
  { json }: DemoOptions,
  io: Io,
  summary: Summary,
  told: Telling,
  paint: ReturnType<typeof paintFor>,
): void {
  const whole = {
    ...summary,
    eventsUntilOpen: told.eventsUntilOpen,
    eventTimeUntilOpenMs: told.eventTimeUntilOpenMs,
  };
  if (json === true) {
    io.stdout(formatJson(whole));
    return;
  }
  io.stderr(`\n  ${paint.bold("In short")}\n\n`);
  io.stdout(summaryText(summary, paintFor({ ...io, isTTY: false })));
}

/** The gate's own answer when it is served, else what it would be. */
async function askGate(view: FeatureView, monitor: Monitor, url: URL | undefined): Promise<string> {
  const path = `/v1/gate/${view.name}`;
  const said = (status: number): string =>
    `GET ${path} → ${status}${status === 503 ? ": don't ask the model" : ": fine to ask the model"}`;
  if (url === undefined) return said(monitor.board.view(view.name)?.breaker.state === "open" ? 503 : 200);
  const response = await fetch(new URL(path, url));
  await response.arrayBuffer();
  return said(response.status);
}

async function serve(
  monitor: Monitor,
  wanted: number | undefined,
  say: (text: string) => void,
): Promise<{ url: URL; close(): Promise<void> }> {
  const port = wanted === undefined ? await freePort() : wanted;
  if (wanted !== undefined && wanted !== 0 && !(await isFree(wanted))) {
    throw new Fault("http.failed", `port ${wanted} of ${host} is taken`, {
      hint: "give another --port, or none: then the next free one is taken",
    });
  }
  if (wanted === undefined && port !== defaultPort)
    say(`  port ${defaultPort} is taken: using ${port || "a free one"}`);
  const server = createServer({
    board: monitor.board,
    intake: monitor.intake,
    orders: monitor,
    clock: systemClock,
    limits: defaultLimits,
    http: { host, port },
    version,
    log: pino({ level: "silent" }),
    lag: () => new Map(),
    deliveryFailures: () => new Map(),
  });
  return { url: await server.listen(), close: () => server.close() };
}

async function freePort(): Promise<number> {
  for (let port = defaultPort; port < defaultPort + 20; port++) if (await isFree(port)) return port;
  return 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createProbe();
    probe.once("error", () => done(false));
    probe.listen(port, host, () => probe.close(() => done(true)));
  });
}

/** Waits until the data's own clock, sped up, has come as far; longer where something was told. */
function createPace(signal: AbortSignal): (reached: EventTime | undefined, told: boolean) => Promise<void> {
  let last: EventTime | undefined;
  let owedMs = 0;
  return async (reached, told) => {
    if (reached !== undefined && last !== undefined) owedMs += ((reached - last) / eventMsPerSecond) * 1_000;
    last = reached ?? last;
    if (told) owedMs += readingMs;
    if (owedMs < 10) return;
    const wait = owedMs;
    owedMs = 0;
    await sleep(wait, undefined, { signal }).catch(() => undefined); // an abort ends the wait; the play sees the signal
  };
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && text.trim() !== "") return port;
  throw new Fault("usage", `--port ${text}: not a port from 0 to 65535`);
}
