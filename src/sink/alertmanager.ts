import { alertLabels } from "../judge/alert-labels.ts";
import { type Incident, incidentsOf, incidentText } from "../judge/incident.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type Clock, type Elapsed, type EventTime, isoTime, type WallTime } from "../model/time.ts";
import { type Alert, segmentKey } from "../model/verdict.ts";
import type { Sink } from "../pipeline/ports.ts";
import { type Courier, createCourier, type Reporting } from "./courier.ts";
import { createPeerClock } from "./peer-clock.ts";
import { type Address, type Answer, addressOf, postJson } from "./post.ts";

/** Alerts of one POST. */
const batchMax = 64;
/** For how long a resolved alert is sent again, so that a peer that was away learns of it, and how many of them. */
const [resolvedForMs, resolvedMax] = [15 * 60_000, 2_000];
/** For how long an alert stands as firing at a peer at least, or half a turn if that is shorter. */
const standsMinMs = 5_000;
/** A firing alert ends by itself after four missed re-sends, but never sooner than this. */
const endsAfterMinMs = 5 * 60_000;
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
  /** Called when the first peer has taken an alert as firing, and when one has as over. */
  readonly onTold?: (change: Alert) => void;
}

/** An alert as the sink keeps it. */
export interface Standing {
  readonly alert: Alert;
  /** With the figures of when it last fired, once it is over and they are known. */
  readonly fired?: Alert;
  /** When it began; of several that nobody had heard of, the first. */
  readonly since: EventTime;
  /** When this process first heard that it fires. */
  readonly seenAt: Elapsed;
  /** When this process heard that it no longer does; undefined while it fires. */
  readonly endedAt: Elapsed | undefined;
  /** When each peer first took it as firing, by the peer's name. */
  readonly toldAt: Map<string, Elapsed>;
  /** The peers that have taken it as over. */
  readonly endTold: Set<string>;
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
 * of it (that was away, or it began and ended within one step), or just after, is sent as firing for 5 s, and then as resolved:
 * Alertmanager notifies group by group, and pages nobody for what came and went in between. Of one that another process has
 * told of, the end alone is sent.
 */
export function createAlertmanager(
  options: AlertmanagerOptions,
  { clock, ...reporting }: Reporting & { readonly clock: Clock },
): Sink {
  const standing = new Map<string, Standing>();
  const addresses = options.urls.map(addressOf);
  const peers = addresses.map(({ name }) => name);
  const wakeAll = (): void => {
    for (const courier of couriers) courier.wake();
  };
  let soon: NodeJS.Timeout | undefined;
  const wakeSoon = (ms: number): void => {
    clearTimeout(soon);
    soon = setTimeout(wakeAll, ms);
    soon.unref();
  };
  const couriers: readonly Courier[] = addresses.map((address) =>
    createCourier({
      ...reporting,
      name: `alertmanager ${address.name}`,
      peer: address.name,
      random: options.random,
      deliver: createDelivery(address, options, { standing, clock, wakeSoon, ...reporting }),
    }),
  );
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
        if (outcome.kind !== "alert" || outcome.heard === true) continue;
        if (outcome.alert.status === "resolved") ended.set(outcome.alert.fingerprint, outcome.alert);
        else begun.push(outcome.alert);
      }
      const firing = new Set(active.map(({ fingerprint }) => fingerprint));
      const isNew = ({ fingerprint }: Alert): boolean =>
        !firing.has(fingerprint) && !standing.has(fingerprint);
      const brief = begun.filter(isNew);
      const now = clock.elapsed();
      const since = earliest(begun);
      if (brief.length > 0) update(standing, [...active, ...brief], { ended, since, now });
      const elsewhere = [...ended.values()].filter(isNew);
      for (const alert of elsewhere) standing.set(alert.fingerprint, endedElsewhere(alert, now, peers));
      if (update(standing, active, { ended, since, now }) || brief.length > 0 || elsewhere.length > 0)
        wakeAll();
    },
    yield: () => standing.clear(),
    async close(signal) {
      clearInterval(timer);
      clearTimeout(soon);
      if (standing.size > 0) for (const courier of couriers) courier.wake();
      await Promise.all(couriers.map((courier) => courier.close(signal)));
    },
  };
}

/** Another process has told that it fires. */
function endedElsewhere(alert: Alert, now: Elapsed, peers: readonly string[]): Standing {
  const toldAt = new Map(peers.map((peer) => [peer, Number.NEGATIVE_INFINITY]));
  return { alert, since: alert.startsAt, seenAt: now, endedAt: now, toldAt, endTold: new Set() };
}

interface News {
  /** By fingerprint. */
  readonly ended: ReadonlyMap<string, Alert>;
  readonly since: ReadonlyMap<string, EventTime>;
  readonly now: Elapsed;
}

/** To Alertmanager an alert is its labels: one that came and went and came again unheard is one, from its first beginning on. */
function earliest(begun: readonly Alert[]): ReadonlyMap<string, EventTime> {
  const since = new Map<string, EventTime>();
  for (const { fingerprint, startsAt } of begun)
    since.set(fingerprint, Math.min(startsAt, since.get(fingerprint) ?? startsAt));
  return since;
}

/**
 * Takes over what is active now. What was and no longer is has ended, with the figures of its resolved line if there is one.
 * @returns whether an alert began or ended; newer figures of one that goes on can wait for its next turn
 */
function update(
  standing: Map<string, Standing>,
  active: readonly Alert[],
  { ended, since, now }: News,
): boolean {
  let changed = false;
  const firing = new Set<string>();
  for (const alert of active) {
    firing.add(alert.fingerprint);
    const known = standing.get(alert.fingerprint);
    const goesOn = known !== undefined && known.endedAt === undefined;
    if (!goesOn) standing.delete(alert.fingerprint); // the newest stand last
    const began = since.get(alert.fingerprint) ?? alert.startsAt;
    const begun = {
      since: began,
      seenAt: now,
      endedAt: undefined,
      toldAt: new Map(),
      endTold: new Set<string>(),
    };
    standing.set(alert.fingerprint, { ...(goesOn ? known : begun), alert });
    changed ||= !goesOn;
  }
  for (const [fingerprint, known] of standing) {
    if (known.endedAt !== undefined || firing.has(fingerprint)) continue;
    const alert = ended.get(fingerprint) ?? known.alert;
    standing.set(fingerprint, { ...known, alert, fired: known.alert, endedAt: now });
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
    wakeSoon,
    log,
    onFailure,
  }: Pick<Reporting, "log" | "onFailure"> & {
    standing: ReadonlyMap<string, Standing>;
    clock: Clock;
    /** The next turn is in so many ms. */
    wakeSoon: (ms: number) => void;
  },
): (signal: AbortSignal) => Promise<string | undefined> {
  const url = new URL("api/v2/alerts", address.url.href.replace(/\/?$/, "/"));
  const { timeoutMs = 5_000 } = options;
  /** Alerts that the peer will not have, and why; they are not tried again while they stand. */
  const refused = new Map<string, string>();
  const peerClock = createPeerClock(`alertmanager ${address.name}`, address.name, { clock, log });

  const incidents = (): readonly Incident[] =>
    incidentsOf(
      [...standing.values()].flatMap(({ alert, endedAt }) => (endedAt === undefined ? [alert] : [])),
    );

  const standsMs = Math.min(standsMinMs, options.resendEveryMs / 2);
  /** Over, and this peer has not had the time to make anything of it. */
  const isNews = ({ endedAt, toldAt }: Standing, now: Elapsed): boolean => {
    if (endedAt === undefined) return false;
    const told = toldAt.get(address.name);
    return told === undefined || now - told < standsMs;
  };
  const tell = ({ alert, endedAt, toldAt, endTold }: Standing, now: Elapsed): void => {
    const status = endedAt === undefined ? "firing" : "resolved";
    if ((endedAt === undefined ? toldAt : endTold).size === 0) options.onTold?.({ ...alert, status });
    if (endedAt !== undefined) endTold.add(address.name);
    else if (!toldAt.has(address.name)) toldAt.set(address.name, now);
  };

  const post = async (batch: readonly Standing[], signal: AbortSignal, again = true): Promise<Answer> => {
    const wall = peerClock.now();
    const now = clock.elapsed();
    const sent = batch.map((each) =>
      isNews(each, now) ? { ...each, alert: each.fired ?? each.alert, endedAt: undefined } : each,
    );
    const told = toAlerts(sent, { wall, elapsed: now }, options, incidents());
    const answer = await postJson(address, url, told, { timeoutMs, signal });
    if (peerClock.learn(answer.date) && again) return post(batch, signal, false);
    if (answer.status < 300) for (const each of sent) tell(each, now);
    if (batch.some((each) => isNews(each, now))) wakeSoon(standsMs);
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
  return standing.map(({ alert, since, seenAt, endedAt }) => {
    const view = options.views.find(({ name }) => name === alert.featureView);
    const wallOf = (at: Elapsed): WallTime => now.wall - (now.elapsed - at);
    const seen = wallOf(seenAt);
    const isRecent = Math.abs(since - seen) <= eventTimeTrustMs;
    const startsAt = isRecent ? Math.min(since, seen) : seen;
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
    ...(alert.since === undefined ? {} : { since: isoTime(alert.since) }),
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
