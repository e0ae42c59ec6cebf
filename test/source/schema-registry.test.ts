import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { SchemaReference } from "../../src/model/writer-schema.ts";
import type { HttpPlace } from "../../src/source/http-get.ts";
import { createSchemaRegistry } from "../../src/source/schema-registry.ts";

const byId = (id: number): SchemaReference => ({ kind: "id", id, framing: "prefix" });
const schemaText = '{"type":"record","name":"Row","fields":[{"name":"x","type":"int"}]}';
const unknownAnswer = [404, { error_code: 40403, message: "Schema 9 not found" }] as const;

type Answer = readonly [number, unknown, string?];

/** A server that speaks the registry's API: by path, an answer or what to do instead. */
async function serve(
  t: TestContext,
  answers: Readonly<Record<string, Answer | "hang" | (() => Answer)>>,
  tls?: { key: string; cert: string },
): Promise<{ url: string; asked: { path: string; authorization: string | undefined }[]; close: () => void }> {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const handler: Parameters<typeof createServer>[1] = (request, response) => {
    const path = request.url ?? "";
    asked.push({ path, authorization: request.headers.authorization });
    const found = answers[path] ?? unknownAnswer;
    if (found === "hang") return;
    const [status, body, type] = typeof found === "function" ? found() : found;
    response.writeHead(status, { "content-type": type ?? "application/vnd.schemaregistry.v1+json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const server = tls === undefined ? createServer(handler) : createTlsServer(tls, handler);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  t.after(close);
  const { port } = server.address() as AddressInfo;
  return { url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`, asked, close };
}

function registryAt(url: string, more: Partial<HttpPlace> = {}, now = { ms: 0 }) {
  return createSchemaRegistry(
    { url, auth: undefined, tls: undefined, ...more },
    { now: () => now.ms, elapsed: () => now.ms },
  );
}

const forever = new AbortController().signal;

describe("a schema registry", () => {
  it("is asked once for an id, and gives the same object ever after", async (t) => {
    const { url, asked } = await serve(t, { "/schemas/ids/7": [200, { schema: schemaText }] });
    const registry = registryAt(url);
    const first = await registry.schemaOf(byId(7), forever);
    assert.deepEqual(first, {
      kind: "found",
      name: "schema id 7",
      type: "AVRO",
      text: schemaText,
      references: [],
      framing: "prefix",
    });
    assert.equal(await registry.schemaOf(byId(7), forever), first);
    assert.equal(asked.length, 1);
  });

  it("keeps no more than a thousand schemas", async (t) => {
    const any = new Proxy({}, { get: () => [200, { schema: "{}", schemaType: "JSON" }] });
    const { url, asked } = await serve(t, any);
    const registry = registryAt(url);
    for (let id = 0; id <= 1_000; id++) await registry.schemaOf(byId(id), forever);
    await registry.schemaOf(byId(1_000), forever);
    assert.equal(asked.length, 1_001);
    await registry.schemaOf(byId(0), forever);
    assert.equal(asked.length, 1_002);
  });

  it("resolves what a schema refers to, deepest first, each once", async (t) => {
    const to = (subject: string): object => ({ name: subject, subject, version: 1 });
    const { url, asked } = await serve(t, {
      "/schemas/ids/1": [200, { schema: "top", references: [to("a b"), to("c")] }],
      "/subjects/a%20b/versions/1": [200, { schema: "middle", references: [to("c")] }],
      "/subjects/c/versions/1": [200, { schema: "bottom" }],
    });
    const schema = await registryAt(url).schemaOf(byId(1), forever);
    assert.deepEqual(schema.kind === "found" && schema.references, ["bottom", "middle"]);
    assert.equal(asked.length, 3);
  });

  it("is asked by GUID, below the path of its URL", async (t) => {
    const guid = "3f2a9c10-0000-4000-8000-000000000001";
    const { url } = await serve(t, {
      [`/apis/ccompat/v7/schemas/guids/${guid}`]: [200, { schema: schemaText }],
    });
    const schema = await registryAt(`${url}/apis/ccompat/v7`).schemaOf(
      { kind: "guid", guid, framing: "header" },
      forever,
    );
    assert.equal(schema.kind === "found" && schema.framing, "header");
  });

  it("that does not know an id says so, and is not asked again for a minute", async (t) => {
    const { url, asked } = await serve(t, {});
    const now = { ms: 0 };
    const registry = registryAt(url, {}, now);
    const schema = await registry.schemaOf(byId(9), forever);
    assert.equal(schema.kind, "missing");
    assert.match(
      schema.kind === "missing" ? schema.reason : "",
      /does not know it \(40403: Schema 9 not found\)/,
    );
    assert.equal(asked.length, 2, "a second look, for followers that are behind");
    await registry.schemaOf(byId(9), forever);
    await registry.schemaOf(byId(10), forever);
    assert.equal(asked.length, 3, "the next id soon after is not looked at twice");
    now.ms = 61_000;
    await registry.schemaOf(byId(9), forever);
    assert.equal(asked.length, 5);
  });

  it("that learns an id a moment later has it at the second look", async (t) => {
    let calls = 0;
    const { url } = await serve(t, {
      "/schemas/ids/7": () => {
        calls += 1;
        return calls === 1 ? unknownAnswer : [200, { schema: schemaText }];
      },
    });
    assert.equal((await registryAt(url).schemaOf(byId(7), forever)).kind, "found");
  });

  const faults: Readonly<Record<string, Answer>> = {
    "a 503": [503, {}],
    "a 401": [401, { error_code: 401, message: "Unauthorized" }],
    "a redirect": [302, ""],
    "a page of some other server": [404, "<html>", "text/html"],
    "a 200 that is no schema": [200, "<html>", "text/html"],
    "an answer without end": [200, { schema: "x".repeat(5 * 1024 * 1024) }],
  };
  for (const [what, answer] of Object.entries(faults)) {
    it(`that gives ${what} is a fault to be tried again, no dead letter`, async (t) => {
      const { url } = await serve(t, { "/schemas/ids/7": answer });
      await assert.rejects(registryAt(url).schemaOf(byId(7), forever), {
        code: "source.unreachable",
        retryable: true,
        message: /schema registry 127\.0\.0\.1:\d+/,
      });
    });
  }

  it("that is down is asked twice, then a fault that names it; and works when it is up again", async (t) => {
    let up = false;
    const { url, asked } = await serve(t, {
      "/schemas/ids/7": () => (up ? [200, { schema: schemaText }] : [500, {}]),
    });
    const registry = registryAt(url);
    await assert.rejects(registry.schemaOf(byId(7), forever), { retryable: true });
    assert.equal(asked.length, 2);
    up = true;
    assert.equal((await registry.schemaOf(byId(7), forever)).kind, "found");
    const gone = await serve(t, {});
    gone.close();
    await assert.rejects(registryAt(gone.url).schemaOf(byId(7), forever), {
      retryable: true,
      message: /ECONNREFUSED/,
    });
  });

  it("that hangs is given up well within a consumer's session", async (t) => {
    const { url } = await serve(t, { "/schemas/ids/7": "hang" });
    const began = Date.now();
    await assert.rejects(registryAt(url).schemaOf(byId(7), forever), {
      retryable: true,
      message: /no answer in 2000 ms/,
    });
    t.diagnostic(`given up after ${Date.now() - began} ms`);
  });

  it("is told who we are, and no message tells it", async (t) => {
    const { url, asked } = await serve(t, { "/subjects": [200, ["a", "b"]] });
    const dir = mkdtempSync(join(tmpdir(), "tidemark-registry-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const tokenFile = join(dir, "token");
    writeFileSync(tokenFile, "first\n");
    const basic = registryAt(url, { auth: { kind: "basic", username: "u", password: "p:w" } });
    assert.equal(await basic.subjects(forever), 2);
    const bearer = registryAt(url, { auth: { kind: "bearer-file", tokenFile } });
    await bearer.subjects(forever);
    writeFileSync(tokenFile, "second\n");
    await bearer.subjects(forever);
    await registryAt(url.replace("//", "//user:secret@")).subjects(forever);
    const authorizations = asked.map(({ authorization }) => authorization);
    const base64 = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
    assert.deepEqual(authorizations, [
      base64("u:p:w"),
      "Bearer first",
      "Bearer second",
      base64("user:secret"),
    ]);
    const away = registryAt("http://user:secret@127.0.0.1:9");
    await assert.rejects(away.subjects(forever), (error: Error) => !error.message.includes("secret"));
  });

  it("behind TLS is believed with the authority that the config names, and not without", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "tidemark-registry-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=registry"].concat([
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        key,
        "-out",
        cert,
      ]),
      { stdio: "ignore" },
    );
    const pem = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
    const { url } = await serve(t, { "/schemas/ids/7": [200, { schema: schemaText }] }, pem);
    const nothing = { cert: undefined, key: undefined, passphrase: undefined, servername: undefined };
    const tls = { ca: pem.cert, ...nothing, rejectUnauthorized: true };
    assert.equal((await registryAt(url, { tls }).schemaOf(byId(7), forever)).kind, "found");
    await assert.rejects(registryAt(url).schemaOf(byId(7), forever), {
      retryable: true,
      message: /self-signed/,
    });
  });
});
