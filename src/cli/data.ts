import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import type { Message } from "../model/record.ts";
import { parseDuration, parseInstant } from "../model/time.ts";
import type { Source } from "../pipeline/ports.ts";
import type { Bound, TopicRange } from "../source/topic-range.ts";
import { loadConfigFile } from "./config.ts";
import { expandInputs } from "./inputs.ts";
import type { Io } from "./io.ts";
import { schemasFor } from "./wire.ts";

/** Where recorded data come from: files, or a part of a topic. */
export interface DataOptions {
  readonly input?: readonly string[];
  readonly topic?: string;
  readonly from?: string;
  readonly to?: string;
  readonly brokers?: string;
  readonly config?: string;
}

export interface DataSource extends Source {
  /** Share of the input that has been read, 0 to 1; undefined while nothing is known. */
  share(): number | undefined;
  /** The flags that name the same data again, whatever the time is then. */
  flags(): readonly (readonly [string, readonly string[]])[];
}

export const rangeHelp = `A range of a topic is [--from, --to): a time of the records' own timestamps (ISO 8601, epoch ms, -2h before now),
offsets of the partitions that are meant (0:100,1:40), earliest or latest. It is read without a consumer group.`;

/** Why a range of a topic may hold nothing although there are rows of that time. */
export const emptyRangeHint =
  "--from and --to go by the records' own timestamps, or offsets; for event times: --from earliest --from-time A --to-time B";

export function addTopicOptions(command: Command): Command {
  return command
    .option("--topic <topic>", "Kafka topic, instead of files")
    .option("--from <position>", "time, -2h, offsets such as 0:100,1:40, or earliest")
    .option("--to <position>", "the same, not included; without it up to the end that the log has now")
    .option("--brokers <list>", "Kafka brokers, comma-separated")
    .option(
      "--config <file>",
      "where brokers, TLS and SASL stand, without --brokers (default: tidemark.yaml)",
    );
}

export function addDataOptions(command: Command): Command {
  return addTopicOptions(
    command.option("--input <files...>", ".arrow, .parquet, .csv, .jsonl, captured files, or globs"),
  );
}

/** @throws Fault `usage` when the options name no data, or two */
export async function openData(
  options: DataOptions,
  view: FeatureView,
  io: Io,
  orderOf?: (message: Message) => number,
): Promise<DataSource> {
  const { input, topic, from, to, brokers } = options;
  if (input !== undefined) {
    if (topic !== undefined) throw new Fault("usage", "--input and --topic: give one of them");
    const range = from === undefined ? to : from;
    if (range !== undefined)
      throw new Fault("usage", "--from and --to are positions in a topic", {
        hint: "for files: --from-time and --to-time",
      });
    const { createFileSource } = await import("../source/file.ts");
    let share: number | undefined;
    const source = createFileSource({
      files: expandInputs(input, io),
      hints: hintsOf(view),
      limits: defaultLimits,
      onProgress: (done, of) => {
        share = of === 0 ? undefined : done / of;
      },
    });
    return { ...source, share: () => share, flags: () => [["--input", input]] };
  }
  if (topic === undefined) {
    throw new Fault("usage", "no data", { hint: "give --input FILE…, or --topic T --from A --to B" });
  }
  let share: number | undefined;
  const range = await openTopicRange({ ...options, topic }, io, {
    onProgress: (done, of) => {
      share = of === 0 ? undefined : done / of;
    },
    ...(orderOf === undefined ? {} : { orderOf }),
  });
  return {
    run: range.run,
    share: () => share,
    flags: () => [
      ["--topic", [topic]],
      ...positionFlags(range),
      ...(brokers === undefined ? [] : ([["--brokers", [brokers]]] as const)),
      ...(options.config === undefined ? [] : ([["--config", [options.config]]] as const)),
    ],
  };
}

function positionFlags(range: TopicRange): readonly (readonly [string, readonly string[]])[] {
  const spans = range.spans();
  if (spans.length === 0) return [];
  const text = (of: "from" | "to"): string => spans.map((span) => `${span.partition}:${span[of]}`).join(",");
  return [
    ["--from", [text("from")]],
    ["--to", [text("to")]],
  ];
}

/** @throws Fault `usage` for a position that is none, or without brokers */
export async function openTopicRange(
  options: DataOptions & { readonly topic: string },
  io: Io,
  more: {
    readonly onProgress?: (done: number, of: number) => void;
    readonly orderOf?: (message: Message) => number;
  },
): Promise<TopicRange> {
  const from = boundOf("--from", options.from ?? "earliest", io.now());
  const to = boundOf("--to", options.to ?? "latest", io.now());
  if (from.kind === "time" && to.kind === "time" && !(from.time < to.time))
    throw new Fault("usage", `--from ${options.from} is not before --to ${options.to}`);
  const config = loadConfigFile(options.config, io, { "kafka.brokers": options.brokers });
  const { kafka } = config;
  if (kafka === undefined) {
    throw new Fault("usage", `--topic ${options.topic}: no brokers`, {
      hint: "give --brokers HOST:PORT, or set kafka.brokers in tidemark.yaml or TIDEMARK_KAFKA_BROKERS",
    });
  }
  const [{ createKafkaClient }, { createTopicRange }] = await Promise.all([
    import("../source/kafka-client.ts"),
    import("../source/topic-range.ts"),
  ]);
  const range = createTopicRange({
    client: createKafkaClient(kafka, undefined),
    brokers: kafka.brokers,
    topic: options.topic,
    from,
    to,
    onLost: (text) => io.stderr(`tidemark: ${text}\n`),
    ...more,
  });
  return schemasFor(range, config);
}

/** @throws Fault `usage` */
export function boundOf(flag: string, text: string, now: number): Bound {
  if (text === "earliest") return { kind: "earliest" };
  if (text === "latest" || text === "now") return { kind: "latest" };
  if (/^\d+:\d+(,\d+:\d+)*$/.test(text)) {
    const pairs = text.split(",").map((pair) => pair.split(":").map(Number));
    const offsets = new Map(pairs.map(([partition = 0, offset = 0]) => [partition, offset]));
    if (offsets.size === pairs.length) return { kind: "offsets", offsets };
    throw new Fault("usage", `${flag} ${text}: a partition stands there twice`);
  }
  const ago = text.startsWith("-") ? parseDuration(text.slice(1)) : undefined;
  const time = ago === undefined ? parseInstant(text) : now - ago;
  if (time !== undefined) return { kind: "time", time };
  throw new Fault("usage", `${flag} ${text}: no position in a topic`, {
    hint: "a time such as 2026-03-03T04:14:00Z or 1772511240000, -2h, offsets such as 0:100,1:40, earliest, latest",
  });
}
