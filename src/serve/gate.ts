import { isoTime } from "../model/time.ts";
import { type Breaker, parseSegment } from "../model/verdict.ts";
import type { ViewStatus } from "../pipeline/board.ts";

/** The gate's answer: whether what was asked for may be used. */
export interface GateAnswer {
  readonly featureView: string;
  readonly segment: string | null;
  readonly state: Breaker["state"];
  /** null for a breaker that no window has been judged for. */
  readonly since: string | null;
  readonly openedAt: string | null;
  readonly reasons: Breaker["reasons"];
  /** Segments of the view whose own breaker is open, as `node:a7`; at most 100. */
  readonly openSegments: readonly string[];
  /** A person's word that holds the breaker, or mutes its alerts; null without one. */
  readonly hold: HoldAnswer | null;
  /** Rows have stayed away for longer than chance explains, or three windows where nobody knows: what the breaker says is old. */
  readonly stale: boolean;
  readonly models: ViewStatus["view"]["models"];
}

interface HoldAnswer {
  readonly since: string;
  readonly until: string | null;
  readonly reason: string;
  readonly muted: boolean;
  readonly silenced: number;
}

export function holdOf({ hold }: Breaker): HoldAnswer | null {
  if (hold === undefined) return null;
  return { ...hold, since: isoTime(hold.since), until: hold.until === null ? null : isoTime(hold.until) };
}

export function sinceOf({ since }: Breaker): string | null {
  return since === 0 ? null : isoTime(since);
}

const openSegmentsMax = 100;
const rank = { closed: 0, "half-open": 1, open: 2 } as const;

/**
 * State of a view, or of one segment of it: then the worse of the two counts, because a sick view is sick in each segment.
 * @param segmentText  `node:a7`, or undefined for the whole view
 */
export function gateOf(status: ViewStatus, segmentText: string | undefined): GateAnswer {
  const own = segmentText === undefined ? undefined : status.segments.get(segmentText);
  const { breaker: whole } = status;
  const breaker = own !== undefined && rank[own.state] > rank[whole.state] ? own : whole;
  const open = [...status.segments].filter(([, { state }]) => state === "open").map(([key]) => key);
  return {
    featureView: status.view.name,
    segment: segmentText ?? null,
    state: breaker.state,
    since: sinceOf(breaker),
    openedAt: breaker.openedAt === null ? null : isoTime(breaker.openedAt),
    reasons: breaker.reasons,
    openSegments: open.slice(0, openSegmentsMax),
    hold: holdOf(breaker),
    stale: status.silent,
    models: status.view.models,
  };
}

/** 503 while open: anything that polls a URL understands it. */
export function gateCode({ state }: Pick<GateAnswer, "state">): 200 | 503 {
  return state === "open" ? 503 : 200;
}

/** What a proxy may ask with. */
export const proxyMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** 403 while open: proxies that ask before each request (Envoy's ext_authz, NGINX's auth_request) take a 5xx for a failure of ours. */
export function authzCode({ state }: Pick<GateAnswer, "state">): 200 | 403 {
  return state === "open" ? 403 : 200;
}

/** `field:value` whose field is a segment field of the view. */
export function isSegmentOf({ view }: ViewStatus, text: string): boolean {
  const segment = parseSegment(text);
  return segment !== null && view.segments.includes(segment.field);
}
