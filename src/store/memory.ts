import type { Store } from "../pipeline/ports.ts";

/** State that lives as long as the process: for replays, demos and tests. */
export function createMemoryStore(): Store {
  const values = new Map<string, Uint8Array>();
  return {
    load: async (key) => values.get(key),
    save: async (entries) => {
      for (const [key, value] of entries) values.set(key, value.slice());
    },
    close: async () => undefined,
  };
}
