import type { HttpAuth, HttpPlace } from "../source/http-get.ts";
import type { Path } from "../spec/document.ts";
import type { Finding } from "../spec/explain.ts";
import type { ConfigDocument } from "./config-schema.ts";
import { type Secrets, toSsl } from "./config-ssl.ts";

type PlaceDocument = NonNullable<NonNullable<ConfigDocument["kafka"]>["schemaRegistry"]>;

/** A server that is asked by HTTP, and how it knows us. @param base  where it stands in the config */
export function toPlace(place: PlaceDocument, base: Path, secret: Secrets, findings: Finding[]): HttpPlace {
  const { url, ssl } = place;
  const tls = ssl === undefined ? undefined : toSsl(ssl, [...base, "ssl"], secret, findings);
  if (tls !== undefined && new URL(url).protocol !== "https:")
    findings.push({
      path: [...base, "ssl"],
      of: "key",
      code: "bad-value",
      message: "TLS, and the url is no https",
    });
  return { url, auth: authOf(place, base, secret, findings), tls };
}

function authOf(
  { username, password, passwordFile, token, tokenFile }: PlaceDocument,
  base: Path,
  secret: Secrets,
  findings: Finding[],
): HttpAuth | undefined {
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
