import { Fault } from "../model/fault.ts";
import type { Clock } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import type { Outcome, Sink } from "../pipeline/ports.ts";
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
  readonly onTold?: (change: Alert) => void;
}

/**
 * Posts every change of an alert to every address, in order: `{"alerts":[…]}` with the alert's line of `alerts.jsonl`. A
 * change is tried again until the address takes it (any 2xx) or will never (any other 4xx than 408 and 429), so it may
 * come twice: its `idempotency-key` header is the same then. `accept` never waits for an address.
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
        for (const hook of hooks) hook.add(outcome.alert);
      }
    },
    async close(signal) {
      await Promise.all(hooks.map(({ courier }) => courier.close(signal)));
    },
  };
}

/** The same change of the same alert, the same key. */
export function idempotencyKey({ fingerprint, startsAt, status }: Alert): string {
  return `${fingerprint}-${startsAt}-${status}`;
}

interface Hook {
  add(alert: Alert): void;
  readonly courier: Courier;
}

function createHook(
  address: Address,
  { timeoutMs = 5_000, random, onTold }: WebhookOptions,
  reporting: Reporting,
): Hook {
  const waiting: Alert[] = [];
  const name = `webhook ${address.name}`;
  let dropped = 0;

  const deliver = async (signal: AbortSignal): Promise<string | undefined> => {
    for (let alert = waiting[0]; alert !== undefined; alert = waiting[0]) {
      const headers = { "idempotency-key": idempotencyKey(alert) };
      const answer = await postJson(
        address,
        address.url,
        { alerts: [alertLine(alert)] },
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
      // The oldest may have been dropped meanwhile, and be another now.
      if (waiting[0] === alert) waiting.shift();
    }
    return dropped === 0 ? undefined : `${dropped} changes were not taken`;
  };

  const courier = createCourier({ ...reporting, name, peer: address.name, random, deliver });
  return {
    courier,
    add(alert) {
      if (waiting.length >= waitingMax) {
        waiting.shift();
        dropped += 1;
        if (dropped === 1)
          reporting.log.error(
            { peer: address.name },
            `${name}: over ${waitingMax} changes wait: the oldest are dropped`,
          );
      }
      waiting.push(alert);
      courier.wake();
    },
  };
}

function mayRecover(status: number): boolean {
  return status < 400 || status >= 500 || status === 408 || status === 429;
}
