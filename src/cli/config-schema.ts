import { z } from "zod";
import { parseDuration } from "../model/time.ts";
import { durationSchema } from "../spec/schema.ts";
import { parseBytes } from "../spec/size.ts";

const text = z.string().min(1).max(4_096);

const broker = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, { error: "is no host:port" });

const topicName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9._-]+$/, { error: "is no part of a Kafka topic: letters, digits, _ . and -" });

const httpUrl = z
  .string()
  .max(2_048)
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: "is no http or https URL",
  });

/** A whole number of bytes, or a text such as 512MiB. */
const size = z
  .union([z.number().int().positive(), z.string()])
  .refine((value) => typeof value === "number" || (parseBytes(value) ?? 0) > 0, {
    error: "is no size such as 512MiB",
  });

const count = z.number().int().min(1);

/** A secret stands in a file (`passwordFile`), or, for the environment's sake, in the value itself (`password`). */
const secret = { inline: text.optional(), file: text.optional() };

export const saslMechanisms = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"] as const;
export const roleNames = ["profile", "judge", "serve"] as const;

const sslSchema = z.strictObject({
  ca: secret.inline,
  caFile: secret.file,
  cert: secret.inline,
  certFile: secret.file,
  key: secret.inline,
  keyFile: secret.file,
  passphrase: secret.inline,
  passphraseFile: secret.file,
  servername: text.optional(),
  rejectUnauthorized: z.boolean().default(true),
});

/** A server that is asked by HTTP, and how it knows us. */
const placeShape = {
  url: httpUrl,
  username: text.optional(),
  password: secret.inline,
  passwordFile: secret.file,
  token: secret.inline,
  tokenFile: secret.file,
  ssl: sslSchema.optional(),
};

const atLeastASecond = durationSchema.refine((value) => (parseDuration(value) ?? 0) >= 1_000, {
  error: "is less than 1s",
});

const prometheusSchema = z.strictObject({
  ...placeShape,
  every: atLeastASecond.default("15s"),
  queries: z
    .array(
      z.strictObject({
        name: z
          .string()
          .max(100)
          .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, { error: "is no name: letters, digits and _" }),
        title: z.string().min(1).max(100).optional(),
        query: text,
        limit: z.number(),
        unit: z.string().min(1).max(20).optional(),
        warnBefore: atLeastASecond.default("30m"),
        segment: z
          .string()
          .max(100)
          .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, { error: "is no label of Prometheus" })
          .optional(),
        featureView: text.optional(),
      }),
    )
    .min(1)
    .max(20),
});

const kafkaSchema = z.strictObject({
  brokers: z.array(broker).min(1).max(100),
  clientId: text.default("tidemark"),
  groupId: text.default("tidemark"),
  topicPrefix: topicName.default("tidemark"),
  startFrom: z.enum(["earliest", "latest"]).default("earliest"),
  connectWithin: durationSchema.default("30s"),
  ssl: sslSchema.optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(saslMechanisms),
      username: text.optional(),
      password: secret.inline,
      passwordFile: secret.file,
      tokenFile: secret.file,
      tokenUrl: httpUrl.optional(),
      clientId: text.optional(),
      clientSecret: secret.inline,
      clientSecretFile: secret.file,
      scope: text.optional(),
    })
    .optional(),
  schemaRegistry: z.strictObject(placeShape).optional(),
});

/** `tidemark.yaml`, before secrets are read. Environment variables are named after these paths. */
export const configSchema = z.strictObject({
  kafka: kafkaSchema.optional(),
  specs: text.default("feature-specs"),
  state: z.strictObject({ dir: text.default(".tidemark") }).prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).max(253).default("127.0.0.1"),
      port: z.number().int().min(0).max(65_535).default(8_787),
      token: secret.inline,
      tokenFile: secret.file,
    })
    .prefault({}),
  alertmanager: z
    .strictObject({
      urls: z.array(httpUrl).max(20).default([]),
      resendEvery: atLeastASecond.default("1m"),
    })
    .prefault({}),
  webhooks: z
    .array(z.strictObject({ url: httpUrl.optional(), urlFile: secret.file }))
    .max(20)
    .default([]),
  prometheus: prometheusSchema.optional(),
  roles: z
    .array(z.enum(roleNames))
    .min(1)
    .default([...roleNames]),
  limits: z
    .strictObject({
      memory: size.optional(),
      messageBytes: size.optional(),
      decodedBytes: size.optional(),
      rowsPerBatch: count.optional(),
      fields: count.optional(),
      categories: count.min(2).optional(),
      segments: count.optional(),
      openWindows: count.min(2).optional(),
      httpBodyBytes: size.optional(),
      queueBytes: size.optional(),
      dictionaryEntries: count.optional(),
      nesting: count.optional(),
    })
    .prefault({}),
});

export type ConfigDocument = z.output<typeof configSchema>;
