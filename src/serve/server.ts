import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { CanaryShape } from "../canary/render.ts";
import { Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { Clock, Elapsed } from "../model/time.ts";
import { parseInstant } from "../model/time.ts";
import type { Board, Intake, Orders, ViewStatus } from "../pipeline/board.ts";
import { nearest } from "../spec/nearest.ts";
import { allowedMethods } from "./allowed.ts";
import { alertBody, verdictsOf, viewSummary, windowsOf } from "./api.ts";
import { createBasis, explained } from "./basis.ts";
import { canaryOf } from "./canary.ts";
import { live } from "./dashboard/live.ts";
import { renderDashboard } from "./dashboard/page.ts";
import { style } from "./dashboard/style.ts";
import { createEvents } from "./events.ts";
import { authzCode, gateCode, gateOf, isSegmentOf, proxyMethods } from "./gate.ts";
import { defaultThresholds, type HealthThresholds, healthOf } from "./health.ts";
import { createMetrics, type MemoryStatus } from "./metrics.ts";
import { openapi } from "./openapi.ts";
import { orderAnswer, readOrder, requireToken } from "./orders.ts";
import { Problem, problemBody } from "./problem.ts";
import { residentBytes } from "./resident.ts";
import { createValidators, type Validators } from "./validate.ts";

export interface ServerOptions {
  readonly board: Board;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Port 0 picks a free one. */
  readonly http: { readonly host: string; readonly port: number; readonly token?: string | undefined };
  readonly orders: Orders;
  readonly version: string;
  readonly log: { warn(object: object, message: string): void };
  /** Records behind, by `partitionKey`. */
  readonly lag: () => ReadonlyMap<string, number>;
  /** When Kafka last answered, by reader; absent: nothing is read there. */
  readonly readers?: () => ReadonlyMap<string, Elapsed>;
  readonly deliveryFailures: () => ReadonlyMap<string, number>;
  readonly memory?: () => MemoryStatus;
  readonly thresholds?: Partial<HealthThresholds>;
  /** HTTP connections at a time; one more is closed at once. Infinity by default. */
  readonly connectionsMax?: number;
  /** Folders of `tidemark canary --out`, by id. */
  readonly canaryDir?: string;
}

export interface Server {
  /** `GET /v1/gate/{view}`: every route, but for the HEAD that comes with a GET. */
  readonly routes: readonly string[];
  /** Where it listens. @throws Fault `http.failed` when the port is taken */
  listen(): Promise<URL>;
  close(): Promise<void>;
}

/** Scripts and styles from ourselves only, nothing inline, nothing embedded elsewhere. */
const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A request that has not arrived as a whole by then is let go. */
const requestTimeoutMs = 30_000;
/** Connections over the bound are told of at most so often. */
const dropsToldEveryMs = 60_000;
const namesListed = 20;

export function createServer(options: ServerOptions): Server {
  const { board, http, limits } = options;
  const app = Fastify({
    bodyLimit: limits.httpBodyBytes,
    requestTimeout: requestTimeoutMs,
    requestIdHeader: false,
    genReqId: requestIdOf,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (error, request, reply) => {
      reply.headers({ "x-request-id": request.id, ...commonHeaders }); // no hook runs for these
      answerError(error, request, reply, options.log);
    },
  });
  // bodies are bytes to us: the decoder reads them, not the framework
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onSend", async (request, reply, payload) => {
    reply.headers({ "x-request-id": request.id, ...commonHeaders });
    return payload;
  });
  app.addHook("onRequest", async (request) => refuseOtherSites(request));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  const routes: [method: string, url: string][] = [];
  app.addHook("onRoute", ({ method, url }) => void routes.push([String(method), url]));
  app.setNotFoundHandler((request, reply) => {
    const asked = `${request.method} ${request.url.slice(0, 200)}`;
    const allowed = allowedMethods(routes, request.url.replace(/\?.*$/s, ""));
    if (allowed.length === 0)
      throw new Problem(404, "not found", `${asked}: no such resource; see /openapi.json`);
    reply.header("allow", allowed.join(", "));
    throw new Problem(405, "method not allowed", `${asked}: it takes ${allowed.join(", ")}`);
  });
  boundConnections(app, options);
  const events = createEvents(board);
  const validators = createValidators(options);
  addHealth(app, options, validators);
  addViews(app, options, validators);
  addCanaries(app, options);
  addPages(app, options);
  app.get("/v1/events", { exposeHeadRoute: false }, (request, reply) => {
    events.serve(reply, { "x-request-id": request.id, ...commonHeaders });
  });
  return {
    routes: routes
      .filter(([method]) => method !== "HEAD")
      .map(([method, url]) => `${method} ${url.replaceAll(/:(\w+)/g, "{$1}")}`),
    async listen() {
      try {
        await app.listen({ host: http.host, port: http.port });
      } catch (cause) {
        throw new Fault(
          "http.failed",
          `http ${http.host}:${http.port}: ${cause instanceof Error ? cause.message : String(cause)}`,
          {
            cause,
            hint: "is another tidemark running? set http.port, or --port 0 for a free one",
          },
        );
      }
      const address = app.server.address();
      const port = typeof address === "object" && address !== null ? address.port : http.port;
      return new URL(`http://${http.host.includes(":") ? `[${http.host}]` : http.host}:${port}/`);
    },
    async close() {
      events.close();
      await app.close();
    },
  };
}

function boundConnections(app: FastifyInstance, { connectionsMax, clock, log }: ServerOptions): void {
  if (connectionsMax === undefined || !Number.isFinite(connectionsMax)) return;
  let toldAt = Number.NEGATIVE_INFINITY;
  app.server.maxConnections = connectionsMax;
  app.server.on("drop", () => {
    if (clock.elapsed() - toldAt < dropsToldEveryMs) return;
    toldAt = clock.elapsed();
    log.warn({ connectionsMax }, `http: over ${connectionsMax} connections: more are closed at once`);
  });
}

function addHealth(app: FastifyInstance, options: ServerOptions, validators: Validators): void {
  const { board, clock } = options;
  const thresholds = { ...defaultThresholds, ...options.thresholds };
  const metrics = createMetrics({ ...options, gates: validators.counts });
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = board.ready();
    reply.code(ready ? 200 : 503);
    return { ready };
  });
  app.get("/health", async (_request, reply) => {
    const health = healthOf(board, clock, residentBytes(), thresholds, options.readers?.());
    reply.code(health.status === "ok" ? 200 : 503);
    return health;
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}

function addViews(
  app: FastifyInstance,
  { board, http, orders, clock }: ServerOptions,
  validators: Validators,
): void {
  const statusOf = (request: FastifyRequest, reply: FastifyReply): ViewStatus => {
    const { view: name } = request.params as { view: string };
    const status = board.view(name);
    if (status === undefined) {
      throw unknownView(
        name,
        board.views().map(({ view }) => view.name),
      );
    }
    modelHeaders(status, reply);
    return status;
  };
  app.get("/v1/gate/:view", async (request, reply) => {
    const status = statusOf(request, reply);
    const { segment } = request.query as { segment?: string };
    if (segment !== undefined && !isSegmentOf(status, segment)) {
      const fields = status.view.segments.join(", ") || "none";
      throw new Problem(400, "unknown segment", `segment is field:value, with a field of: ${fields}`);
    }
    const answer = gateOf(status, segment);
    reply.code(gateCode(answer)).header("cache-control", "no-store");
    return answer;
  });
  // proxies ask with the caller's own method, and Envoy with its path behind ours
  for (const method of proxyMethods) {
    for (const path of ["/v1/gate/:view/authz", "/v1/gate/:view/authz/*"]) {
      app.route({
        method,
        url: path,
        handler: async (request, reply) => {
          const answer = gateOf(statusOf(request, reply), undefined);
          reply.code(authzCode(answer)).header("cache-control", "no-store");
          return answer;
        },
      });
    }
  }
  app.post("/v1/breakers/:view", async (request, reply) => {
    requireToken(request, http.token);
    const status = statusOf(request, reply);
    const body = (request.body as Uint8Array | undefined) ?? new Uint8Array();
    const order = readOrder(body, status, clock.now());
    await orders.order(order);
    reply.code(202);
    return orderAnswer(order);
  });
  app.post("/v1/validate/:view", async (request, reply) => {
    const status = statusOf(request, reply);
    const validator = validators.of(status.view);
    const body = (request.body as Uint8Array | undefined) ?? new Uint8Array();
    return validator.validate(body, request.headers["content-type"] ?? "");
  });
  app.get("/v1/feature-views", async () => board.views().map(viewSummary));
  app.get("/v1/windows/:view", async (request, reply) => {
    const { from, to } = request.query as { from?: string; to?: string };
    return windowsOf(statusOf(request, reply), instantOf("from", from), instantOf("to", to));
  });
  app.get("/v1/verdicts", async (request) => {
    const { view, status, limit } = request.query as { view?: string; status?: string; limit?: string };
    const known = board.views().map(({ view: { name } }) => name);
    if (view !== undefined && !known.includes(view)) throw unknownView(view, known);
    return verdictsOf(board, view, status, limit);
  });
  app.get("/v1/alerts", async () => board.activeAlerts().map(alertBody));
  const basis = createBasis(board);
  app.get("/v1/alerts/:fingerprint", async (request) => {
    const { fingerprint } = request.params as { fingerprint: string };
    const alert = board.activeAlerts().find((each) => each.fingerprint === fingerprint);
    if (alert === undefined)
      throw new Problem(
        404,
        "no such alert",
        `${fingerprint} does not fire now; those that do are at /v1/alerts`,
      );
    return explained(alert, board.view(alert.featureView), basis);
  });
}

/** GET says it to Argo Rollouts; POST is Flagger's webhook, which goes by the status alone. */
function addCanaries(app: FastifyInstance, { canaryDir }: ServerOptions): void {
  const verdictOf = (request: FastifyRequest): Promise<CanaryShape> =>
    canaryOf(canaryDir, (request.params as { id: string }).id);
  app.get("/v1/canary/:id", async (request, reply) => {
    reply.header("cache-control", "no-store");
    return verdictOf(request);
  });
  app.post("/v1/canary/:id", async (request) => {
    const shape = await verdictOf(request);
    const { ok, verdict, reason } = shape.data;
    if (!ok) throw new Problem(412, `canary: ${verdict}`, reason, shape.data);
    return shape;
  });
}

function addPages(app: FastifyInstance, { board, version }: ServerOptions): void {
  app.get("/openapi.json", async () => openapi(version));
  app.get("/", async (_request, reply) => {
    reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", contentSecurityPolicy)
      .header("cache-control", "no-store");
    return renderDashboard(board, version);
  });
  app.get("/dashboard.css", async (_request, reply) => {
    reply.type("text/css; charset=utf-8");
    return style;
  });
  app.get("/dashboard.js", async (_request, reply) => {
    reply.type("text/javascript; charset=utf-8");
    return live;
  });
}

/** "Every response header must include the model's Git hash and the weights' URI": when there is one model to name. */
function modelHeaders({ view }: ViewStatus, reply: FastifyReply): void {
  const [model, other] = view.models;
  if (model === undefined || other !== undefined) return;
  if (model.gitSha !== undefined) reply.header("x-model-git-sha", headerText(model.gitSha));
  if (model.weights !== undefined) reply.header("x-model-weights", headerText(model.weights));
}

/** What a header cannot hold is percent-encoded. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/gu, (part) => encodeURIComponent(part.toWellFormed()));
}

const commonHeaders = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" } as const;

/** The caller's own id if it can be a label in a log, else one of ours. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && /^[\x21-\x7e]{1,200}$/.test(given) ? given : randomUUID();
}

/** Browsers name the page that a request comes from: no other site may feed rows to the gate behind its visitor's back. */
function refuseOtherSites({ method, headers, routeOptions }: FastifyRequest): void {
  const { origin, host } = headers;
  if (routeOptions.url?.startsWith("/v1/gate/") === true) return; // asked by proxies with the visitor's headers; changes nothing
  if (method === "GET" || method === "HEAD" || origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new Problem(403, "another origin", `${origin.slice(0, 100)} may not ${method} here`);
}

function unknownView(name: string, known: readonly string[]): Problem {
  const shown = known.slice(0, namesListed).join(", ");
  const guess = nearest(name, known);
  const more = known.length > namesListed ? `, and ${known.length - namesListed} more` : "";
  return new Problem(
    404,
    "unknown feature view",
    `no feature view "${name.slice(0, 100)}"${guess === undefined ? "" : `: did you mean "${guess}"?`}; there are ${shown || "none"}${more}`,
  );
}

function instantOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = parseInstant(text);
  if (time !== undefined) return time;
  throw new Problem(
    400,
    "bad query",
    `${name} is ISO 8601 or epoch milliseconds, not "${text.slice(0, 60)}"`,
  );
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: ServerOptions["log"],
): void {
  const problem = problemOf(error);
  if (problem.status >= 500) {
    log.warn({ err: error, requestId: request.id, url: request.url }, "request failed");
  }
  reply.code(problem.status).type("application/problem+json").send(problemBody(problem));
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode !== undefined && statusCode < 500) return new Problem(statusCode, "bad request", message);
  if (error instanceof Fault && error.retryable) return new Problem(503, "not now", error.message);
  return new Problem(500, "internal error", "see the log of the process");
}
