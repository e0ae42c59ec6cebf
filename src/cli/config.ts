import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../model/fault.ts";
import { defaultLimits, type Limits } from "../model/limits.ts";
import { parseDuration } from "../model/time.ts";
import type { HttpPlace } from "../source/http-get.ts";
import { isIssues, type Path, readYaml, type YamlFile } from "../spec/document.ts";
import { explain, type Finding, placeFinding } from "../spec/explain.ts";
import { formatIssues, type Issue } from "../spec/issue.ts";
import { parseBytes } from "../spec/size.ts";
import { readEnvironment, readFlag, type Setting } from "./config-env.ts";
import { toPlace } from "./config-place.ts";
import { type PrometheusConfig, toPrometheus } from "./config-prometheus.ts";
import { type ConfigDocument, configSchema, type roleNames } from "./config-schema.ts";
import { isPem, type Secrets, type SslConfig, toSsl } from "./config-ssl.ts";
import type { Io } from "./io.ts";

/** `tidemark.yaml`, environment and flags, checked, every default filled in, secrets read. */
export interface Config {
  /** Absent: embedded mode. */
  readonly kafka: KafkaConfig | undefined;
  /** Directory of specs and baselines. */
  readonly specs: string;
  readonly state: { readonly dir: string };
  readonly http: { readonly host: string; readonly port: number; readonly token: string | undefined };
  readonly alertmanager: { readonly urls: readonly string[]; readonly resendEveryMs: number };
  readonly webhooks: readonly { readonly url: string }[];
  /** Absent: no trend but those of events. */
  readonly prometheus: PrometheusConfig | undefined;
  readonly roles: readonly Role[];
  /** `memory`: bytes that the process may hold; undefined: no limit of ours. */
  readonly limits: Limits & { readonly memory: number | undefined };
}

export type Role = (typeof roleNames)[number];

export interface KafkaConfig {
  /** `host:port` */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly groupId: string;
  /** Of the topics that tidemark writes: `tidemark.profiles` … */
  readonly topicPrefix: string;
  /** Where a partition without a checkpoint begins. */
  readonly startFrom: "earliest" | "latest";
  /** How long brokers that cannot be reached are tried again when a process starts. */
  readonly connectWithinMs: number;
  readonly ssl: SslConfig | undefined;
  readonly sasl: SaslConfig | undefined;
  readonly schemaRegistry: HttpPlace | undefined;
}

export type SaslConfig =
  | {
      readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: "oauthbearer"; readonly from: OauthSource };

/** A file that something else keeps fresh, to be read anew for each token; or the client credentials grant. */
export type OauthSource =
  | { readonly kind: "file"; readonly tokenFile: string }
  | {
      readonly kind: "client-credentials";
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string | undefined;
    };

export interface LoadOptions {
  /** Path of the config file; undefined: there is none. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By config path: `{ "http.port": "8080" }`; undefined: not given. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** Reads the config file and secrets; throws when it cannot. */
  readonly readText: (path: string) => string;
}

const defaultFile = "tidemark.yaml";

/**
 * The config of a command: `path`, or `TIDEMARK_CONFIG`, or `tidemark.yaml` when it is there.
 * @throws Fault `input.missing` when a named file is not there, `config.invalid` with every issue
 */
export function loadConfigFile(
  path: string | undefined,
  io: Pick<Io, "env" | "cwd">,
  flags: LoadOptions["flags"],
): Config {
  const named = path ?? (io.env["TIDEMARK_CONFIG"] || undefined);
  const file = named ?? (existsSync(resolve(io.cwd, defaultFile)) ? defaultFile : undefined);
  if (named !== undefined && !existsSync(resolve(io.cwd, named)))
    throw new Fault("input.missing", `${named}: no such config file`, { hint: `looked in ${io.cwd}` });
  return loadConfig({
    file,
    env: io.env,
    flags,
    readText: (target) => readFileSync(resolve(io.cwd, target), "utf8"),
  });
}

/**
 * Flag before environment before file before default. Paths in the file are relative to the file, all others to the
 * working directory.
 * @throws Fault `config.invalid`; its message holds every issue, a line each
 */
export function loadConfig(options: LoadOptions): Config {
  const yaml = options.file === undefined ? undefined : readFile(options.file, options.readText);
  const { settings, unknown } = readEnvironment(options.env);
  const flags = Object.entries(options.flags).flatMap(([path, text]) =>
    text === undefined ? [] : [readFlag(path, text)],
  );
  const layers = [...settings, ...flags];
  const value = layer(yaml === undefined ? {} : anchored(yaml), layers);
  const place = placer(yaml, layers);
  const issues: Issue[] = unknown.map(({ name, like }) => ({
    ...nowhere,
    file: name,
    code: "config.unknown-variable",
    message: "no such setting",
    hint: like === undefined ? "see `tidemark run --help`" : `did you mean ${like}?`,
  }));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    issues.push(...explain(configSchema, value, parsed.error).map(place));
    throw invalid(issues);
  }
  const findings: Finding[] = [];
  const config = toConfig(parsed.data, secretsOf(options.readText, findings), findings);
  issues.push(...findings.map(place));
  if (issues.length > 0) throw invalid(issues);
  return config;
}

const nowhere = { line: 0, column: 0 };

function invalid(issues: readonly Issue[]): Fault {
  return new Fault("config.invalid", formatIssues(issues));
}

function readFile(file: string, readText: (path: string) => string): YamlFile | undefined {
  let text: string;
  try {
    text = readText(file);
  } catch (cause) {
    throw new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const yaml = readYaml(text, file, "config");
  if (!isIssues(yaml)) return yaml;
  if (yaml.every(({ code }) => code === "config.empty")) return undefined;
  throw invalid(yaml);
}

type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The file's value with its paths made relative to the working directory. */
function anchored({ file, value }: YamlFile): unknown {
  const folder = dirname(file);
  if (folder === ".") return value;
  const walk = (inner: unknown, key: string, parent: string): unknown => {
    if (isTree(inner))
      return Object.fromEntries(Object.entries(inner).map(([name, child]) => [name, walk(child, name, key)]));
    if (Array.isArray(inner)) return inner.map((child) => walk(child, key, parent));
    const names = /File$/.test(key) || key === "specs" || (parent === "state" && key === "dir");
    const isPath = names || (parent === "ssl" && /^(ca|cert|key)$/.test(key) && !isPem(String(inner)));
    return isPath && typeof inner === "string" && inner !== "" ? resolveBeside(folder, inner) : inner;
  };
  return walk(value, "", "");
}

function resolveBeside(folder: string, path: string): string {
  return path.startsWith("/") ? path : `${folder}/${path}`;
}

/** `value` with the settings laid over it; a secret set in one way takes the other way's place. */
function layer(value: unknown, settings: readonly Setting[]): unknown {
  if (!isTree(value)) return value;
  const root = structuredClone(value);
  normalizeSsl(root);
  for (const { path, value: set } of settings) {
    let at: Tree = root;
    for (const step of path.slice(0, -1).map(String)) {
      at[step] ??= {};
      const next = at[step];
      if (!isTree(next)) break;
      at = next;
    }
    const key = String(path.at(-1));
    delete at[key.endsWith("File") ? key.slice(0, -4) : `${key}File`];
    if (key === "ssl" && set === true && isTree(at[key])) continue;
    at[key] = set;
  }
  normalizeSsl(root);
  return root;
}

/** `ssl: true` is TLS with the system's authorities; `ssl: false` is none. */
function normalizeSsl(root: Tree): void {
  const kafka = root["kafka"];
  if (!isTree(kafka)) return;
  if (kafka["ssl"] === true) kafka["ssl"] = {};
  else if (kafka["ssl"] === false) delete kafka["ssl"];
}

/** Says for each finding who set the value: a flag, a variable, or a place in the file. */
function placer(yaml: YamlFile | undefined, settings: readonly Setting[]): (finding: Finding) => Issue {
  return (finding) => {
    const within = (a: Path, b: Path): boolean => a.every((step, index) => b[index] === step);
    const setting =
      settings.findLast(({ path }) => within(path, finding.path)) ??
      (yaml === undefined ? settings.findLast(({ path }) => within(finding.path, path)) : undefined);
    const source = yaml ?? { file: "config", value: {}, locate: () => nowhere, keys: () => [] };
    const issue = placeFinding(source, "config", finding);
    return setting === undefined ? issue : { ...issue, ...nowhere, file: setting.name };
  };
}

/** A secret from its file, without the line end that editors leave; both ways at once are one too many. */
function secretsOf(readText: (path: string) => string, findings: Finding[]): Secrets {
  return (inline, file, path) => {
    const filePath = [...path.slice(0, -1), `${path.at(-1)}File`];
    if (inline !== undefined && file !== undefined) {
      findings.push({
        path: filePath,
        of: "key",
        code: "bad-value",
        message: `${path.at(-1)} is given as well`,
        hint: "keep the file",
      });
    }
    if (file === undefined) return inline;
    try {
      const secret = readText(file).replace(/\r?\n$/, "");
      if (secret === "") findings.push({ path: filePath, code: "secret-file", message: `${file} is empty` });
      return secret;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      findings.push({ path: filePath, code: "secret-file", message: reason });
      return undefined;
    }
  };
}

function toConfig(document: ConfigDocument, secret: Secrets, findings: Finding[]): Config {
  const { specs, state, http, alertmanager, prometheus, roles } = document;
  return {
    kafka: document.kafka === undefined ? undefined : toKafka(document.kafka, secret, findings),
    specs,
    state,
    http: { host: http.host, port: http.port, token: secret(http.token, http.tokenFile, ["http", "token"]) },
    alertmanager: { urls: alertmanager.urls, resendEveryMs: parseDuration(alertmanager.resendEvery) ?? 0 },
    webhooks: document.webhooks.flatMap(({ url, urlFile }, index) => {
      const path = ["webhooks", index, "url"];
      if (url === undefined && urlFile === undefined)
        findings.push({ path: path.slice(0, 2), code: "missing-key", message: 'no "url"' });
      const read = secret(url, urlFile, path);
      if (read === undefined) return [];
      if (URL.canParse(read)) return [{ url: read }];
      findings.push({ path: [...path.slice(0, 2), "urlFile"], code: "bad-value", message: "holds no URL" });
      return [];
    }),
    prometheus: prometheus === undefined ? undefined : toPrometheus(prometheus, secret, findings),
    roles: [...new Set(roles)],
    limits: toLimits(document.limits),
  };
}

function toLimits(limits: ConfigDocument["limits"]): Config["limits"] {
  const given = Object.entries(limits).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === "string" ? parseBytes(value) : value] as const],
  );
  return { ...defaultLimits, memory: undefined, ...Object.fromEntries(given) };
}

function toKafka(
  kafka: NonNullable<ConfigDocument["kafka"]>,
  secret: Secrets,
  findings: Finding[],
): KafkaConfig {
  const { brokers, clientId, groupId, topicPrefix, startFrom, connectWithin, ssl, sasl, schemaRegistry } =
    kafka;
  return {
    brokers,
    clientId,
    groupId,
    topicPrefix,
    startFrom,
    connectWithinMs: parseDuration(connectWithin) ?? 0,
    ssl: ssl === undefined ? undefined : toSsl(ssl, ["kafka", "ssl"], secret, findings),
    sasl: sasl === undefined ? undefined : toSasl(sasl, secret, findings),
    schemaRegistry:
      schemaRegistry === undefined
        ? undefined
        : toPlace(schemaRegistry, ["kafka", "schemaRegistry"], secret, findings),
  };
}

type SaslDocument = NonNullable<NonNullable<ConfigDocument["kafka"]>["sasl"]>;

function toSasl(sasl: SaslDocument, secret: Secrets, findings: Finding[]): SaslConfig | undefined {
  const base = ["kafka", "sasl"];
  const need = (name: string, value: string | undefined): string => {
    if (value !== undefined) return value;
    const message = `no ${JSON.stringify(name)}, which ${sasl.mechanism} needs`;
    if (!findings.some(({ path }) => path.at(-1) === `${name}File`))
      findings.push({ path: base, of: "key", code: "missing-key", message });
    return "";
  };
  if (sasl.mechanism !== "oauthbearer") {
    return {
      mechanism: sasl.mechanism,
      username: need("username", sasl.username),
      password: need("password", secret(sasl.password, sasl.passwordFile, [...base, "password"])),
    };
  }
  if (sasl.tokenFile !== undefined)
    return { mechanism: "oauthbearer", from: { kind: "file", tokenFile: sasl.tokenFile } };
  const clientSecret = secret(sasl.clientSecret, sasl.clientSecretFile, [...base, "clientSecret"]);
  return {
    mechanism: "oauthbearer",
    from: {
      kind: "client-credentials",
      tokenUrl: need("tokenUrl", sasl.tokenUrl),
      clientId: need("clientId", sasl.clientId),
      clientSecret: need("clientSecret", clientSecret),
      scope: sasl.scope,
    },
  };
}
