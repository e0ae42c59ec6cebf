import { alertLabels } from "../judge/alerts.ts";
import { type Incident, incidentsOf, incidentText } from "../judge/incident.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type Clock, type Elapsed, isoTime, type WallTime } from "../model/time.ts";
import { type Alert, segmentKey } from "../model/verdict.ts";
import type { Sink } from "../pipeline/ports.ts";
import { createCourier, type Reporting } from "./courier.ts";
import { type Address, type Answer, addressOf, postJson } from "./post.ts";

/** Alerts of one POST. */
const batchMax = 64;
/** For how long a resolved alert is sent again, so that a peer that was away learns of it, and how many of them. */
const [resolvedForMs, resolvedMax] = [15 * 60_000, 2_000];
/** A firing alert ends by itself after four missed re-sends, but never sooner than this. */
const endsAfterMinMs = 5 * 60_000;
/** Clocks that are this near agree: a `Date` header has whole seconds, and an answer takes its time. */
const skewMinMs = 30_000;
/** An event time further than this from the wall clock is of another day: a replay, or a lag being caught up. */
const eventTimeTrustMs = 5 * 60_000;

export interface AlertmanagerOptions {
  /** Of every peer of the cluster, never of a balancer before them. */
  readonly urls: readonly string[];
  readonly resendEveryMs: number;
  /** Where labels come from: owner and models. */
  readonly views: readonly FeatureView[];
  /** For one POST; 5 s by default. */
  readonly timeoutMs?: number;
  /** Page with one heading an alert name; by default `docs/runbook.md` of the checkout. */
  readonly runbookUrl?: string;
  /** Where this process's dashboard is reached from outside. */
  readonly externalUrl?: string;
  /** [0, 1) */
  readonly random: () => number;
  /** Called when the first peer has taken an alert that fires. */
  readonly onTold?: (alert: Alert) => void;
}

/** An alert as the sink keeps it. */
export interface Standing {
  readonly alert: Alert;
  /** When this process first heard that it fires. */
  readonly seenAt: Elapsed;
  /** When this process heard that it no longer does; undefined while it fires. */
  readonly endedAt: Elapsed | undefined;
  /** When each peer first took it as firing, by the peer's name. */
  readonly toldAt: Map<string, Elapsed>;
}

/** The same moment on both clocks; the wall clock is the peer's. */
export interface Moment {
  readonly wall: WallTime;
  readonly elapsed: Elapsed;
}

/** Alertmanager's v2 `postableAlert`. */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

/**
 * Keeps every Alertmanager of a cluster in step with the set of active alerts (level-triggered): what is active is sent at
 * once and then every `resendEveryMs`, what is over is sent as resolved for 15 minutes. Alertmanager keys an alert by its
 * labels, so sending it again is no new alert. `accept` never waits for a peer. An alert that is over before a peer has heard
 * of it (that was away, or it began and ended within one step) is sent as firing first, and as resolved one turn later.
 */
export function createAlertmanager(
  options: AlertmanagerOptions,
  { clock, ...reporting }: Reporting & { readonly clock: Clock },
): Sink {
  const standing = new Map<string, Standing>();
  /** Alerts that another process has told of. */
  const heard = new Set<string>();
  const couriers = options.urls.map((url) => {
    const address = addressOf(url);
    return createCourier({
      ...reporting,
      name: `alertmanager ${address.name}`,
      peer: address.name,
      random: options.random,
      deliver: createDelivery(address, options, { standing, clock, ...reporting }),
    });
  });
  const wakeAll = (): void => {
    for (const courier of couriers) courier.wake();
  };
  const timer = setInterval(() => {
    forget(standing, clock.elapsed(), couriers.length);
    if (standing.size > 0) wakeAll();
  }, options.resendEveryMs);
  timer.unref();

  return {
    name: "alertmanager",
    async accept(outcomes, active) {
      const ended = new Map<string, Alert>();
      const begun: Alert[] = [];
      for (const outcome of outcomes) {
        if (outcome.kind !== "alert") continue;
        if (outcome.alert.status === "resolved") ended.set(outcome.alert.fingerprint, outcome.alert);
        else begun.push(outcome.alert);
      }
      const firing = new Set(active.map(({ fingerprint }) => fingerprint));
      const brief = begun.filter(
        (alert) =>
          !firing.has(alert.fingerprint) && !standing.has(alert.fingerprint) && !heard.has(keyOf(alert)),
      );
      if (brief.length > 0) update(standing, [...active, ...brief], ended, clock.elapsed());
      if (update(standing, active, ended, clock.elapsed()) || brief.length > 0) wakeAll();
    },
    heard(alert) {
      heard.delete(keyOf(alert));
      heard.add(keyOf(alert));
      for (const oldest of heard) {
        if (heard.size <= resolvedMax) break;
        heard.delete(oldest);
      }
    },
    yield: () => standing.clear(),
    async close(signal) {
      clearInterval(timer);
      if (standing.size > 0) for (const courier of couriers) courier.wake();
      await Promise.all(couriers.map((courier) => courier.close(signal)));
    },
  };
}

const keyOf = ({ fingerprint, startsAt }: Pick<Alert, "fingerprint" | "startsAt">): string =>
  `${fingerprint}@${startsAt}`;

/**
 * Takes over what is active now. What was and no longer is has ended, with the figures of its resolved line if there is one.
 * @returns whether an alert began or ended; newer figures of one that goes on can wait for its next turn
 */
function update(
  standing: Map<string, Standing>,
  active: readonly Alert[],
  ended: ReadonlyMap<string, Alert>,
  now: Elapsed,
): boolean {
  let changed = false;
  const firing = new Set<string>();
  for (const alert of active) {
    firing.add(alert.fingerprint);
    const known = standing.get(alert.fingerprint);
    const goesOn = known !== undefined && known.endedAt === undefined;
    if (!goesOn) standing.delete(alert.fingerprint); // the newest stand last
    const toldAt = goesOn ? known.toldAt : new Map<string, Elapsed>();
    standing.set(alert.fingerprint, {
      alert,
      seenAt: goesOn ? known.seenAt : now,
      endedAt: undefined,
      toldAt,
    });
    changed ||= !goesOn;
  }
  for (const [fingerprint, { alert, seenAt, endedAt, toldAt }] of standing) {
    if (endedAt !== undefined || firing.has(fingerprint)) continue;
    standing.set(fingerprint, { alert: ended.get(fingerprint) ?? alert, seenAt, endedAt: now, toldAt });
    changed = true;
  }
  return changed;
}

/** Lets go of what has been resolved for long enough at every peer, and of the oldest beyond the bound. */
function forget(standing: Map<string, Standing>, now: Elapsed, peers: number): void {
  const over = [...standing].filter(([, { endedAt }]) => endedAt !== undefined);
  over.forEach(([fingerprint, { endedAt = now, toldAt }], index) => {
    const since = Math.max(endedAt, ...toldAt.values());
    const isKnown = toldAt.size >= peers && now - since > resolvedForMs;
    if (isKnown || over.length - index > resolvedMax) standing.delete(fingerprint);
  });
}

/** Sends everything that stands to one peer. */
function createDelivery(
  address: Address,
  options: AlertmanagerOptions,
  {
    standing,
    clock,
    log,
    onFailure,
  }: Pick<Reporting, "log" | "onFailure"> & {
    standing: ReadonlyMap<string, Standing>;
    clock: Clock;
  },
): (signal: AbortSignal) => Promise<string | undefined> {
  const url = new URL("api/v2/alerts", address.url.href.replace(/\/?$/, "/"));
  const { timeoutMs = 5_000 } = options;
  /** Alerts that the peer will not have, and why; they are not tried again while they stand. */
  const refused = new Map<string, string>();
  /** The peer's wall clock minus ours; 0 as long as they agree. */
  let skewMs = 0;

  const incidents = (): readonly Incident[] =>
    incidentsOf(
      [...standing.values()].flatMap(({ alert, endedAt }) => (endedAt === undefined ? [alert] : [])),
    );

  /** Over, and this peer has not had a turn's time to make anything of it. */
  const isNews = ({ endedAt, toldAt }: Standing, now: Elapsed): boolean => {
    if (endedAt === undefined) return false;
    const told = toldAt.get(address.name);
    return told === undefined || (told > endedAt && now - told < options.resendEveryMs / 2);
  };
  const tell = ({ alert, toldAt }: Standing, now: Elapsed): void => {
    if (toldAt.size === 0) options.onTold?.(alert);
    if (!toldAt.has(address.name)) toldAt.set(address.name, now);
  };

  /** Whether the peer's clock is found to be another than was thought: what it was sent may be over already by its clock. */
  const learnSkew = ({ date }: Answer): boolean => {
    if (date === undefined) return false;
    const offMs = date - clock.now();
    const nextMs = Math.abs(offMs) > skewMinMs ? offMs : 0;
    const learnt = Math.abs(nextMs - skewMs) > skewMinMs;
    if (learnt) {
      skewMs = nextMs;
      log.warn(
        { peer: address.name, skewMs },
        `alertmanager ${address.name}: its clock is ${Math.round(offMs / 1_000)} s away from ours`,
      );
    }
    return learnt;
  };

  const post = async (batch: readonly Standing[], signal: AbortSignal, again = true): Promise<Answer> => {
    const now = clock.elapsed();
    const sent = batch.map((each) => (isNews(each, now) ? { ...each, endedAt: undefined } : each));
    const told = toAlerts(sent, { wall: clock.now() + skewMs, elapsed: now }, options, incidents());
    const answer = await postJson(address, url, told, { timeoutMs, signal });
    if (learnSkew(answer) && again) return post(batch, signal, false);
    if (answer.status < 300) for (const each of sent) if (each.endedAt === undefined) tell(each, now);
    if (answer.status < 300 || isRefusal(answer)) return answer;
    const text = `${address.name} answered ${answer.status} ${answer.text}`.trim();
    throw new Fault("sink.rejected", text, { retryable: true });
  };

  return async (signal) => {
    for (const fingerprint of refused.keys()) if (!standing.has(fingerprint)) refused.delete(fingerprint);
    const alerts = [...standing.values()].filter(({ alert }) => !refused.has(alert.fingerprint)).reverse(); // the newest first
    for (let from = 0; from < alerts.length; from += batchMax) {
      const batch = alerts.slice(from, from + batchMax);
      const answer = await post(batch, signal);
      if (!isRefusal(answer)) continue;
      // One bad alert must not keep the others out, and may have kept out some: each for itself, once.
      for (const one of batch) {
        const { status, text } = batch.length === 1 ? answer : await post([one], signal);
        if (!isRefusal({ status })) continue;
        const { fingerprint, alertname } = one.alert;
        refused.set(fingerprint, text);
        onFailure?.(address.name);
        log.error(
          { peer: address.name, fingerprint, alertname, status, answer: text },
          `alertmanager ${address.name} refuses ${alertname}: ${text}`,
        );
      }
    }
    if (refused.size === 0) return undefined;
    return `alerts refused: ${refused.size}; ${refused.values().next().value ?? ""}`;
  };
}

/** The peer understood, and will not have it: bad request, too large, unprocessable. */
function isRefusal({ status }: Pick<Answer, "status">): boolean {
  return status === 400 || status === 413 || status === 422;
}

/**
 * Labels name the place and whose it is, never how much or when; numbers are annotations. `startsAt` is the alert's event
 * time when that is within 5 minutes of when it was first heard of, else the latter: an incident of last March that is
 * replayed today starts today. A firing alert ends 4 × `resendEveryMs` (at least 5 min) from now unless it is sent again.
 */
export function toAlerts(
  standing: readonly Standing[],
  now: Moment,
  options: Pick<AlertmanagerOptions, "views" | "resendEveryMs" | "runbookUrl" | "externalUrl">,
  incidents: readonly Incident[] = [],
): readonly PostableAlert[] {
  return standing.map(({ alert, seenAt, endedAt }) => {
    const view = options.views.find(({ name }) => name === alert.featureView);
    const wallOf = (at: Elapsed): WallTime => now.wall - (now.elapsed - at);
    const seen = wallOf(seenAt);
    const isRecent = Math.abs(alert.startsAt - seen) <= eventTimeTrustMs;
    const startsAt = isRecent ? Math.min(alert.startsAt, seen) : seen;
    const endsAt =
      endedAt === undefined
        ? now.wall + Math.max(4 * options.resendEveryMs, endsAfterMinMs)
        : wallOf(endedAt);
    const dashboard = dashboardOf(alert, options.externalUrl);
    return {
      labels: alertLabels(alert, view ?? { owner: undefined, models: [] }),
      annotations: {
        ...annotationsOf(alert, options.runbookUrl ?? runbook, dashboard),
        ...incidentOf(alert, incidents),
      },
      startsAt: isoTime(startsAt),
      endsAt: isoTime(Math.max(endsAt, startsAt + 1)),
      ...(dashboard === undefined ? {} : { generatorURL: dashboard }),
    };
  });
}

/** Which alert moved first, and what moved with it: an annotation, so that labels stay what they are. */
function incidentOf(alert: Alert, incidents: readonly Incident[]): { incident?: string } {
  const text = incidentText(alert, incidents);
  return text === undefined ? {} : { incident: text };
}

/** In the checkout and in the package. */
const runbook = "docs/runbook.md";

function annotationsOf(
  alert: Alert,
  runbookUrl: string,
  dashboard: string | undefined,
): Readonly<Record<string, string>> {
  const { example, window } = alert;
  const place = alert.field === null ? alert.featureView : `${alert.featureView}.${alert.field}`;
  const of = alert.segment === null ? "" : ` of ${segmentKey(alert.segment)}`;
  const seen = [
    example === undefined ? "" : ` Example: ${example.value}`,
    example?.requestId === undefined ? "" : ` in request ${example.requestId}`,
    example?.position === undefined ? "" : ` at ${example.position}`,
  ].join("");
  return {
    summary: alert.summary,
    description:
      `${alert.statistic} of ${place}${of} in the window ${isoTime(window.start)} to ${isoTime(window.end)}: ` +
      `observed ${alert.observed}, expected ${alert.expected}, a shift of ${alert.shift} units, over ${alert.rows} rows.${seen}`,
    observed: String(alert.observed),
    expected: String(alert.expected),
    shift: String(alert.shift),
    window_start: isoTime(window.start),
    window_end: isoTime(window.end),
    fingerprint: alert.fingerprint,
    runbook_url: `${runbookUrl}#${alert.alertname.toLowerCase()}`,
    ...(dashboard === undefined ? {} : { dashboard }),
  };
}

function dashboardOf(alert: Alert, externalUrl: string | undefined): string | undefined {
  if (externalUrl === undefined) return undefined;
  const url = new URL(externalUrl);
  url.searchParams.set("view", alert.featureView);
  if (alert.field !== null) url.searchParams.set("field", alert.field);
  return url.href;
}
