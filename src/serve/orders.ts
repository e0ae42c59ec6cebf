import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { isoTime, parseDuration, type WallTime } from "../model/time.ts";
import { type BreakerOrder, parseSegment } from "../model/verdict.ts";
import type { ViewStatus } from "../pipeline/board.ts";
import { isSegmentOf } from "./gate.ts";
import { Problem } from "./problem.ts";

/** Nobody mutes for longer: what is forgotten has to come back. */
const muteMaxMs = 30 * 24 * 3_600_000;
const reasonMax = 500;
const keys = ["action", "mute", "reason", "segment"];

/**
 * Lets through whoever has the token. Both sides are hashed, so that the comparison tells nothing of the token.
 * @throws Problem 403 when no token is configured, 401 when another one, or none, is given
 */
export function requireToken({ headers }: FastifyRequest, token: string | undefined): void {
  if (token === undefined) {
    throw new Problem(403, "admin verbs are off", "set http.tokenFile in the config to allow them");
  }
  const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
  if (!timingSafeEqual(digest(given), digest(token))) {
    throw new Problem(401, "unauthorized", "send authorization: Bearer TOKEN, the token of http.tokenFile");
  }
}

/**
 * `{"action": "open" | "close", "mute": "2h", "reason": "…", "segment": "node:a7"}` → an order.
 * @throws Problem 400 that names the key
 */
export function readOrder(body: Uint8Array, status: ViewStatus, now: WallTime): BreakerOrder {
  const order = parse(body);
  for (const key of Object.keys(order))
    if (!keys.includes(key)) throw bad(`unknown key "${key.slice(0, 60)}"; there are ${keys.join(", ")}`);
  const { action, mute, reason, segment } = order;
  if (action !== "open" && action !== "close") throw bad("action is open or close");
  if (typeof reason !== "string" || reason.trim() === "" || reason.length > reasonMax)
    throw bad(`reason says why, in at most ${reasonMax} characters`);
  const muteMs = typeof mute === "string" ? parseDuration(mute) : undefined;
  if (mute !== undefined && (muteMs === undefined || !(muteMs > 0) || muteMs > muteMaxMs))
    throw bad("mute is a duration of at most 30d, such as 2h");
  if (segment !== undefined && (typeof segment !== "string" || !isSegmentOf(status, segment)))
    throw bad(`segment is field:value, with a field of: ${status.view.segments.join(", ") || "none"}`);
  return {
    featureView: status.view.name,
    segment: typeof segment === "string" ? parseSegment(segment) : null,
    action,
    at: now,
    muteUntil: muteMs === undefined ? null : now + muteMs,
    reason: reason.trim(),
  };
}

/** What was taken down. It holds as soon as the judge of the view has read it: at once, in a cluster within a second or so. */
export function orderAnswer(order: BreakerOrder): object {
  const { featureView, segment, action, at, muteUntil, reason } = order;
  return {
    featureView,
    segment: segment === null ? null : `${segment.field}:${segment.value}`,
    action,
    at: isoTime(at),
    muteUntil: muteUntil === null ? null : isoTime(muteUntil),
    reason,
  };
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // said below: what is no JSON is no object either
  }
  throw bad('send a JSON object such as {"action": "close", "mute": "2h", "reason": "known release"}');
}

function bad(detail: string): Problem {
  return new Problem(400, "bad order", detail);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
