import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { Clock } from "../model/time.ts";
import { parseInstant } from "../model/time.ts";
import type { Board, Intake, ViewStatus } from "../pipeline/board.ts";
import { verdictsOf, viewSummary, windowsOf } from "./api.ts";
import { live } from "./dashboard/live.ts";
import { renderDashboard } from "./dashboard/page.ts";
import { style } from "./dashboard/style.ts";
import { createEvents } from "./events.ts";
import { gateCode, gateOf, isSegmentOf } from "./gate.ts";
import { defaultThresholds, type HealthThresholds, healthOf } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { openapi } from "./openapi.ts";
import { Problem, problemBody } from "./problem.ts";
import { arrowType, createValidator, type Validator } from "./validate.ts";

export interface ServerOptions {
  readonly board: Board;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Port 0 picks a free one. */
  readonly http: { readonly host: string; readonly port: number };
  readonly version: string;
  readonly log: { warn(object: object, message: string): void };
  /** Records behind, by `partitionKey`. */
  readonly lag: () => ReadonlyMap<string, number>;
  readonly deliveryFailures: () => ReadonlyMap<string, number>;
  readonly thresholds?: Partial<HealthThresholds>;
}

export interface Server {
  /** Where it listens. @throws Fault `http.failed` when the port is taken */
  listen(): Promise<URL>;
  close(): Promise<void>;
}

/** Scripts and styles from ourselves only, nothing inline, nothing embedded elsewhere. */
const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createServer(options: ServerOptions): Server {
  const { board, http, limits } = options;
  const app = Fastify({
    bodyLimit: limits.httpBodyBytes,
    requestIdHeader: "x-request-id",
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  });
  // bodies are bytes to us: the decoder reads them, not the framework
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onSend", async (request, reply, payload) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    return payload;
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  app.setNotFoundHandler((request) => {
    throw new Problem(
      404,
      "not found",
      `${request.method} ${request.url.slice(0, 200)}: no such resource; see /openapi.json`,
    );
  });
  const events = createEvents(board);
  addHealth(app, options);
  addViews(app, options);
  addPages(app, options);
  app.get("/v1/events", (request, reply) => events.serve(request, reply));
  return {
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

function addHealth(app: FastifyInstance, options: ServerOptions): void {
  const { board, clock } = options;
  const thresholds = { ...defaultThresholds, ...options.thresholds };
  const metrics = createMetrics(options);
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = board.ready();
    reply.code(ready ? 200 : 503);
    return { ready };
  });
  app.get("/health", async (_request, reply) => {
    const health = healthOf(board, clock, process.memoryUsage.rss(), thresholds);
    reply.code(health.status === "ok" ? 200 : 503);
    return health;
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}

function addViews(app: FastifyInstance, { board, intake, limits }: ServerOptions): void {
  const validators = new Map<string, Validator>();
  const statusOf = (request: FastifyRequest, reply: FastifyReply): ViewStatus => {
    const { view: name } = request.params as { view: string };
    const status = board.view(name);
    if (status === undefined) {
      const known = board.views().map(({ view }) => view.name);
      throw new Problem(
        404,
        "unknown feature view",
        `no feature view "${name.slice(0, 100)}"; there are ${known.join(", ") || "none"}`,
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
  app.post("/v1/validate/:view", async (request, reply) => {
    const status = statusOf(request, reply);
    const { name } = status.view;
    const validator = validators.get(name) ?? createValidator(status, intake, limits);
    validators.set(name, validator);
    const arrow = (request.headers["content-type"] ?? "").startsWith(arrowType);
    return validator.validate((request.body as Uint8Array | undefined) ?? new Uint8Array(), arrow);
  });
  app.get("/v1/feature-views", async () => board.views().map(viewSummary));
  app.get("/v1/windows/:view", async (request, reply) => {
    const { from, to } = request.query as { from?: string; to?: string };
    return windowsOf(statusOf(request, reply), instantOf("from", from), instantOf("to", to));
  });
  app.get("/v1/verdicts", async (request) => {
    const { view, status, limit } = request.query as { view?: string; status?: string; limit?: string };
    return verdictsOf(board, view, status, limit);
  });
  app.get("/v1/alerts", async () => board.activeAlerts());
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
  if (model.gitSha !== undefined) reply.header("x-model-git-sha", model.gitSha);
  if (model.weights !== undefined) reply.header("x-model-weights", model.weights);
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
