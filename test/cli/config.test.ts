import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Config, loadConfig } from "../../src/cli/config.ts";
import { variables } from "../../src/cli/config-env.ts";

interface World {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function load({ files = {}, env = {}, flags = {}, file }: World): Config {
  return loadConfig({
    file: file ?? (files["tidemark.yaml"] === undefined ? undefined : "tidemark.yaml"),
    env,
    flags,
    readText(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`${path}: no such file`);
      return text;
    },
  });
}

function refusal(world: World): string {
  try {
    load(world);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "config.invalid", String(error));
    return (error as Error).message;
  }
  return assert.fail("it was accepted");
}

describe("the config", () => {
  it("is embedded mode with every default of the contract when nothing is set", () => {
    const config = load({});
    assert.equal(config.kafka, undefined);
    assert.equal(config.specs, "feature-specs");
    assert.equal(config.state.dir, ".tidemark");
    assert.deepEqual(config.http, { host: "127.0.0.1", port: 8787, token: undefined });
    assert.equal(config.alertmanager.resendEveryMs, 60_000);
    assert.deepEqual(config.roles, ["profile", "judge", "serve"]);
  });

  it("takes a flag before the environment before the file before the default", () => {
    const files = {
      "tidemark.yaml": "http: { port: 1, host: 0.0.0.0 }\nkafka: { brokers: [f:1], groupId: file }",
    };
    const env = { TIDEMARK_HTTP_PORT: "2", TIDEMARK_KAFKA_BROKERS: "e:1, e:2" };
    const config = load({ files, env, flags: { "kafka.brokers": "g:1" } });
    assert.deepEqual([config.http.port, config.http.host], [2, "0.0.0.0"]);
    assert.deepEqual(config.kafka?.brokers, ["g:1"]);
    assert.equal(config.kafka?.groupId, "file");
    assert.equal(config.kafka?.topicPrefix, "tidemark");
  });

  it("reads the schema registry, with a user or with a token that is read anew", () => {
    const env = {
      TIDEMARK_KAFKA_BROKERS: "k:1",
      TIDEMARK_KAFKA_SCHEMA_REGISTRY_URL: "https://r:8081",
      TIDEMARK_KAFKA_SCHEMA_REGISTRY_USERNAME: "u",
      TIDEMARK_KAFKA_SCHEMA_REGISTRY_PASSWORD_FILE: "/p",
      TIDEMARK_KAFKA_SCHEMA_REGISTRY_SSL_CA_FILE: "/ca",
    };
    const pem = "-----BEGIN CERTIFICATE-----";
    const registry = load({ env, files: { "/p": "secret\n", "/ca": pem } }).kafka?.schemaRegistry;
    assert.deepEqual(registry?.auth, { kind: "basic", username: "u", password: "secret" });
    assert.equal(registry?.tls?.ca, pem);
    const yaml = (more: string): World => ({
      files: {
        "tidemark.yaml": `kafka: { brokers: [k:1], schemaRegistry: { url: http://r, ${more} } }`,
        "t/tidemark.yaml": `kafka: { brokers: [k:1], schemaRegistry: { url: http://r, ${more} } }`,
      },
    });
    const token = load({ ...yaml("tokenFile: token"), file: "t/tidemark.yaml" }).kafka?.schemaRegistry?.auth;
    assert.deepEqual(token, { kind: "bearer-file", tokenFile: "t/token" });
    assert.match(refusal(yaml("username: u, token: t")), /a user and a token/);
    assert.match(refusal(yaml("password: p")), /a password without a username/);
    assert.match(refusal(yaml("ssl: {}")), /no https/);
  });

  it("reads secrets from files, relative to the config, without their line end", () => {
    const files = {
      "etc/tidemark.yaml":
        "kafka: { brokers: [k:1], sasl: { mechanism: plain, username: u, passwordFile: secret } }\nhttp: { tokenFile: /run/token }",
      "etc/secret": "pass word\n",
      "/run/token": "t0ken",
    };
    const config = load({ files, file: "etc/tidemark.yaml" });
    assert.deepEqual(config.kafka?.sasl, { mechanism: "plain", username: "u", password: "pass word" });
    assert.equal(config.http.token, "t0ken");
  });

  it("reads a secret's file from the environment too", () => {
    const env = {
      TIDEMARK_KAFKA_BROKERS: "k:1",
      TIDEMARK_KAFKA_SASL_MECHANISM: "scram-sha-512",
      TIDEMARK_KAFKA_SASL_USERNAME: "u",
      TIDEMARK_KAFKA_SASL_PASSWORD_FILE: "/run/password",
      TIDEMARK_KAFKA_SSL: "true",
    };
    const config = load({ files: { "/run/password": "p" }, env });
    assert.deepEqual(config.kafka?.sasl, { mechanism: "scram-sha-512", username: "u", password: "p" });
    assert.equal(config.kafka?.ssl?.rejectUnauthorized, true);
  });

  it("reads a Prometheus and its queries, with a name for people", () => {
    const yaml =
      "prometheus: { url: http://p, token: t, queries: [{ name: gpu_memory, query: x, limit: 80, unit: GiB, segment: node }] }";
    const { prometheus } = load({
      files: { "tidemark.yaml": yaml },
      env: { TIDEMARK_PROMETHEUS_EVERY: "5s" },
    });
    assert.deepEqual(prometheus?.place.auth, { kind: "bearer", token: "t" });
    assert.equal(prometheus?.everyMs, 5_000);
    const [query] = prometheus?.queries ?? [];
    assert.deepEqual([query?.title, query?.warnBeforeMs], ["gpu memory", 1_800_000]);
  });

  it("passes over what Kubernetes sets for a service named tidemark", () => {
    const env = {
      TIDEMARK_PORT: "tcp://10.0.0.1:8787",
      TIDEMARK_SERVICE_HOST: "10.0.0.1",
      TIDEMARK_PORT_8787_TCP_ADDR: "10.0.0.1",
    };
    assert.equal(load({ env }).http.port, 8787);
  });

  it("can set each value that is no map by a variable of its own", () => {
    for (const name of [
      "TIDEMARK_SPECS",
      "TIDEMARK_STATE_DIR",
      "TIDEMARK_ALERTMANAGER_URLS",
      "TIDEMARK_WEBHOOKS",
    ])
      assert(variables.includes(name), name);
    const config = load({
      env: { TIDEMARK_ALERTMANAGER_URLS: "http://a:1,http://b:2", TIDEMARK_WEBHOOKS: "http://c/hook" },
    });
    assert.deepEqual(config.alertmanager.urls, ["http://a:1", "http://b:2"]);
    assert.deepEqual(
      config.webhooks.map(({ url }) => url),
      ["http://c/hook"],
    );
  });
});

describe("a wrong config", () => {
  const inFile = (text: string): World => ({ files: { "tidemark.yaml": text } });
  const cases: readonly (readonly [string, World, RegExp])[] = [
    [
      "an unknown key",
      inFile("kafka: { brokers: [k:1], gruopId: x }"),
      /^tidemark\.yaml:1:26 config\.unknown-key kafka\.gruopId.*did you mean "groupId"/,
    ],
    [
      "a broker without a port",
      inFile("kafka: { brokers: [kafka] }"),
      /^tidemark\.yaml:1:20 config\.bad-value kafka\.brokers\[0\]: "kafka" is no host:port/,
    ],
    [
      "an unknown variable",
      { env: { TIDEMARK_HTTP_PROT: "1" } },
      /TIDEMARK_HTTP_PROT config\.unknown-variable.*did you mean TIDEMARK_HTTP_PORT/,
    ],
    ["a variable's value", { env: { TIDEMARK_HTTP_PORT: "http" } }, /^TIDEMARK_HTTP_PORT config\.wrong-type/],
    ["a flag's value", { flags: { "http.port": "99999" } }, /^--port config\.bad-value.*the most is 65535/],
    [
      "a URL that is none",
      inFile("alertmanager: { urls: [localhost] }"),
      /config\.bad-value alertmanager\.urls\[0\]/,
    ],
    [
      "a secret in two ways",
      inFile("http: { token: a, tokenFile: b }"),
      /config\.bad-value http\.tokenFile: token is given as well/,
    ],
    [
      "a secret's file that is not there",
      inFile("http: { tokenFile: b }"),
      /config\.secret-file http\.tokenFile: b: no such file/,
    ],
    [
      "SASL without a password",
      inFile("kafka: { brokers: [k:1], sasl: { mechanism: plain, username: u } }"),
      /config\.missing-key kafka\.sasl: no "password", which plain needs/,
    ],
    [
      "a key without its certificate",
      inFile('kafka: { brokers: [k:1], ssl: { key: "-----BEGIN PRIVATE KEY-----" } }'),
      /config\.missing-key kafka\.ssl: a key without a cert/,
    ],
    [
      "a size without a unit that is known",
      inFile("limits: { memory: 5 potatoes }"),
      /config\.bad-value limits\.memory/,
    ],
    [
      "two queries of one name",
      inFile(
        "prometheus: { url: http://p, queries: [{ name: a, query: x, limit: 1 }, { name: a, query: y, limit: 1 }] }",
      ),
      /config\.bad-value prometheus\.queries\[1\]\.name: another query/,
    ],
    [
      "a Prometheus without queries",
      inFile("prometheus: { url: http://p }"),
      /config\.missing-key prometheus/,
    ],
    ["broken YAML", inFile("kafka: [\n"), /^tidemark\.yaml:\d+:\d+ config\.syntax/],
  ];
  for (const [name, world, said] of cases) {
    it(`is placed and explained: ${name}`, () => {
      assert.match(refusal(world), said);
    });
  }

  it("never shows a secret", () => {
    const env = {
      TIDEMARK_KAFKA_BROKERS: "k",
      TIDEMARK_KAFKA_SASL_MECHANISM: "plain",
      TIDEMARK_KAFKA_SASL_PASSWORD: "hunter2",
    };
    assert.doesNotMatch(refusal({ env }), /hunter2/);
  });
});
