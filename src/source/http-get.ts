import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Fault } from "../model/fault.ts";

/** As `kafka.ssl`: PEM texts. */
export interface HttpTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly passphrase: string | undefined;
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
}

export type HttpAuth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string }
  /** Something else keeps it fresh: read for each request. */
  | { readonly kind: "bearer-file"; readonly tokenFile: string };

/** Where a server is and how it knows us. */
export interface HttpPlace {
  /** May end in a path, as Apicurio's `…/apis/ccompat/v7` does. */
  readonly url: string;
  readonly auth: HttpAuth | undefined;
  readonly tls: HttpTls | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export interface HttpGetOptions {
  /** For messages: `schema registry`. */
  readonly what: string;
  readonly accept: string;
  /** Of one whole exchange. */
  readonly timeoutMs: number;
}

/** What is longer is cut off and is no answer. */
const answerBytesMax = 4 * 1024 * 1024;

/** GETs below a base URL, connections kept. Redirects are not followed: they would carry our credentials elsewhere. */
export function createHttpGet(
  { url: base, auth, tls }: HttpPlace,
  { what, accept, timeoutMs }: HttpGetOptions,
) {
  const url = new URL(base.endsWith("/") ? base : `${base}/`);
  const secure = url.protocol === "https:";
  const defined = Object.fromEntries(Object.entries(tls ?? {}).filter(([, value]) => value !== undefined));
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 2, ...defined })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const own = url.username === "" ? undefined : basicOf(url);
  url.username = "";
  url.password = "";
  /** For messages, without credentials. */
  const name = url.host;

  /** @throws Fault `source.unreachable`, retryable */
  const get = async (path: string, signal: AbortSignal): Promise<HttpAnswer> => {
    try {
      return await exchange(
        new URL(path, url),
        authorizationOf(auth) ?? own,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      );
    } catch (cause) {
      const timedOut = cause instanceof Error && cause.name === "TimeoutError";
      const reason = timedOut
        ? `no answer in ${timeoutMs} ms`
        : cause instanceof Error
          ? textOf(cause)
          : String(cause);
      throw new Fault("source.unreachable", `${what} ${name}: ${reason}`, { retryable: true, cause });
    }
  };

  const exchange = (
    target: URL,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const headers = {
        accept,
        ...(authorization === undefined ? {} : { authorization }),
      };
      const request = (secure ? httpsRequest : httpRequest)(
        target,
        { agent, headers, signal },
        (response) => {
          readText(response).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                contentType: response.headers["content-type"] ?? "",
                text,
              }),
            reject,
          );
        },
      );
      request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
      request.end();
    });

  return { name, get };
}

function authorizationOf(auth: HttpAuth | undefined): string | undefined {
  switch (auth?.kind) {
    case undefined:
      return undefined;
    case "basic":
      return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    case "bearer":
      return `Bearer ${auth.token}`;
    case "bearer-file":
      return `Bearer ${readFileSync(auth.tokenFile, "utf8").trim()}`;
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > answerBytesMax) throw new Error(`an answer of more than ${answerBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function basicOf({ username, password }: URL): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function textOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  return error.message === "" ? code : error.message;
}
