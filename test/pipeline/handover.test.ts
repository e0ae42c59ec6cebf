import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { describe, it } from "node:test";
import { readIncident } from "../../src/cli/incident.ts";
import { readViews } from "../../src/cli/views.ts";
import { framesOf } from "../../src/judge/baseline-file.ts";
import { hintsOf } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { createHandover } from "../../src/pipeline/handover.ts";
import { createJudging } from "../../src/pipeline/judging.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { decodeSignal, encodeSignal, type Signal } from "../../src/pipeline/signal.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { readFileBatches } from "../../src/source/file.ts";
import { sampleProfile } from "../profile/sample.ts";

const closed = (profile: WindowProfile): Signal => ({
  kind: "closed",
  partition: "topic-0",
  profile,
  partial: false,
});
const headersOf = (headers: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(headers));

describe("a closed window on its way to the judge", () => {
  it("is the very profile where it was written, once, and a decoded one everywhere else", () => {
    const [own, other] = [createHandover("own"), createHandover("other")];
    const profile = sampleProfile();
    other.keep(sampleProfile(), 1);
    const { headers, value } = encodeSignal(closed(profile), own);
    const read = (from?: typeof own): WindowProfile | undefined => {
      const signal = decodeSignal(headersOf(headers), value, from);
      return signal?.kind === "closed" ? signal.profile : undefined;
    };
    assert.notEqual(read(other), profile);
    assert.equal(read(own), profile);
    assert.notEqual(read(own), profile);
    assert.deepEqual(encodeSignal(closed(read() as WindowProfile)).value, value);
  });

  it("waits as long as there is room, and the newest stay", () => {
    const handover = createHandover("own");
    const profile = sampleProfile();
    const names = Array.from({ length: 40 }, () => handover.keep(profile, 1024 * 1024));
    assert.deepEqual(
      names.map((name) => handover.take(name) === profile),
      names.map((_, index) => index >= 24),
    );
  });

  it("is judged alike, to the bit, whether it was handed over or decoded", async () => {
    const { spec, input } = readIncident("tensor-collapse");
    const monitored = readViews(dirname(spec)).views.find(
      ({ view }) => `${view.name}.yaml` === basename(spec),
    );
    assert(monitored !== undefined);
    const { view, baseline } = monitored;
    const options = { view, frames: framesOf(baseline), pairs: baseline?.pairs ?? [], limits: defaultLimits };
    const profiler = createProfiler(options);
    const state = profiler.start();
    const closing: WindowProfile[] = [];
    for await (const batch of readFileBatches(input, { hints: hintsOf(view), limits: defaultLimits }))
      closing.push(...profiler.fold(state, batch, { timestamp: undefined, position: "" }).closed);
    const profiles = closing.filter(({ segment }) => segment === null);
    const said = (handover: ReturnType<typeof createHandover> | undefined): string[] => {
      const judging = createJudging(view, baseline);
      const outcomes: Outcome[] = [];
      for (const profile of profiles) {
        const { headers, value } = encodeSignal(closed(profile), handover);
        const signal = decodeSignal(headersOf(headers), value, handover);
        assert(signal?.kind === "closed");
        // a neighbour of the same rows, so that profiles are merged
        judging.add("topic-0", signal.profile);
        judging.add("topic-1", signal.profile);
        outcomes.push(...judging.close(profile.window.start, Number.POSITIVE_INFINITY));
      }
      return outcomes.map(({ profile: _, ...rest }: Outcome & { profile?: unknown }) => JSON.stringify(rest));
    };
    const decoded = said(undefined);
    assert.ok(decoded.some((line) => line.includes('"breaker"')));
    assert.deepEqual(said(createHandover("own")), decoded);
  });
});
