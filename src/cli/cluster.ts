import type { Partition } from "../model/record.ts";
import type { MonitoredView, Trouble } from "../pipeline/cell.ts";
import type { Handover } from "../pipeline/handover.ts";
import { createJudgeLog, type JudgeLog, type Voice } from "../pipeline/judge-log.ts";
import type { Judging } from "../pipeline/judging.ts";
import type { Outcome, Receiver, Source, Store } from "../pipeline/ports.ts";
import { createKafkaSource } from "../source/kafka.ts";
import type { KafkaConfig, Role } from "./config.ts";
import type { KafkaClient } from "./wire.ts";

/** How long the end of a process waits for its judge; another process's goes on from there. */
const [drainMs, drainPollMs] = [3_000, 20];

export interface ClusterOptions {
  readonly kafka: KafkaConfig;
  readonly client: KafkaClient;
  readonly roles: readonly Role[];
  readonly views: readonly MonitoredView[];
  readonly store: Store;
  /** What this process has written to the log of signals. */
  readonly handover: Handover | undefined;
  /** Where the judge that speaks hands its outcomes. */
  readonly voice: Voice;
  readonly processId: string;
  readonly trouble: Trouble;
  /** Kafka has answered the reader of that name; undefined: there is no such reader any more. */
  readonly sign: (reader: string, at: "now" | undefined) => void;
  readonly announce: (outcomes: readonly Outcome[]) => void;
}

/**
 * This process's part in judging. The processes with the role `judge` form a consumer group on the one-partition log of
 * signals: whoever has it assigned speaks. The others follow the same log in silence, so that every process answers alike
 * and the next judge is warm.
 */
export interface Cluster {
  judging(view: string): Judging | undefined;
  /** Whether this process's judge is the one that speaks. */
  leads(): boolean;
  /** Whether the judge here has come to the end of the log once. */
  ready(): boolean;
  /** Lets go of what is kept for people to look at. */
  shed(): void;
  run(signal: AbortSignal): Promise<void>;
  /** When this process is the judge that speaks: waits, not long, until what has been told up to now is judged. */
  drain(): Promise<void>;
}

export function createCluster(options: ClusterOptions): Cluster {
  const { roles, kafka, processId, voice } = options;
  const judges = roles.includes("judge");
  const serves = judges || roles.includes("serve");
  const topic = `${kafka.topicPrefix}.profiles`;
  const failed = Promise.withResolvers<never>();
  let leads = false;
  let [leaderReady, followerReady] = [false, false];
  let following: { readonly end: AbortController; readonly ended: Promise<void> } | undefined;
  let stopping = false;

  const current = (): JudgeLog =>
    leads && leaderReady ? leader : followerReady || !leaderReady ? follower : leader;
  const judgeLog = (speaks?: Voice): JudgeLog => {
    const log: JudgeLog = createJudgeLog({
      ...options,
      trouble: (name, text) => options.trouble(`judge.${name}`, text),
      ...(speaks === undefined ? {} : { speaks }),
      announce: (outcomes) => {
        if (current() === log) options.announce(outcomes);
      },
    });
    return log;
  };
  const leader = judgeLog(voice);
  const follower = judgeLog();

  const sourceOf = (
    reader: string,
    groupId: string,
    more: Partial<Parameters<typeof createKafkaSource>[0]>,
  ): Source =>
    createKafkaSource({
      client: options.client,
      brokers: kafka.brokers,
      groupId,
      topics: [topic],
      startFrom: "earliest",
      reached: true, // by the store
      onTrouble: (name, text) => options.trouble(`judge.${name}`, text),
      onLag: () => undefined,
      onSign: () => options.sign(reader, "now"),
      ...more,
    });

  const follow = (): void => {
    if (following !== undefined || stopping) return;
    const end = new AbortController();
    const source = sourceOf("follower", `${topic}.follower.${processId}`, {
      ephemeral: true,
      onLag: (_partition, records) => {
        followerReady ||= records === 0;
      },
    });
    const ended = source.run(follower, end.signal).catch(failed.reject);
    following = { end, ended };
  };
  const unfollow = async (): Promise<void> => {
    const before = following;
    following = undefined;
    before?.end.abort();
    await before?.ended;
    options.sign("follower", undefined);
    followerReady = false;
  };

  const onJoin = (partitions: readonly Partition[]): void => {
    leads = partitions.length > 0;
    leaderReady &&= !leads || following === undefined;
    if (!leads) follow();
  };
  const lead = (signal: AbortSignal): Promise<void> => {
    const source = sourceOf("judge", `${kafka.groupId}.judge`, {
      onJoin,
      onLag: (_partition, records) => {
        if (records > 0 || !leads) return;
        leaderReady = true;
        if (following !== undefined) unfollow().catch(failed.reject);
      },
    });
    return source.run(leader satisfies Receiver, signal);
  };

  return {
    judging: (view) => (serves ? current().judging(view) : undefined),
    async drain() {
      if (!leads) return;
      const admin = options.client.admin();
      await admin.connect();
      try {
        const [end] = await admin.fetchTopicOffsets(topic);
        const high = Number(end?.high ?? 0);
        for (let waited = 0; waited < drainMs && leads && leader.position() < high; waited += drainPollMs)
          await new Promise((done) => setTimeout(done, drainPollMs));
      } finally {
        await admin.disconnect();
      }
    },
    leads: () => leads && leaderReady,
    shed: () => [leader, follower].forEach((log) => void log.shed()),
    ready: () => !serves || leaderReady || followerReady,
    async run(signal) {
      if (!judges && serves) follow();
      try {
        if (judges) await Promise.race([lead(signal), failed.promise]);
        else await Promise.race([aborted(signal), failed.promise]);
      } finally {
        stopping = true;
        await unfollow();
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
