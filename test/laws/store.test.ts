import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it, type TestContext } from "node:test";
import type { Store } from "../../src/pipeline/ports.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { openKafkaStore } from "../../src/store/kafka.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { createRandom } from "../judge/random.ts";
import { broker } from "../services/services.ts";

/** A place for state, and how a process opens it. */
interface Place {
  open(): Promise<Store>;
}

interface Kind {
  /** What is saved is there after the process. */
  readonly lasts: boolean;
  readonly place: () => Promise<Place>;
}

const dir = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const name = (): string => randomBytes(5).toString("hex");

/** Every store. A new one is a line here. */
const stores: Readonly<Record<string, Kind>> = {
  memory: {
    lasts: false,
    place: async () => {
      const store = createMemoryStore();
      return { open: async () => store };
    },
  },
  sqlite: {
    lasts: true,
    place: async () => {
      const file = join(dir, name(), "state.sqlite");
      return { open: async () => openSqliteStore({ file }) };
    },
  },
  kafka: {
    lasts: true,
    place: async () => {
      const brokers = (await broker()).split(",");
      const client = createKafkaClient(
        { brokers, clientId: "laws", ssl: undefined, sasl: undefined },
        undefined,
      );
      const topic = `laws.${name()}.checkpoints`;
      return { open: () => openKafkaStore({ client, topic, processId: name() }) };
    },
  },
};

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const plain = (value: Uint8Array | undefined): number[] | undefined => value && [...value];

for (const [kind, { lasts, place }] of Object.entries(stores)) {
  describe(`store ${kind}`, () => {
    const opened = async (t: TestContext, from?: Place): Promise<Store> => {
      const store = await (from ?? (await place())).open();
      t.after(() => store.close());
      return store;
    };

    it("gives back what was saved last, byte for byte, and nothing for a key that was not", async (t) => {
      const store = await opened(t);
      assert.equal(await store.load("a"), undefined);
      await store.save(new Map([["a", bytes(1, 2)]]));
      await store.save(
        new Map([
          ["a", bytes(0, 255)],
          ["b", bytes()],
        ]),
      );
      assert.deepEqual(plain(await store.load("a")), [0, 255]);
      assert.deepEqual(plain(await store.load("b")), []);
      assert.equal(await store.load("c"), undefined);
    });

    it("keeps what it was given, whatever becomes of the buffer", async (t) => {
      const store = await opened(t);
      const value = bytes(7);
      await store.save(new Map([["a", value]]));
      value[0] = 9;
      assert.deepEqual(plain(await store.load("a")), [7]);
    });

    it("takes keys as they are", async (t) => {
      const store = await opened(t);
      const keys = ["lane/orders/t-0", "lane/orders/t-0#1.0", "__proto__", "ключ'; --"];
      await store.save(new Map(keys.map((key, index) => [key, bytes(index)])));
      for (const [index, key] of keys.entries()) assert.deepEqual(plain(await store.load(key)), [index], key);
    });

    it("takes a value of megabytes, larger and smaller in turn", async (t) => {
      const store = await opened(t);
      const { uniform } = createRandom(1);
      for (const size of [2_000_000, 10, 1_900_000, 2_100_000]) {
        const value = Uint8Array.from({ length: size }, () => Math.floor(uniform() * 256));
        await store.save(new Map([["state", value]]));
        const loaded = await store.load("state");
        assert.equal(Buffer.compare(loaded ?? bytes(), value), 0, `${size} bytes`);
      }
    });

    if (!lasts) return;

    it("is there for the next process", async (t) => {
      const from = await place();
      const before = await from.open();
      await before.save(new Map([["a", bytes(1)]]));
      await before.close();
      assert.deepEqual(plain(await (await opened(t, from)).load("a")), [1]);
    });

    it("shows what another process has saved meanwhile", async (t) => {
      const from = await place();
      const [one, other] = [await opened(t, from), await opened(t, from)];
      for (const round of [1, 2]) {
        await one.save(new Map([["a", bytes(round)]]));
        assert.deepEqual(plain(await other.load("a")), [round]);
      }
    });
  });
}
