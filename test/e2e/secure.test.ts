import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type Broker, createTopic, startBroker } from "../services/services.ts";
import {
  assertConserved,
  incidentFile,
  messagesOf,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  tidemark,
} from "./support.ts";

const run = promisify(execFile);
const password = "tide & mark";
const messages = messagesOf(incidentFile).slice(0, 5);
const rows = messages.reduce((sum, message) => sum + message.rows, 0);

/** A certificate that signs itself, for 127.0.0.1 alone. */
async function certify(dir: string): Promise<string> {
  const [key, certificate] = [join(dir, "key.pem"), join(dir, "certificate.pem")];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", "/CN=tidemark test"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
  ]);
  writeFileSync(join(dir, "server.pem"), readFileSync(key, "utf8") + readFileSync(certificate, "utf8"));
  return certificate;
}

describe("a cluster behind TLS and SASL", () => {
  const endings: (() => unknown)[] = [];
  const scope = { after: (fn: () => unknown) => void endings.push(fn) };
  let kafka: Broker;
  let certificate: string;
  let dir: string;
  before(async () => {
    dir = scratch(scope);
    certificate = await certify(dir);
    kafka = await startBroker(scope, { secure: { dir, password } });
  });
  after(async () => {
    for (const end of endings.toReversed()) await end();
  });

  for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
    it(`is read with ${mechanism}, the password from a file that no log shows`, async (t) => {
      const own = scratch(t);
      const topic = await createTopic(kafka.brokers, "secure");
      const passwordFile = join(own, "password");
      writeFileSync(passwordFile, `${password}\n`);
      const running = await startTidemark(t, own, {
        kafka: {
          brokers: kafka.secureBrokers.split(","),
          groupId: topic,
          topicPrefix: topic,
          ssl: { ca: certificate },
          sasl: { mechanism, username: "tidemark", passwordFile },
        },
        specs: specsWithTopic(own, topic),
      });
      await produce(
        kafka.brokers,
        topic,
        messages.map(({ bytes }) => bytes),
      );
      await assertConserved(running.url, "reco_user", rows);
      assert.equal(await running.stop(), 0);
      assert(!running.log().includes(password));
    });
  }

  it("is told apart by `doctor`: a wrong password, a certificate that nobody vouches for", async (t) => {
    const own = scratch(t);
    const doctor = async (kafkaSettings: object): Promise<{ code: number | null; said: string }> => {
      const file = join(own, "tidemark.yaml");
      const settings = {
        kafka: { brokers: kafka.secureBrokers.split(","), ...kafkaSettings },
        specs: specsWithTopic(own, "secure"),
        http: { port: 0 },
      };
      writeFileSync(file, JSON.stringify(settings));
      const { code, stdout, stderr } = await tidemark(["doctor", "--config", file], { cwd: own });
      return { code, said: stdout + stderr };
    };
    const sasl = { mechanism: "plain", username: "tidemark", password };
    const right = await doctor({ ssl: { ca: certificate }, sasl });
    assert.equal(right.code, 0, right.said);
    const wrong = await doctor({ ssl: { ca: certificate }, sasl: { ...sasl, password: "mark & tide" } });
    assert.equal(wrong.code, 4, wrong.said);
    assert.match(wrong.said, /authentication/i);
    assert.match(wrong.said, /kafka\.sasl/);
    assert(!wrong.said.includes("mark & tide"));
    const unknown = await doctor({ ssl: {}, sasl });
    assert.equal(unknown.code, 4, unknown.said);
    assert.match(unknown.said, /self.signed certificate/i);
  });
});
