import { Fault } from "../model/fault.ts";
import type { Clock } from "../model/time.ts";
import type { FoundSchema, SchemaReference, WriterSchema } from "../model/writer-schema.ts";
import { createHttpGet, type HttpAnswer, type HttpPlace } from "./http-get.ts";
import { pause } from "./pause.ts";

/** Schemas by their id, kept: an id never changes its schema. */
export interface SchemaRegistry {
  /**
   * @returns `missing` when the registry knows no such schema, or one that cannot be used
   * @throws Fault `source.unreachable`, retryable, when it does not answer, refuses us, or answers nonsense
   */
  schemaOf(reference: SchemaReference, signal: AbortSignal): Promise<WriterSchema>;
  /** What it says of itself, for `doctor`: the number of subjects. @throws Fault as above */
  subjects(signal: AbortSignal): Promise<number>;
}

/** Together shorter than a consumer's session, so that a registry that hangs costs no rebalance. */
const [attempts, timeoutMs] = [2, 2_000];
const firstWaitMs = 200;
/** Schemas kept; the one that was asked for longest ago goes. */
const schemasMax = 1_000;
/** An id that was unknown is asked for again after this. */
const unknownForMs = 60_000;
/** A follower may be a moment behind: an unknown id is asked for once more after this, but no two ids within `secondLookEveryMs`. */
const secondLookAfterMs = 500;
const secondLookEveryMs = 5_000;
/** Schemas that one schema may refer to, those of others counted. */
const referencesMax = 64;

/** @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html */
export function createSchemaRegistry(place: HttpPlace, clock: Clock): SchemaRegistry {
  const http = createHttpGet(place, {
    what: "schema registry",
    accept: "application/vnd.schemaregistry.v1+json, application/json",
    timeoutMs,
  });
  const known = new Map<string, Schema>();
  const unknown = new Map<string, { readonly schema: Unusable; readonly until: number }>();
  let secondLookAt = Number.NEGATIVE_INFINITY;

  const ask = async (path: string, signal: AbortSignal): Promise<HttpAnswer> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return checked(await http.get(path, signal), http.name);
      } catch (error) {
        if (!(error instanceof Fault) || error.hint !== undefined || attempt === attempts || signal.aborted)
          throw withHint(error);
        await pause(firstWaitMs * 2 ** (attempt - 1), signal);
      }
    }
  };

  const lookUp = async (path: string, signal: AbortSignal): Promise<Schema> => {
    let answer = await ask(path, signal);
    if (answer.status === 404 && clock.elapsed() - secondLookAt > secondLookEveryMs) {
      secondLookAt = clock.elapsed();
      await pause(secondLookAfterMs, signal);
      answer = await ask(path, signal);
    }
    if (answer.status !== 200) return { kind: "unusable", reason: refusal(answer) };
    const { schema, schemaType, references } = objectOf(answer, http.name);
    if (typeof schema !== "string") throw nonsense(http.name, answer);
    const type = schemaType ?? "AVRO";
    if (type !== "AVRO" && type !== "JSON" && type !== "PROTOBUF")
      return { kind: "unusable", reason: `a schema of type ${JSON.stringify(type).slice(0, 40)}` };
    const texts = new Map<string, string>();
    // Only Avro's references are needed to read the bytes.
    const problem = type === "AVRO" ? await refer(references, texts, signal, 0) : undefined;
    if (problem !== undefined) return { kind: "unusable", reason: problem };
    return { kind: "usable", type, text: schema, references: [...texts.values()] };
  };

  /** Fetches what a schema refers to, depth first, so that names are declared before they are used; says what is wrong with it. */
  const refer = async (
    references: unknown,
    into: Map<string, string>,
    signal: AbortSignal,
    depth: number,
  ): Promise<string | undefined> => {
    if (!Array.isArray(references)) return undefined;
    for (const reference of references as readonly Readonly<Record<string, unknown>>[]) {
      const { subject, version } = reference;
      const path = `subjects/${encodeURIComponent(String(subject))}/versions/${encodeURIComponent(String(version))}`;
      if (into.has(path)) continue;
      if (into.size >= referencesMax || depth > referencesMax)
        return `it refers to more than ${referencesMax} schemas`;
      const answer = await ask(path, signal);
      if (answer.status !== 200) return `${path}, which it refers to: ${refusal(answer)}`;
      const { schema, references: more } = objectOf(answer, http.name);
      if (typeof schema !== "string") throw nonsense(http.name, answer);
      const problem = await refer(more, into, signal, depth + 1);
      if (problem !== undefined) return problem;
      into.set(path, schema);
    }
    return undefined;
  };

  const find = async (key: string, path: string, signal: AbortSignal): Promise<Schema> => {
    const found = known.get(key);
    if (found !== undefined) {
      known.delete(key);
      known.set(key, found); // now the most recently used
      return found;
    }
    const miss = unknown.get(key);
    if (miss !== undefined && miss.until > clock.elapsed()) return miss.schema;
    const schema = await lookUp(path, signal);
    if (schema.kind === "unusable") keep(unknown, key, { schema, until: clock.elapsed() + unknownForMs });
    else keep(known, key, schema);
    return schema;
  };

  // The same schema is the same object, so that what was compiled for it is found again.
  const named = new WeakMap<Schema, Map<string, FoundSchema>>();
  return {
    async schemaOf(reference, signal) {
      const { framing } = reference;
      const name = reference.kind === "id" ? `schema id ${reference.id}` : `schema ${reference.guid}`;
      const path =
        reference.kind === "id" ? `schemas/ids/${reference.id}` : `schemas/guids/${reference.guid}`;
      const schema = await find(path, path, signal);
      if (schema.kind === "unusable") return { kind: "missing", name, reason: schema.reason, framing };
      const forms = named.get(schema) ?? new Map<string, FoundSchema>();
      named.set(schema, forms);
      const form = forms.get(framing) ?? { ...schema, kind: "found", name, framing };
      forms.set(framing, form);
      return form;
    },
    async subjects(signal) {
      const answer = await ask("subjects", signal);
      const subjects: unknown = answer.status === 200 ? jsonOf(answer) : undefined;
      if (!Array.isArray(subjects)) throw nonsense(http.name, answer);
      return subjects.length;
    },
  };
}

type Schema = Usable | Unusable;

interface Usable {
  readonly kind: "usable";
  readonly type: FoundSchema["type"];
  readonly text: string;
  readonly references: readonly string[];
}

interface Unusable {
  readonly kind: "unusable";
  readonly reason: string;
}

function keep<T>(into: Map<string, T>, key: string, value: T): void {
  into.delete(key);
  into.set(key, value);
  for (const oldest of into.keys()) {
    if (into.size <= schemasMax) break;
    into.delete(oldest);
  }
}

/** An answer about the schema: 200, or a 4xx that is the registry's own. Anything else is no answer. */
function checked(answer: HttpAnswer, name: string): HttpAnswer {
  const { status } = answer;
  if (status === 401 || status === 403) {
    throw new Fault(
      "source.unreachable",
      `schema registry ${name} answered ${status}: it does not let us in`,
      {
        retryable: true,
        hint: "check kafka.schemaRegistry.username and .password, or .token",
      },
    );
  }
  const ownWord = status === 404 || status === 422 || status === 400;
  // A proxy's or some other server's page is not the registry's word.
  if (status === 200 || (ownWord && !/html/i.test(answer.contentType))) return answer;
  throw new Fault("source.unreachable", `schema registry ${name} answered ${status}`, { retryable: true });
}

function withHint(error: unknown): unknown {
  if (!(error instanceof Fault) || error.hint !== undefined) return error;
  return new Fault(error.code, error.message, {
    retryable: error.retryable,
    cause: error.cause,
    hint: "is it up, and is kafka.schemaRegistry.url right? `tidemark doctor` looks closer",
  });
}

function refusal(answer: HttpAnswer): string {
  const { message, error_code: code } = (jsonOf(answer) ?? {}) as { message?: unknown; error_code?: unknown };
  const said = typeof message === "string" ? `: ${message.slice(0, 200)}` : "";
  const what =
    answer.status === 404 ? "the schema registry does not know it" : "the schema registry refuses it";
  return `${what} (${typeof code === "number" ? code : answer.status}${said})`;
}

function jsonOf({ text }: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told apart from what it should be by whoever asks
  }
}

function objectOf(answer: HttpAnswer, name: string): Readonly<Record<string, unknown>> {
  const value = jsonOf(answer);
  if (typeof value !== "object" || value === null) throw nonsense(name, answer);
  return value as Readonly<Record<string, unknown>>;
}

function nonsense(name: string, { status }: HttpAnswer): Fault {
  return new Fault(
    "source.unreachable",
    `schema registry ${name}: an answer (${status}) that no schema registry gives`,
    {
      retryable: true,
      hint: "is kafka.schemaRegistry.url the registry's own?",
    },
  );
}
