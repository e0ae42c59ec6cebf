import type { Path } from "../spec/document.ts";
import type { Finding } from "../spec/explain.ts";
import type { ConfigDocument } from "./config-schema.ts";

/** Certificates and keys as PEM text. */
export interface SslConfig {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly passphrase: string | undefined;
  readonly servername: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** Reads a secret that stands in the value itself or in a file. */
export type Secrets = (
  inline: string | undefined,
  file: string | undefined,
  path: Path,
) => string | undefined;

type SslDocument = NonNullable<NonNullable<ConfigDocument["kafka"]>["ssl"]>;

export function isPem(text: string): boolean {
  return text.includes("-----BEGIN");
}

/** @param base  where it stands in the config */
export function toSsl(ssl: SslDocument, base: Path, secret: Secrets, findings: Finding[]): SslConfig {
  const pem = (name: "ca" | "cert" | "key"): string | undefined => {
    const inline = ssl[name];
    // `ca: ca.pem` names a file; a PEM text stands for itself.
    const isFile = inline !== undefined && !isPem(inline);
    const text = isFile
      ? secret(undefined, inline, [...base, name])
      : secret(inline, ssl[`${name}File`], [...base, name]);
    if (text !== undefined && text !== "" && !isPem(text))
      findings.push({ path: [...base, name], code: "bad-value", message: "is no PEM: no -----BEGIN in it" });
    return text;
  };
  const [ca, cert, key] = [pem("ca"), pem("cert"), pem("key")];
  if ((cert === undefined) !== (key === undefined)) {
    const message = cert === undefined ? "a key without a cert" : "a cert without a key";
    findings.push({ path: base, of: "key", code: "missing-key", message });
  }
  return {
    ca,
    cert,
    key,
    passphrase: secret(ssl.passphrase, ssl.passphraseFile, [...base, "passphrase"]),
    servername: ssl.servername,
    rejectUnauthorized: ssl.rejectUnauthorized,
  };
}
