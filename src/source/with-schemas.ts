import type { Message } from "../model/record.ts";
import type { Source } from "../pipeline/ports.ts";
import type { SchemaRegistry } from "./schema-registry.ts";

/**
 * A source whose messages come with the schemas that they name. A registry that does not answer is the source's fault, to
 * be tried again, and no message is lost to it; one that does not know a schema makes that message a dead letter.
 */
export function withSchemas<S extends Source>(source: S, registry: Pick<SchemaRegistry, "schemaOf">): S {
  const run: Source["run"] = (receiver, signal) => {
    const resolved = async (message: Message): Promise<Message> =>
      message.schemaReference === undefined
        ? message
        : { ...message, schema: await registry.schemaOf(message.schemaReference, signal) };
    return source.run(
      {
        ...receiver,
        async receive(partition, messages) {
          if (messages.every(({ schemaReference }) => schemaReference === undefined))
            return receiver.receive(partition, messages);
          const whole: Message[] = [];
          for (const message of messages) whole.push(await resolved(message)); // in turn: most are known already
          return receiver.receive(partition, whole);
        },
      },
      signal,
    );
  };
  return { ...source, run };
}
