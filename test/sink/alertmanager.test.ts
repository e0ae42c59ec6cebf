import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Alert } from "../../src/model/verdict.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import {
  type AlertmanagerOptions,
  createAlertmanager,
  type Standing,
  toAlerts,
} from "../../src/sink/alertmanager.ts";
import { alertOf, viewOf } from "../pipeline/outcomes.ts";
import { bodyOf, startHttp } from "../services/http.ts";
import { type NotifiedAlert, startAlertmanager, startWebhookReceiver } from "../services/services.ts";
import { eventually, listen } from "./support.ts";

const clock = { now: () => Date.now(), elapsed: () => performance.now() };
const view = { ...viewOf("user_location"), owner: "reco-platform" };

function alert(change: Partial<Alert> = {}): Alert {
  const outcome = alertOf({ startsAt: Date.now() - 1_000, ...change });
  assert(outcome.kind === "alert");
  return outcome.alert;
}
const resolvedOf = (of: Alert): Outcome => ({
  kind: "alert",
  alert: { ...of, status: "resolved", summary: "0.1% of user_location are outside the mapping" },
});
/** Alerts of different places: fields are labels. */
const alerts = (count: number): Alert[] =>
  Array.from({ length: count }, (_, index) => alert({ field: `f${index}`, fingerprint: `print-${index}` }));

/** @param wallMs  how far the wall clock is off, at every moment */
function sinkFor(
  t: TestContext,
  urls: readonly URL[],
  options: Partial<AlertmanagerOptions> = {},
  wallMs = () => 0,
) {
  const heard = listen();
  const sink = createAlertmanager(
    {
      urls: urls.map(({ href }) => href),
      resendEveryMs: 300,
      timeoutMs: 60_000, // where no test is about it, a slow machine's answer is not taken for none
      views: [view],
      random: () => 0,
      ...options,
    },
    { clock: { ...clock, now: () => Date.now() + wallMs() }, ...heard.reporting },
  );
  t.after(() => sink.close(AbortSignal.abort()));
  return { sink, ...heard };
}

interface Posted {
  labels: Record<string, string>;
  endsAt: string;
}

async function alertsAt(url: URL): Promise<NotifiedAlert[]> {
  const response = await fetch(new URL("api/v2/alerts", url));
  return (await response.json()) as NotifiedAlert[];
}

/** Alerts that an Alertmanager has been sent as firing, each as often as it was. */
async function sentTo(url: URL): Promise<number> {
  const response = await fetch(new URL("metrics", url));
  const count = /^alertmanager_alerts_received_total\{status="firing",version="v2"\} (\d+)$/m.exec(
    await response.text(),
  );
  return Number(count?.[1] ?? 0);
}

describe("a real Alertmanager", () => {
  it("pages once however often the alert is sent again, and tells when it is over", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const { url } = await startAlertmanager(t, { webhookUrl: receiver.url });
    const { sink, troubles } = sinkFor(t, [url], {
      externalUrl: "http://tidemark.example/",
      resendEveryMs: 100,
    });
    const firing = alert({
      example: { value: "United States", requestId: "882-af", position: "features-0@7" },
    });
    const startedAt = Date.now();
    await sink.accept([{ kind: "alert", alert: firing }], [firing]);
    const page = await eventually("the page", () => receiver.alerts()[0]);
    t.diagnostic(`accept to page: ${Date.now() - startedAt} ms`);
    assert.equal(page.status, "firing");
    assert.deepEqual(page.labels, {
      alertname: "TidemarkDefaultCase",
      feature_view: "reco_user",
      field: "user_location",
      statistic: "default_rate",
      severity: "critical",
      owner: "reco-platform",
    });
    assert.equal(page.annotations["summary"], firing.summary);
    assert.match(page.annotations["description"] ?? "", /United States in request 882-af at features-0@7/);
    assert.equal(page.annotations["runbook_url"], "docs/runbook.md#tidemarkdefaultcase");
    assert.equal(page.generatorURL, "http://tidemark.example/?view=reco_user&field=user_location");
    assert.equal(Date.parse(page.startsAt), firing.startsAt);

    const sent = await sentTo(url);
    await eventually("15 re-sends", async () => ((await sentTo(url)) >= sent + 15 ? true : undefined));
    await sleep(1_200); // its group's next turn
    assert.equal(receiver.alerts().length, 1, "re-sending is no news");

    await sink.accept([resolvedOf(firing)], []);
    const over = await eventually("the all-clear", () =>
      receiver.alerts().find(({ status }) => status === "resolved"),
    );
    assert.equal(over.annotations["summary"], "0.1% of user_location are outside the mapping");
    await sleep(1_200);
    assert.equal(receiver.alerts().length, 2, "an all-clear that is sent again is no news either");
    assert.deepEqual(troubles(), []);
  });

  it("pages once, and once that it is over, while our clock is an hour off and jumps", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const { url } = await startAlertmanager(t, { webhookUrl: receiver.url });
    let wallMs = -3_600_000;
    const { sink, said } = sinkFor(t, [url], { resendEveryMs: 100 }, () => wallMs);
    const firing = alert();
    await sink.accept([{ kind: "alert", alert: firing }], [firing]);
    await eventually("the page", () => receiver.alerts()[0]);
    for (const jump of [3_600_000, 0, -3_600_000]) {
      wallMs = jump;
      // one may be under way, the next one learns how far the clock is off, and the third is right
      const sent = await sentTo(url);
      await eventually("three re-sends", async () => ((await sentTo(url)) >= sent + 3 ? true : undefined));
      const [standing] = await alertsAt(url);
      const leftMs = Date.parse(standing?.endsAt ?? "") - Date.now();
      assert.ok(leftMs > 3 * 60_000 && leftMs < 7 * 60_000, `it ends ${leftMs} ms from now`);
    }
    await sink.accept([resolvedOf(firing)], []);
    await eventually("the all-clear", () => receiver.alerts()[1]);
    await sleep(1_200);
    assert.deepEqual(
      receiver.alerts().map(({ status }) => status),
      ["firing", "resolved"],
    );
    // by the answer's Date, which has whole seconds and comes a little late
    const off = Number(/its clock is (\d+) s away from ours/.exec(said().join())?.[1]);
    assert.ok(off > 3_540 && off <= 3_600, `${off} s`);
  });

  it("knows its alerts again after a crash, which loses them", async (t) => {
    const manager = await startAlertmanager(t);
    const { sink } = sinkFor(t, [manager.url]);
    await sink.accept([], alerts(3));
    await eventually("three alerts", async () => (await alertsAt(manager.url)).length === 3 || undefined);
    await manager.kill();
    await manager.restart();
    await eventually("three alerts again", async () =>
      (await alertsAt(manager.url)).length === 3 ? true : undefined,
    );
  });

  it("hears the end of what another process told of, and nothing more of what is known to be heard", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const { url } = await startAlertmanager(t, { webhookUrl: receiver.url });
    const [first, second] = alerts(2) as [Alert, Alert];
    const told: string[] = [];
    const onTold = ({ fingerprint, status }: Alert): void => void told.push(`${fingerprint} ${status}`);
    const before = sinkFor(t, [url], { onTold });
    await before.sink.accept([], [first]);
    await eventually("a page", () => receiver.alerts()[0]);
    await eventually("the sink knows of it", () => told[0]);
    await before.sink.close(AbortSignal.abort());

    const { sink } = sinkFor(t, [url], { onTold });
    await sink.accept(
      [
        { kind: "alert", alert: first, heard: true },
        resolvedOf(first),
        { kind: "alert", alert: second, heard: true },
        { ...resolvedOf(second), heard: true } as Outcome,
      ],
      [],
    );
    await eventually("its end", () => receiver.alerts()[1]);
    await sleep(700); // two turns
    assert.deepEqual(
      receiver.alerts().map(({ status, labels }) => `${labels["field"]} ${status}`),
      ["f0 firing", "f0 resolved"],
    );
    assert.deepEqual(told, ["print-0 firing", "print-0 resolved"]);
  });

  it("pages once, from the first beginning on, for what came, went and came again unheard", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const { url } = await startAlertmanager(t, { webhookUrl: receiver.url });
    const second = alert();
    const first = { ...second, startsAt: second.startsAt - 30_000 };
    const { sink } = sinkFor(t, [url], { resendEveryMs: 10_000 }); // it stands for five seconds, however slow the page
    await sink.accept(
      [
        { kind: "alert", alert: first },
        resolvedOf(first),
        { kind: "alert", alert: second },
        resolvedOf(second),
      ],
      [],
    );
    await eventually("its end", () => receiver.alerts()[1]);
    assert.deepEqual(
      receiver
        .alerts()
        .map(({ status, startsAt, annotations }) => [status, Date.parse(startsAt), annotations["summary"]]),
      [
        ["firing", first.startsAt, first.summary], // what paged, and not what was seen when it was over
        ["resolved", first.startsAt, "0.1% of user_location are outside the mapping"],
      ],
    );
  });

  it("pages for what is over as soon as it has been told of", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const { url } = await startAlertmanager(t, { webhookUrl: receiver.url, groupBy: ["alertname"] });
    const [standing, brief] = alerts(2) as [Alert, Alert];
    const told: string[] = [];
    const { sink } = sinkFor(t, [url], {
      resendEveryMs: 60_000,
      onTold: ({ fingerprint, status }) => void told.push(`${fingerprint} ${status}`),
    });
    await sink.accept([{ kind: "alert", alert: standing }], [standing]);
    await eventually("a page, from which on the group waits", () => receiver.alerts()[0]);
    await sink.accept([{ kind: "alert", alert: brief }], [standing, brief]);
    await eventually("the other one told of", () => told.includes("print-1 firing") || undefined);
    await sink.accept([resolvedOf(brief)], [standing]);
    const ofBrief = (): Set<string> =>
      new Set(receiver.alerts().flatMap(({ status, labels }) => (labels["field"] === "f1" ? [status] : [])));
    await eventually("its page and its end", () => ofBrief().size === 2 || undefined);
  });

  it("takes hundreds of alerts, and a restart of ours leaves them firing", async (t) => {
    const { url } = await startAlertmanager(t);
    const { sink } = sinkFor(t, [url], { resendEveryMs: 60_000 });
    await sink.accept([], alerts(200));
    await sink.close(AbortSignal.timeout(30_000));
    const standing = await alertsAt(url);
    assert.equal(standing.length, 200);
    for (const { endsAt } of standing) assert.ok(Date.parse(endsAt) - Date.now() > 4 * 60_000, endsAt);
  });

  it("keeps the good alerts of a batch with a bad one, which is named", async (t) => {
    const { url } = await startAlertmanager(t);
    const { sink, said, troubles, failures } = sinkFor(t, [url]);
    const bad = alert({
      alertname: "" as Alert["alertname"],
      field: null,
      featureView: "",
      fingerprint: "bad",
    });
    const noLabels = { ...bad, statistic: "" as Alert["statistic"], severity: "" as Alert["severity"] };
    await sink.accept([], [...alerts(2), noLabels, alert({ field: "last" })]);
    await eventually("the other three", async () => ((await alertsAt(url)).length === 3 ? true : undefined));
    await eventually("the answer", () => said().find((line) => /refuses .*label/i.test(line)));
    await sleep(1_000);
    assert.equal(said().filter((line) => line.includes("refuses")).length, 1, "it is tried for itself once");
    assert.equal(failures().length, 1);
    assert.match(troubles().join(), /alerts refused: 1/);
  });

  it("is told by one peer what the other, which is down, cannot tell", async (t) => {
    const receiver = await startWebhookReceiver(t);
    const up = await startAlertmanager(t, { webhookUrl: receiver.url });
    const down = await startAlertmanager(t);
    await down.kill();
    const { sink, troubles, failures } = sinkFor(t, [down.url, up.url]);
    await sink.accept([], [alert()]);
    await eventually("the page", () => receiver.alerts()[0]);
    await eventually("the failure is counted", () => failures().at(0));
    assert.equal(failures()[0], down.url.host);
    assert.match(troubles().join(), new RegExp(`alertmanager ${down.url.host}`));

    await down.restart();
    await eventually("the peer has caught up", async () =>
      (await alertsAt(down.url)).length === 1 ? true : undefined,
    );
    await eventually("the trouble is over", () => (troubles().length === 0 ? true : undefined));
  });
});

describe("the Alertmanager sink", () => {
  it("is not held up by a peer that hangs, and serves the others meanwhile", {
    timeout: 60_000,
  }, async (t) => {
    const taken: Posted[] = [];
    const hanging = await startHttp(t, () => new Promise<number>(() => undefined));
    const good = await startHttp(t, async (request) => {
      taken.push(...(JSON.parse(await bodyOf(request)) as Posted[]));
      return 200;
    });
    const { sink } = sinkFor(t, [hanging.url, good.url], { timeoutMs: 600_000 });
    for (let step = 0; step < 20; step++) await sink.accept([], alerts(step)); // ten minutes each if it waited
    await eventually("the good peer has them", () =>
      new Set(taken.map(({ labels }) => labels["field"])).size >= 19 ? true : undefined,
    );
    await sink.close(AbortSignal.timeout(200)); // and so would this
  });

  it("says of a peer that hangs that it does not answer", async (t) => {
    const hanging = await startHttp(t, () => new Promise<number>(() => undefined));
    const { sink, troubles } = sinkFor(t, [hanging.url], { timeoutMs: 50 });
    await sink.accept([], alerts(1));
    await eventually("it is in trouble", () => troubles().find((text) => /no answer in 50 ms/.test(text)));
  });

  it("backs off from a peer that answers 500, and comes back", async (t) => {
    const posted: number[] = [];
    let status = 500;
    const { url } = await startHttp(t, async (request) => {
      await bodyOf(request);
      posted.push(performance.now());
      return [status, "disk full"];
    });
    const { sink, said, lines, failures, troubles } = sinkFor(t, [url], { resendEveryMs: 20 });
    await sink.accept([], [alert()]);
    await eventually("three failures", () => failures()[2]);
    assert.equal(posted.length, 3);
    const waits = lines().map(({ retryInMs }) => retryInMs);
    assert.deepEqual(waits, [250, 500, 1_000]);
    const gaps = posted.slice(1).map((at, i) => at - (posted[i] ?? 0));
    assert.ok((gaps[0] ?? 0) > 245 && (gaps[1] ?? 0) > 495, `it waited ${gaps}`); // a timer may be early by a tick
    assert.match(said()[0] ?? "", /answered 500 disk full/);
    status = 200;
    await eventually("it is delivered", () => (troubles().length === 0 ? true : undefined));
  });

  it("sends what is active and what is over again and again, the former with an end to come", async (t) => {
    const bodies: Posted[][] = [];
    const { url } = await startHttp(t, async (request) => {
      bodies.push(JSON.parse(await bodyOf(request)) as Posted[]);
      return 200;
    });
    const { sink } = sinkFor(t, [url], { resendEveryMs: 50 });
    const [one, other] = alerts(2) as [Alert, Alert];
    await sink.accept([], [one, other]);
    await eventually("it is sent again", () => bodies[3]);
    assert.deepEqual(
      bodies[3]?.map(({ labels }) => labels["field"]),
      ["f1", "f0"],
      "the newest first",
    );
    await sink.accept([resolvedOf(one)], [other]);
    const from = bodies.length;
    const later = await eventually("the end is sent again", () => bodies[from + 3]);
    const ends = new Map(
      later.map(({ labels, endsAt }) => [labels["field"], Date.parse(endsAt) - Date.now()]),
    );
    assert.ok((ends.get("f0") ?? 1) < 0);
    assert.ok((ends.get("f1") ?? 0) > 4 * 60_000);
  });

  it("never ends what fires because our clock was set back", async (t) => {
    const lefts: number[] = [];
    const { url } = await startHttp(t, async (request) => {
      const posted = JSON.parse(await bodyOf(request)) as Posted[];
      for (const { endsAt } of posted) lefts.push(Date.parse(endsAt) - Date.now());
      return 200;
    });
    let wallMs = 7_200_000;
    const { sink, said } = sinkFor(t, [url], { resendEveryMs: 20 }, () => wallMs);
    await sink.accept([], [alert()]);
    for (const back of [3_600_000, 0, -3_600_000]) {
      const from = lefts.length;
      await eventually("it is sent twice", () => lefts[from + 2]);
      wallMs = back;
      await eventually("it is sent thrice", () => lefts[from + 6]);
    }
    assert.deepEqual(
      lefts.filter((leftMs) => leftMs < 4 * 60_000),
      [],
    );
    assert.equal(said().filter((line) => /our clock was set back by 3600 s/.test(line)).length, 3);
  });

  it("does not post what changed nothing before its turn", async (t) => {
    let posts = 0;
    const { url } = await startHttp(t, async (request) => {
      await bodyOf(request);
      posts += 1;
      return 200;
    });
    const { sink } = sinkFor(t, [url], { resendEveryMs: 60_000 });
    for (let step = 0; step < 5; step++) {
      await sink.accept([], [alert({ rows: step })]);
      await eventually("the first is told of", () => (posts > 0 ? true : undefined));
      await sleep(30);
    }
    assert.equal(posts, 1);
    await sink.close(AbortSignal.timeout(30_000));
    assert.equal(posts, 2, "the last word");
  });

  it("sends user and password of the URL as a header, and tells them nobody", async (t) => {
    const seen: (string | undefined)[] = [];
    const server = await startHttp(t, async (request) => {
      seen.push(request.headers.authorization, request.url);
      return 503;
    });
    const url = new URL(server.url);
    [url.username, url.password, url.pathname] = ["ops", "s3cret", "/am"];
    const { sink, said, troubles, failures } = sinkFor(t, [url]);
    await sink.accept([], [alert()]);
    await eventually("a failure", () => failures()[0]);
    assert.deepEqual(seen.slice(0, 2), [
      `Basic ${Buffer.from("ops:s3cret").toString("base64")}`,
      "/am/api/v2/alerts",
    ]);
    assert.doesNotMatch([...said(), ...troubles(), ...failures()].join(), /s3cret/);
  });
});

describe("postable alerts", () => {
  const now = Date.parse("2026-03-03T12:00:00Z");
  const options = { views: [view], resendEveryMs: 60_000 };
  const of = (standing: Partial<Standing>, change: Partial<Alert> = {}) => {
    const begun = alert({ startsAt: now, ...change });
    const [postable] = toAlerts(
      [
        {
          alert: begun,
          since: begun.startsAt,
          seenAt: now,
          endedAt: undefined,
          toldAt: new Map(),
          endTold: new Set(),
          ...standing,
        },
      ],
      { wall: now, elapsed: now },
      options,
    );
    assert(postable !== undefined);
    return postable;
  };

  it("start at the event, or when they were heard of if that was on another day", () => {
    assert.equal(of({}, { startsAt: now - 200_000 }).startsAt, "2026-03-03T11:56:40.000Z");
    assert.equal(of({}, { startsAt: now - 86_400_000 }).startsAt, "2026-03-03T12:00:00.000Z");
    assert.equal(of({}, { startsAt: now + 60_000 }).startsAt, "2026-03-03T12:00:00.000Z", "never to come");
    assert.equal(of({}, { startsAt: 8.64e18 }).startsAt, "2026-03-03T12:00:00.000Z");
  });

  it("end after four missed re-sends, at least five minutes from now, and never before they start", () => {
    assert.equal(of({}).endsAt, "2026-03-03T12:05:00.000Z");
    const told = { toldAt: new Map(), endTold: new Set<string>() };
    const standing = { alert: alert(), since: now, seenAt: now, endedAt: undefined, ...told };
    const at = { wall: now, elapsed: now };
    const [slow] = toAlerts([standing], at, { ...options, resendEveryMs: 120_000 });
    assert.equal(slow?.endsAt, "2026-03-03T12:08:00.000Z");
    assert.equal(of({ endedAt: now + 10 }).endsAt, "2026-03-03T12:00:00.010Z");
    assert.equal(of({ endedAt: now - 10 }).endsAt, "2026-03-03T12:00:00.001Z");
  });

  it("have no number and no time among their labels", () => {
    const first = of({}, { observed: 0.1, startsAt: now - 1 });
    const later = of({ seenAt: now - 5 }, { observed: 0.9, rows: 3, summary: "other" });
    assert.deepEqual(first.labels, later.labels);
  });
});
