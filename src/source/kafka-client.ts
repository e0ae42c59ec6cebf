import { readFileSync } from "node:fs";
import kafkajs, {
  type Kafka,
  type KafkaConfig as KafkajsConfig,
  type logLevel,
  type Producer,
  type ProducerConfig,
  type SASLOptions,
} from "kafkajs";
import { Fault } from "../model/fault.ts";
import { registerCodecs } from "./kafka-codecs.ts";
import { shareInKafkajs } from "./kafka-encoder.ts";
import { mendKafkajs } from "./kafka-mends.ts";
import { createLastingProducer } from "./kafka-producer.ts";
import { createSocketFactory, type TakeBuffer } from "./kafka-socket.ts";

/** How to reach a cluster. Certificates and keys as PEM text. */
export interface KafkaOptions {
  /** `host:port` */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
        readonly passphrase: string | undefined;
        readonly servername: string | undefined;
        readonly rejectUnauthorized: boolean;
      }
    | undefined;
  readonly sasl: SaslSettings | undefined;
}

type SaslSettings =
  | {
      readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: "oauthbearer"; readonly from: TokenSource };

type TokenSource =
  | { readonly kind: "file"; readonly tokenFile: string }
  | {
      readonly kind: "client-credentials";
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string | undefined;
    };

/** Where the client's own messages go: a pino logger is one. */
export interface KafkaLog {
  debug(fields: object, text: string): void;
}

const tokenTimeoutMs = 10_000;

/** One client for a process; source, store and sink share it. All five compression codecs are known afterwards. */
export function createKafkaClient(
  options: KafkaOptions,
  log: KafkaLog | undefined,
  take: TakeBuffer = (size) => new ArrayBuffer(size),
): Kafka {
  registerCodecs();
  shareInKafkajs();
  mendKafkajs();
  const { brokers, clientId, ssl, sasl } = options;
  const config: KafkajsConfig = {
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 4 },
    logCreator: logInto(log),
    socketFactory: createSocketFactory(take),
    ...(ssl === undefined ? {} : { ssl: withoutUndefined(ssl) }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  };
  return new Client(config);
}

class Client extends kafkajs.Kafka {
  override producer(config?: ProducerConfig): Producer {
    return createLastingProducer(() => super.producer(config));
  }
}

/** kafkajs retries what it logs as an error, and what stays wrong reaches the caller: so its log is a debug log. */
function logInto(log: KafkaLog | undefined): NonNullable<KafkajsConfig["logCreator"]> {
  return () =>
    ({ level, namespace, log: entry }: { level: logLevel; namespace: string; log: { message: string } }) => {
      const { message } = entry;
      log?.debug({ kafka: namespace, level }, message);
    };
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function saslOf(sasl: SaslSettings): SASLOptions {
  if (sasl.mechanism !== "oauthbearer") return { ...sasl } as SASLOptions;
  const { from } = sasl;
  return {
    mechanism: "oauthbearer",
    oauthBearerProvider: async () => ({
      value: from.kind === "file" ? readFileSync(from.tokenFile, "utf8").trim() : await fetchToken(from),
    }),
  };
}

/** OAuth 2.0 client credentials grant (RFC 6749, 4.4). */
async function fetchToken(from: Extract<TokenSource, { kind: "client-credentials" }>): Promise<string> {
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  if (from.scope !== undefined) body.set("scope", from.scope);
  const credentials = Buffer.from(
    `${encodeURIComponent(from.clientId)}:${encodeURIComponent(from.clientSecret)}`,
  );
  const response = await fetch(from.tokenUrl, {
    method: "POST",
    headers: { authorization: `Basic ${credentials.toString("base64")}` },
    body,
    signal: AbortSignal.timeout(tokenTimeoutMs),
  });
  if (!response.ok) {
    throw new Fault("source.unreachable", `${from.tokenUrl} answered ${response.status}`, {
      retryable: true,
    });
  }
  const { access_token: token } = (await response.json()) as { access_token?: unknown };
  if (typeof token === "string") return token;
  throw new Fault("source.failed", `${from.tokenUrl}: no access_token in its answer`);
}

/** What kafkajs itself would try again (an election, a coordinator that moves), or stumbles over while brokers come and go. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.cause instanceof Error) return mayPass(error.cause);
  const [, thrownAt = ""] = error.stack?.split(/\n\s+at /) ?? [];
  return (
    (error as { retriable?: unknown }).retriable === true ||
    passing.has(error.name) ||
    (error.name === "TypeError" && /[\\/]kafkajs[\\/]/.test(thrownAt))
  );
}

/** What kafkajs does not try again by itself, and what a new client may get over. */
const passing: ReadonlySet<string> = new Set([
  "KafkaJSGroupCoordinatorNotFound",
  "KafkaJSInvariantViolation",
  "KafkaJSLockTimeout",
  "KafkaJSPartialMessageError",
  "KafkaJSTimeout",
]);

/** What kafkajs throws, as a fault that names the brokers. */
export function kafkaFault(brokers: readonly string[], error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const refused =
    /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|Connection (error|timeout)|closed connection|unreachable/i;
  const authentication = /SASL|authentication/i.test(message);
  return new Fault("source.unreachable", `Kafka at ${brokers.join(", ")}: ${message}`, {
    retryable: refused.test(message) || mayPass(error),
    cause: error,
    hint: authentication
      ? "check kafka.sasl in the config"
      : "is the broker up, and is kafka.brokers right? `tidemark doctor` looks closer",
  });
}
