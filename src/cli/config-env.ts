import type { Path } from "../spec/document.ts";
import { nearest } from "../spec/nearest.ts";
import { configSchema } from "./config-schema.ts";

/** What one environment variable or flag sets. */
export interface Setting {
  /** `TIDEMARK_HTTP_PORT` or `--port`. */
  readonly name: string;
  readonly path: Path;
  readonly value: unknown;
}

interface Leaf {
  readonly path: readonly string[];
  readonly type: LeafType;
}

type LeafType = "number" | "boolean" | "list" | "webhooks" | "text";

const prefix = "TIDEMARK_";
/** Read by whoever loads the file, not part of it. */
const configVariable = "TIDEMARK_CONFIG";

/** Kubernetes tells every pod of a Service named `tidemark…` so: not ours. */
const serviceLink =
  /^TIDEMARK(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$|^TIDEMARK_PORT$/;
const serviceAddress = /^(tcp|udp|sctp):\/\//;

const leaves: ReadonlyMap<string, Leaf> = new Map(
  [...leavesOf(configSchema, []), { path: ["kafka", "ssl"], type: "boolean" as const }].map((leaf) => [
    variableOf(leaf.path),
    leaf,
  ]),
);

/** `kafka.groupId` → `TIDEMARK_KAFKA_GROUP_ID`. */
export function variableOf(path: readonly string[]): string {
  return prefix + path.map((name) => name.replace(/[A-Z]/g, "_$&").toUpperCase()).join("_");
}

/** Every variable that there is, in the order of the schema. */
export const variables: readonly string[] = [...leaves.keys()];

/**
 * The settings of an environment, and the variables that set nothing. Empty ones count as not set.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  settings: readonly Setting[];
  unknown: readonly { name: string; like: string | undefined }[];
} {
  const settings: Setting[] = [];
  const unknown: { name: string; like: string | undefined }[] = [];
  for (const name of Object.keys(env).sort()) {
    const text = env[name] ?? "";
    if (!name.startsWith(prefix) || text === "" || name === configVariable) continue;
    const leaf = leaves.get(name);
    if (serviceLink.test(name) || (name.endsWith("_PORT") && serviceAddress.test(text))) continue;
    if (leaf === undefined) unknown.push({ name, like: nearest(name, variables) });
    else settings.push({ name, path: leaf.path, value: coerce(text, leaf.type) });
  }
  return { settings, unknown };
}

/** A flag's text as the value at its path, for example `kafka.brokers`. */
export function readFlag(path: string, text: string): Setting {
  const steps = path.split(".");
  const leaf = leaves.get(variableOf(steps));
  const name = `--${(steps.at(-1) ?? path).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return { name, path: steps, value: coerce(text, leaf?.type ?? "text") };
}

/** What does not fit stays a text, so that the schema says what is wrong with it. */
function coerce(text: string, type: LeafType): unknown {
  switch (type) {
    case "number":
      return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return listOf(text);
    case "webhooks":
      return listOf(text).map((url) => ({ url }));
    case "text":
      return text;
  }
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

interface SchemaLike {
  readonly def: {
    readonly type: string;
    readonly innerType?: SchemaLike;
    readonly shape?: Readonly<Record<string, SchemaLike>>;
    readonly element?: SchemaLike;
  };
}

function leavesOf(schema: unknown, path: readonly string[]): Leaf[] {
  const { def } = schema as SchemaLike;
  if (def.innerType !== undefined) return leavesOf(def.innerType, path);
  switch (def.type) {
    case "object":
      return Object.entries(def.shape ?? {}).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
    case "array": {
      const shape = def.element?.def.shape;
      if (shape === undefined) return [{ path, type: "list" }];
      // what has more to it than a URL stands in the file
      return shape["query"] === undefined ? [{ path, type: "webhooks" }] : [];
    }
    case "number":
    case "boolean":
      return [{ path, type: def.type }];
    default:
      return [{ path, type: "text" }];
  }
}
