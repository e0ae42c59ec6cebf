import type { Decoder } from "../decode/decode.ts";
import { eventTimeAt } from "../judge/sample.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Message } from "../model/record.ts";
import type { EventTime } from "../model/time.ts";
import type { Source } from "../pipeline/ports.ts";
import { receiverOf } from "./capture.ts";

/** The batches of a message; a file's stand there decoded. A message that cannot be decoded has none. */
export function batchesIn({ body, headers, schema }: Message, decoder: Decoder): readonly Batch[] {
  switch (body.kind) {
    case "batch":
      return [decoder.named(body.batch)];
    case "batches":
      return body.batches.map((batch) => decoder.named(batch));
    case "tombstone":
      return [];
    case "undecodable":
      throw body.error;
    case "bytes":
      try {
        return decoder.decode(body.bytes, { headers, schema });
      } catch (error) {
        if (error instanceof DecodeError) return [];
        throw error;
      }
  }
}

/** What a message is ordered by when several partitions are to become one log: its first row's event time. */
export function firstEventTime(message: Message, decoder: Decoder, column: string | undefined): EventTime {
  const [batch] = batchesIn(message, decoder);
  const time =
    batch === undefined || column === undefined ? undefined : eventTimeAt(batch.columns.get(column), 0);
  return time ?? message.timestamp ?? 0;
}

/** A source's messages, asked for one by one: it waits until the last one has been used. */
export async function* messagesOf(source: Source, signal: AbortSignal): AsyncGenerator<Message> {
  const over = new AbortController();
  let hand = Promise.withResolvers<Message | undefined>();
  let used = Promise.withResolvers<void>();
  const run = source
    .run(
      receiverOf(async (_partition, message) => {
        hand.resolve(message);
        await used.promise;
        used = Promise.withResolvers();
      }),
      AbortSignal.any([signal, over.signal]),
    )
    .then(
      () => hand.resolve(undefined),
      (error: unknown) => hand.reject(error),
    );
  try {
    for (;;) {
      const message = await hand.promise;
      if (message === undefined) return;
      yield message;
      hand = Promise.withResolvers();
      used.resolve();
    }
  } finally {
    over.abort();
    used.resolve();
    await run;
  }
}
