import type { Baseline } from "../judge/baseline.ts";
import { formatBaseline, parseBaseline } from "../judge/baseline-file.ts";
import { createJudge } from "../judge/judge.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime } from "../model/time.ts";
import { type JudgedWindow, segmentKey } from "../model/verdict.ts";
import { decodeProfile } from "../profile/codec.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { pack, unpack } from "./checkpoint.ts";
import {
  encodeParts,
  forgetOld,
  type Gathered,
  type GatheredState,
  mergeInOrder,
  statesOf,
} from "./judged-windows.ts";
import type { Store } from "./ports.ts";

/** A spec with its baseline. */
export interface Spec {
  readonly view: FeatureView;
  readonly baseline: Baseline | undefined;
}

/** The windows that were open when a view's spec was replaced: they are judged by the spec that they were profiled by. */
export interface Retired {
  /** @returns false for a profile of any other spec */
  add(partition: string, profile: WindowProfile): boolean;
  /**
   * Every window with news, whole view before segments. One that has been judged before is judged again as the next revision.
   * @param judgedThrough  by the spec of now: what ended long before it is let go of
   */
  close(
    judgedThrough: EventTime,
  ): readonly (readonly { readonly judged: JudgedWindow; readonly profile: WindowProfile }[])[];
  /** What has come so far, judged or not: a part that comes later is judged with it. */
  encode(): RetiredState;
  restore(state: RetiredState): void;
}

export interface RetiredState {
  readonly windows: readonly GatheredState[];
  readonly profiles: readonly { readonly partition: string; readonly bytes: Uint8Array }[];
}

export function createRetired({ view, baseline }: Spec): Retired {
  const judge = createJudge(view, baseline);
  const windows = new Map<EventTime, Gathered>();
  const windowAt = (start: EventTime): Gathered =>
    getOrInsert(windows, start, () => ({ parts: new Map(), partial: true, revision: 0, changed: false }));
  const add = (partition: string, profile: WindowProfile): boolean => {
    if (profile.spec !== view.fingerprint) return false;
    const window = windowAt(profile.window.start);
    const partitions = getOrInsert(window.parts, segmentKey(profile.segment), () => new Map());
    if ((partitions.get(partition)?.rows ?? -1) >= profile.rows) return true; // told again
    partitions.set(partition, profile);
    window.changed = true;
    return true;
  };
  return {
    add,
    close(judgedThrough) {
      const due = [...windows.values()].filter(({ changed }) => changed);
      const judged = due.map((window) => {
        const { parts, revision } = window;
        window.changed = false;
        window.revision += 1;
        return [...parts.keys()].sort().map((key) => {
          const profile = mergeInOrder(parts.get(key) ?? new Map());
          const own = judge.judge(profile, { final: true, asOf: profile.window.end, whole: false });
          return { judged: { ...own, partial: true, ...(revision > 0 ? { revision } : {}) }, profile };
        });
      });
      forgetOld(windows, judgedThrough, view.window, 0);
      return judged;
    },
    encode: () => ({ windows: statesOf(windows), profiles: encodeParts(windows) }),
    restore(state) {
      for (const { partition, bytes } of state.profiles) add(partition, decodeProfile(bytes));
      for (const { start, revision, changed } of state.windows)
        if (windows.has(start)) Object.assign(windowAt(start), { revision, changed });
    },
  };
}

/** Which spec a view had before, and what is to be saved so that the next start knows. */
export interface Succession {
  readonly former: Spec | undefined;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

/**
 * A spec is saved with its baseline, as the last one of its view, and the one before it is kept.
 * @throws Fault `store.version` when a newer tidemark saved it
 */
export async function findFormer(spec: Spec, store: Store): Promise<Succession> {
  const key = `spec/${spec.view.name}`;
  const [last, before] = [await store.load(key), await store.load(`${key}/before`)];
  const own = encodeSpec(spec);
  if (last === undefined) return { former: undefined, entries: new Map([[key, own]]) };
  if (fingerprintIn(last) === spec.view.fingerprint) {
    const isSame = Buffer.compare(last, own) === 0; // or its baseline has been built anew
    return {
      former: before === undefined ? undefined : decodeSpec(before),
      entries: new Map(isSame ? [] : [[key, own]]),
    };
  }
  const entries = new Map([
    [`${key}/before`, last],
    [key, own],
  ]);
  return { former: decodeSpec(last), entries };
}

function encodeSpec({ view, baseline }: Spec): Uint8Array {
  const text = baseline === undefined ? [] : [new TextEncoder().encode(formatBaseline(baseline))];
  return pack({ view }, text);
}

const fingerprintIn = (bytes: Uint8Array): string =>
  (unpack(bytes).header as { view: FeatureView }).view.fingerprint;

/** @returns undefined when its baseline cannot be read any more */
function decodeSpec(bytes: Uint8Array): Spec | undefined {
  const { header, parts } = unpack(bytes);
  const { view } = header as { view: FeatureView };
  const [text] = parts;
  try {
    const baseline =
      text === undefined ? undefined : parseBaseline(new TextDecoder().decode(text), `spec/${view.name}`);
    return { view, baseline };
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
