import type { RegistryAuth, SchemaRegistryOptions } from "../source/schema-registry.ts";
import type { Finding } from "../spec/explain.ts";
import type { ConfigDocument } from "./config-schema.ts";
import { type Secrets, toSsl } from "./config-ssl.ts";

type RegistryDocument = NonNullable<NonNullable<ConfigDocument["kafka"]>["schemaRegistry"]>;

const base = ["kafka", "schemaRegistry"];

export function toSchemaRegistry(
  registry: RegistryDocument,
  secret: Secrets,
  findings: Finding[],
): SchemaRegistryOptions {
  const { url, ssl } = registry;
  const tls = ssl === undefined ? undefined : toSsl(ssl, [...base, "ssl"], secret, findings);
  if (tls !== undefined && new URL(url).protocol !== "https:")
    findings.push({
      path: [...base, "ssl"],
      of: "key",
      code: "bad-value",
      message: "TLS, and the url is no https",
    });
  return { url, auth: authOf(registry, secret, findings), tls };
}

function authOf(
  { username, password, passwordFile, token, tokenFile }: RegistryDocument,
  secret: Secrets,
  findings: Finding[],
): RegistryAuth | undefined {
  const given = secret(password, passwordFile, [...base, "password"]);
  const [basic, bearer] = [username !== undefined || given !== undefined, token ?? tokenFile];
  if (basic && bearer !== undefined)
    findings.push({
      path: base,
      of: "key",
      code: "bad-value",
      message: "a user and a token: keep one of them",
    });
  if (token !== undefined) return { kind: "bearer", token };
  if (tokenFile !== undefined) return { kind: "bearer-file", tokenFile };
  if (!basic) return undefined;
  if (username === undefined)
    findings.push({ path: base, of: "key", code: "missing-key", message: "a password without a username" });
  return { kind: "basic", username: username ?? "", password: given ?? "" };
}
