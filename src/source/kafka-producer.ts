import type { Producer, ProducerRecord, RecordMetadata } from "kafkajs";

/**
 * A producer that goes on after a send that failed, by another one with a producer id of its own. kafkajs 2.2.4 gives a failed
 * batch's sequence numbers to the next one, though the broker may have written the first: then it drops the next one in
 * silence when it has as many messages, as one that came twice, and refuses it and all after it when it has not. Sends to a
 * topic take turns, so that none goes between a send and its own retries.
 * @param make  a producer that is not connected
 */
export function createLastingProducer(make: () => Producer): Producer {
  const connected = async (): Promise<Producer> => {
    const producer = make();
    try {
      await producer.connect();
    } catch (error) {
      void producer.disconnect().catch(() => undefined); // the caller has what is wrong
      throw error;
    }
    return producer;
  };
  /** Waits for requests under way, for as long as they may take: nobody else need. */
  const retire = (producer: Promise<Producer>): void =>
    void producer.then((gone) => gone.disconnect()).catch(() => undefined); // of one that is given up
  let current: Promise<Producer> | undefined;
  const turns = new Map<string, Promise<unknown>>();

  const sendNow = async (record: ProducerRecord): Promise<RecordMetadata[]> => {
    current ??= connected();
    const mine = current;
    try {
      return await (await mine).send(record);
    } catch (error) {
      if (current === mine) {
        current = undefined;
        retire(mine);
      }
      throw error;
    }
  };

  return Object.assign(make(), {
    async connect(): Promise<void> {
      current = connected();
      await current;
    },
    send(record: ProducerRecord): Promise<RecordMetadata[]> {
      const sent = (turns.get(record.topic) ?? Promise.resolve()).then(() => sendNow(record));
      turns.set(
        record.topic,
        sent.catch(() => undefined), // the caller has the rejection; the next in line must not
      );
      return sent;
    },
    async disconnect(): Promise<void> {
      const last = current;
      current = undefined;
      await (await last)?.disconnect();
    },
  });
}
