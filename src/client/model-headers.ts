import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** The model that answers: what "every response header must include". */
export interface ServedModel {
  /** As `process.env` has them: when one is missing, `modelHeaders` throws. */
  readonly gitSha: string | undefined;
  /** URI of the weights. */
  readonly weights: string | undefined;
  readonly version?: string | undefined;
  /** Version of the feature view that it was trained on. */
  readonly featureViewVersion?: number | undefined;
}

/** As much of Hono's context as is needed. */
interface HonoContext {
  header(name: string, value: string): void;
}

/** As much of Fastify's instance and reply as is needed. */
interface FastifyLike {
  addHook(
    name: "onSend",
    hook: (
      request: unknown,
      reply: { header(name: string, value: string): unknown },
      payload: unknown,
    ) => Promise<unknown>,
  ): unknown;
}

export interface ModelHeaders {
  /** By name: `x-model-git-sha`, `x-model-weights`, and more where they are known. */
  readonly headers: Readonly<Record<string, string>>;
  /** Wraps a node:http listener; also good as Connect and Express middleware: `app.use(http())`. */
  http(
    listener?: RequestListener,
  ): (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;
  /** `app.register(fastify)`: holds for the whole app, errors and 404 included. */
  readonly fastify: (app: FastifyLike) => Promise<void>;
  /** `app.use(hono)` */
  readonly hono: (context: HonoContext, next: () => Promise<void>) => Promise<void>;
}

const placeholders = /^(?:unknown|none|null|undefined|todo|latest|head|main|master|dev|dirty|0+)$/i;

/**
 * Puts the model's git hash and the URI of its weights on every response. A service that cannot say what it serves must not
 * start: that is what this throws for.
 * @throws TypeError naming what is missing
 */
export function modelHeaders({ gitSha, weights, version, featureViewVersion }: ServedModel): ModelHeaders {
  if (typeof gitSha !== "string" || !/^[0-9a-f]{7,64}$/.test(gitSha) || placeholders.test(gitSha))
    throw new TypeError(
      `modelHeaders: gitSha ${shown(gitSha)} is no git commit (7 to 64 hexadecimal digits): the service must not start`,
    );
  if (typeof weights !== "string" || placeholders.test(weights) || !/^[a-z][a-z0-9+.-]*:\S+$/i.test(weights))
    throw new TypeError(
      `modelHeaders: weights ${shown(weights)} is no URI such as s3://bucket/model: the service must not start`,
    );
  const headers: Record<string, string> = {
    "x-model-git-sha": gitSha,
    "x-model-weights": weights.replace(/[^\x21-\x7e]+/gu, (part) => encodeURIComponent(part.toWellFormed())),
  };
  if (version !== undefined) headers["x-model-version"] = version;
  if (featureViewVersion !== undefined) headers["x-feature-view-version"] = String(featureViewVersion);
  const entries = Object.entries(headers);
  const fastify = async (app: FastifyLike): Promise<void> => {
    app.addHook("onSend", async (_request, reply, payload) => {
      for (const [name, value] of entries) reply.header(name, value);
      return payload;
    });
  };
  return {
    headers,
    http: (listener) => (request, response, next) => {
      holdHeaders(response, entries);
      listener?.(request, response as Parameters<RequestListener>[1]);
      next?.();
    },
    // Fastify's mark of a plugin that is no scope of its own: the hook is the whole app's
    fastify: Object.assign(fastify, { [Symbol.for("skip-override")]: true }),
    hono: async (context, next) => {
      await next();
      for (const [name, value] of entries) context.header(name, value);
    },
  };
}

/** Sets them now, for whoever looks, and again when the head is written: what a handler says of them does not go out. */
function holdHeaders(response: ServerResponse, entries: readonly (readonly [string, string])[]): void {
  const own = new Set(entries.map(([name]) => name));
  const isOther = (name: unknown): boolean => !own.has(String(name).toLowerCase());
  /** A reason is a text; headers are an object, a list of pairs, or names and values by turns. */
  const others = (given: unknown): unknown => {
    if (typeof given !== "object" || given === null) return given;
    if (!Array.isArray(given))
      return Object.fromEntries(Object.entries(given).filter(([name]) => isOther(name)));
    if (Array.isArray(given[0])) return given.filter(([name]) => isOther(name));
    return given.filter((_, at) => isOther(given[at - (at % 2)]));
  };
  const set = (): void => {
    for (const [name, value] of entries) response.setHeader(name, value);
  };
  const head = response as { writeHead: (status: number, ...rest: unknown[]) => ServerResponse };
  const writeHead = head.writeHead.bind(response);
  head.writeHead = (status, ...rest) => {
    if (!response.headersSent) set();
    return writeHead(status, ...rest.map(others));
  };
  set();
}

function shown(value: unknown): string {
  return value === undefined ? "(missing)" : JSON.stringify(value);
}
