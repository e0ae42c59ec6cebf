import { proxyMethods } from "./gate.ts";
import { ref, schemas } from "./openapi-schemas.ts";

/** OpenAPI 3.1 of every route; tests hold it against what the server answers. */
export function openapi(version: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "tidemark",
      version,
      description:
        "Gate, validation, verdicts and health of watched feature views. A method that a path does not have is answered 405, with Allow.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: {
      "/healthz": { get: operation("Liveness: the event loop turns.", json("alive", ref("Alive"))) },
      "/readyz": {
        get: operation(
          "Readiness: state is restored.",
          json("ready", ref("Ready")),
          unavailable("not ready", ref("Ready")),
        ),
      },
      "/health": {
        get: operation(
          "Deep health: ok, tainted or dead, with reasons.",
          json("ok", ref("Health")),
          unavailable("tainted or dead", ref("Health")),
        ),
      },
      "/metrics": {
        get: operation("Prometheus metrics.", {
          "200": { description: "text exposition format", content: { "text/plain": {} } },
        }),
      },
      "/v1/gate/{view}": {
        get: {
          ...operation(
            "Whether a feature view may be used.",
            json("closed or half-open", ref("Gate")),
            unavailable("open", ref("Gate")),
            problem("400", "no such segment field"),
            problem("404", "unknown view"),
          ),
          parameters: [viewParameter, query("segment", "field:value, for example node:a7")],
        },
      },
      "/v1/gate/{view}/authz": authz(),
      "/v1/gate/{view}/authz/*": authz(),
      "/v1/breakers/{view}": {
        post: {
          ...operation(
            "Opens or closes a breaker by hand, or mutes its alerts for a time.",
            {
              "202": { description: "taken down", content: { "application/json": { schema: ref("Order") } } },
            },
            problem("400", "bad order"),
            problem("401", "no token, or another"),
            problem("403", "no token is configured, or sent by a page of another origin"),
            problem("404", "unknown view"),
          ),
          parameters: [viewParameter],
          requestBody: {
            required: true,
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  properties: {
                    action: { enum: ["open", "close"] },
                    mute: { type: "string", description: "for example 2h, at most 30d" },
                    reason: { type: "string", maxLength: 500 },
                    segment: { type: "string", description: "field:value" },
                  },
                  required: ["action", "reason"],
                  additionalProperties: false,
                },
              },
            },
          },
        },
      },
      "/v1/validate/{view}": {
        post: {
          ...operation(
            "Checks rows against the spec.",
            json("every row keeps the spec, or the view is in shadow mode", ref("Validated")),
            problem("400", "rows that break it, or a body that cannot be read", ref("RowsProblem")),
            problem("403", "sent by a page of another origin"),
            problem("404", "unknown view"),
            problem("413", "too large, or more rows than allowed"),
            problem("503", "cannot be taken now"),
          ),
          parameters: [viewParameter],
          requestBody: {
            required: true,
            content: {
              "application/json": {
                schema: { oneOf: [{ type: "object" }, { type: "array", items: { type: "object" } }] },
              },
              "application/vnd.apache.arrow.stream": { schema: { type: "string", format: "binary" } },
            },
          },
        },
      },
      "/v1/feature-views": { get: operation("What is watched.", json("feature views", ref("FeatureViews"))) },
      "/v1/windows/{view}": {
        get: {
          ...operation(
            "Closed windows.",
            json("windows, oldest first", ref("Windows")),
            problem("400", "bad query"),
            problem("404", "unknown view"),
          ),
          parameters: [
            viewParameter,
            query("from", "ISO 8601 or epoch ms"),
            query("to", "ISO 8601 or epoch ms, exclusive"),
          ],
        },
      },
      "/v1/verdicts": {
        get: {
          ...operation(
            "Verdicts of closed windows, newest first.",
            json("verdicts", ref("Verdicts")),
            problem("400", "bad query"),
            problem("404", "unknown view"),
          ),
          parameters: [
            query("view", "feature view"),
            query("status", "ok, insufficient, warning or critical"),
            query("limit", "1 to 1000"),
          ],
        },
      },
      "/v1/alerts": { get: operation("Alerts that fire now.", json("alerts", ref("Alerts"))) },
      "/v1/alerts/{fingerprint}": {
        get: {
          ...operation(
            "An alert that fires now, with what it stands on and how its statistic went.",
            json("the alert", ref("ExplainedAlert")),
            problem("404", "no such alert"),
          ),
          parameters: [
            {
              name: "fingerprint",
              in: "path",
              required: true,
              schema: { type: "string" },
              description: "the alert's id",
            },
          ],
        },
      },
      "/v1/events": {
        get: operation("Server-sent events: judged, breaker, alert.", {
          "200": { description: "stream", content: { "text/event-stream": {} } },
        }),
      },
      "/v1/canary/{id}": {
        get: {
          ...operation(
            "The verdict of a canary, as Argo Rollouts' web metric reads it.",
            json("a verdict; ok is true for promote only", ref("Canary")),
            problem("404", "no such canary"),
          ),
          parameters: [idParameter],
        },
        post: {
          ...operation(
            "The verdict of a canary as a status, as Flagger's webhooks go by.",
            json("promote", ref("Canary")),
            problem("403", "sent by a page of another origin"),
            problem("404", "no such canary"),
            problem("412", "abort or inconclusive", ref("CanaryProblem")),
          ),
          parameters: [idParameter],
        },
      },
      "/openapi.json": { get: operation("This document.", json("OpenAPI 3.1", { type: "object" })) },
      "/": { get: operation("Dashboard.", html) },
      "/dashboard.css": {
        get: operation("Its style.", { "200": { description: "CSS", content: { "text/css": {} } } }),
      },
      "/dashboard.js": {
        get: operation("Its script.", {
          "200": { description: "JavaScript", content: { "text/javascript": {} } },
        }),
      },
    },
    components: { schemas },
  };
}

type Responses = Readonly<Record<string, object>>;

function operation(summary: string, ...responses: Responses[]): object {
  return { summary, responses: Object.assign({}, ...responses) };
}

const html: Responses = { "200": { description: "page", content: { "text/html": {} } } };
const viewParameter = { name: "view", in: "path", required: true, schema: { type: "string" } };
const idParameter = { name: "id", in: "path", required: true, schema: { type: "string" } };

/** The same for every method that a proxy may pass on. */
function authz(): object {
  const answer = {
    ...operation(
      "Whether a request may pass, for Envoy's ext_authz and NGINX's auth_request.",
      json("closed or half-open", ref("Gate")),
      { "403": { description: "open", content: { "application/json": { schema: ref("Gate") } } } },
      problem("404", "unknown view"),
    ),
    parameters: [viewParameter],
  };
  return Object.fromEntries(proxyMethods.map((method) => [method.toLowerCase(), answer]));
}

function query(name: string, description: string): object {
  return { name, in: "query", required: false, description, schema: { type: "string" } };
}

function json(description: string, schema: object): Responses {
  return { "200": { description, content: { "application/json": { schema } } } };
}

function unavailable(description: string, schema: object): Responses {
  return { "503": { description, content: { "application/json": { schema } } } };
}

function problem(status: string, description: string, schema = ref("Problem")): Responses {
  return { [status]: { description, content: { "application/problem+json": { schema } } } };
}
