import { Fault } from "../model/fault.ts";

/**
 * What this room keeps across a restart, as `{"version":1,…}`. Our own writing, so only its outline is checked.
 * @throws Fault `store.version` when it is no JSON, of another version, or lacks the array `key`
 */
export function readState<State>(text: string, key: string & keyof State): State {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (cause) {
    throw new Fault("store.version", `saved ${key}: no JSON in ${text.length} characters`, { cause });
  }
  if (typeof state !== "object" || state === null || !("version" in state) || state.version !== 1) {
    throw new Fault("store.version", `saved ${key}: not of version 1`);
  }
  if (!Array.isArray((state as Record<string, unknown>)[key])) {
    throw new Fault("store.version", `saved ${key}: the list is missing`);
  }
  return state as State;
}
