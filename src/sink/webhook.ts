import { createHash } from "node:crypto";
import { Fault } from "../model/fault.ts";
import type { Clock } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import { pack, unpack } from "../pipeline/checkpoint.ts";
import type { AlertChange, Outcome, Sink } from "../pipeline/ports.ts";
import { type Courier, createCourier, type Reporting } from "./courier.ts";
import { type Address, addressOf, postJson } from "./post.ts";
import { alertLine } from "./report-files.ts";

/** Changes that wait for one address; beyond it the oldest are dropped. */
const waitingMax = 1_000;

export interface WebhookOptions {
  readonly webhooks: readonly { readonly url: string }[];
  /** For one POST; 5 s by default. */
  readonly timeoutMs?: number;
  /** [0, 1) */
  readonly random: () => number;
  /** Called when an address has taken a change. */
  readonly onTold?: (change: AlertChange) => void;
}

/** A change that waits for an address, as it is posted. */
interface Waiting extends AlertChange {
  readonly line: object;
}

/**
 * Posts every change of an alert to every address, in order: `{"alerts":[…]}` with the alert's line of `alerts.jsonl`. A
 * change is tried again until the address takes it (any 2xx) or will never (any other 4xx than 408 and 429), so it may
 * come twice: its `idempotency-key` header is the same then. `accept` never waits for an address. What waits is part of the
 * checkpoint, so a crash loses none of it.
 */
export function createWebhooks(
  options: WebhookOptions,
  reporting: Reporting & { readonly clock?: Clock }, // every sink is handed a clock; this one reads none
): Sink {
  const seen = new WeakSet<Outcome>();
  const hooks = options.webhooks.map(({ url }) => createHook(addressOf(url), options, reporting));
  return {
    name: "webhook",
    async accept(outcomes) {
      for (const outcome of outcomes) {
        if (outcome.kind !== "alert" || seen.has(outcome)) continue;
        seen.add(outcome); // handed over again after another sink had refused it
        for (const hook of hooks) hook.add(waitingOf(outcome.alert));
      }
    },
    save: () => pack({ queues: Object.fromEntries(hooks.map(({ id, waiting }) => [id, waiting()])) }, []),
    restore(bytes) {
      const { queues } = unpack(bytes).header as { queues: Record<string, readonly Waiting[]> };
      for (const hook of hooks) for (const change of queues[hook.id] ?? []) hook.add(change);
    },
    async close(signal) {
      await Promise.all(hooks.map(({ courier }) => courier.close(signal)));
    },
  };
}

/** The same change of the same alert, the same key. */
export function idempotencyKey({ fingerprint, startsAt, status }: AlertChange): string {
  return `${fingerprint}-${startsAt}-${status}`;
}

function waitingOf(alert: Alert): Waiting {
  const { featureView, fingerprint, startsAt, status } = alert;
  return { featureView, fingerprint, startsAt, status, line: alertLine(alert) };
}

interface Hook {
  /** Of its address, which may hold a secret. */
  readonly id: string;
  /** A change that waits already is not taken twice. */
  add(change: Waiting): void;
  waiting(): readonly Waiting[];
  readonly courier: Courier;
}

function createHook(
  address: Address,
  { timeoutMs = 5_000, random, onTold }: WebhookOptions,
  reporting: Reporting,
): Hook {
  /** By idempotency key, in the order in which they came. */
  const waiting = new Map<string, Waiting>();
  const oldest = (): [string, Waiting] | undefined => waiting.entries().next().value;
  const name = `webhook ${address.name}`;
  let dropped = 0;

  const deliver = async (signal: AbortSignal): Promise<string | undefined> => {
    for (let next = oldest(); next !== undefined; next = oldest()) {
      const [key, alert] = next;
      const headers = { "idempotency-key": key };
      const answer = await postJson(
        address,
        address.url,
        { alerts: [alert.line] },
        { headers, timeoutMs, signal },
      );
      if (answer.status < 300) onTold?.(alert);
      else {
        const text = `${address.name} answered ${answer.status} ${answer.text}`.trim();
        if (mayRecover(answer.status)) throw new Fault("sink.rejected", text, { retryable: true });
        dropped += 1;
        reporting.onFailure?.(address.name);
        reporting.log.error(
          { peer: address.name, fingerprint: alert.fingerprint },
          `${name} refuses: ${text}`,
        );
      }
      waiting.delete(key);
    }
    return dropped === 0 ? undefined : `${dropped} changes were not taken`;
  };

  const courier = createCourier({ ...reporting, name, peer: address.name, random, deliver });
  return {
    courier,
    id: createHash("sha256").update(address.url.href).digest("hex").slice(0, 16),
    waiting: () => [...waiting.values()],
    add(alert) {
      const key = idempotencyKey(alert);
      if (waiting.has(key)) return;
      if (waiting.size >= waitingMax) {
        waiting.delete(oldest()?.[0] ?? key);
        dropped += 1;
        if (dropped === 1)
          reporting.log.error(
            { peer: address.name },
            `${name}: over ${waitingMax} changes wait: the oldest are dropped`,
          );
      }
      waiting.set(key, alert);
      courier.wake();
    },
  };
}

function mayRecover(status: number): boolean {
  return status < 400 || status >= 500 || status === 408 || status === 429;
}
