import { resolve } from "node:path";
import type { Command } from "commander";
import { type RowError, validateBatch } from "../check/validate.ts";
import { createDecoder } from "../decode/decode.ts";
import type { Batch } from "../model/batch.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import { isoTime } from "../model/time.ts";
import { pause } from "../source/pause.ts";
import type { Span } from "../source/topic-range.ts";
import { receiverOf } from "./capture.ts";
import { type DataOptions, openTopicRange, rangeHelp } from "./data.ts";
import { Exit, type Io } from "./io.ts";
import { count, paintFor, printable } from "./paint.ts";
import { hiddenFields, recordOf } from "./row-record.ts";
import { readSpec } from "./views.ts";

/** Between two looks at the end of the log. */
const lookEveryMs = 1_000;

interface TapOptions extends DataOptions {
  readonly topic: string;
  readonly spec?: string;
  readonly broken?: boolean;
  readonly fields?: readonly string[];
  readonly limit?: string;
  readonly json?: boolean;
}

export function addTap(program: Command, io: Io): void {
  program
    .command("tap")
    .description("Look into a topic: its rows as tidemark reads them, with what a spec has against them.")
    .requiredOption("--topic <topic>", "Kafka topic")
    .option("--spec <file>", "name every rule that a row breaks; hide what the spec redacts")
    .option("--broken", "only rows that break a rule, and messages that cannot be decoded")
    .option("--fields <names...>", "only these fields")
    .option("--limit <rows>", "end after so many")
    .option("--from <position>", "time, -2h, offsets such as 0:100,1:40, or earliest", "latest")
    .option("--to <position>", "the same, not included; without it go on with what comes, until Ctrl-C")
    .option("--brokers <list>", "Kafka brokers, comma-separated")
    .option(
      "--config <file>",
      "where brokers, TLS and SASL stand, without --brokers (default: tidemark.yaml)",
    )
    .option("--json", "a JSON object a row")
    .addHelpText(
      "after",
      `
Examples:
  tidemark tap --topic features.reco_user --brokers kafka:9092
  tidemark tap --topic features.reco_user --spec feature-specs/reco_user.yaml --broken --fields user_location
  tidemark tap --topic features.reco_user --from -1h --to now --json | jq .record

${rangeHelp}`,
    )
    .action((options: TapOptions) => tap(options, io));
}

interface Tally {
  rows: number;
  broken: number;
  undecodable: number;
  shown: number;
}

async function tap(options: TapOptions, io: Io): Promise<void> {
  const limit = limitOf(options.limit);
  const view = options.spec === undefined ? undefined : readSpec(resolve(io.cwd, options.spec));
  if (view === undefined && options.broken === true)
    throw new Fault("usage", "--broken without --spec", { hint: "a spec says what is broken" });
  const show = printer(options, view, io);
  const decoder = createDecoder({
    hints: view === undefined ? undefined : hintsOf(view),
    format: "auto",
    limits: defaultLimits,
  });
  const tally: Tally = { rows: 0, broken: 0, undecodable: 0, shown: 0 };
  const enough = new AbortController();
  const signal = AbortSignal.any([io.signal, enough.signal]);
  const print = (text: string): void => {
    if (signal.aborted) return;
    io.stdout(text);
    tally.shown += 1;
    if (tally.shown >= limit) enough.abort();
  };
  const take = async (partition: Partition, message: Message): Promise<void> => {
    const { body, headers, schema, offset, timestamp } = message;
    if (body.kind !== "bytes" || signal.aborted) return;
    const place = {
      position: `${partitionKey(partition)}@${offset}`,
      time: timestamp === undefined ? null : isoTime(timestamp),
    };
    try {
      let before = 0;
      for (const batch of decoder.decode(body.bytes, { headers, schema })) {
        takeBatch(batch, before, place);
        before += batch.rows;
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      tally.undecodable += 1;
      print(show.undecodable(place, error.message));
    }
    await io.flushed(); // a slow reader of ours slows our reading
  };
  const takeBatch = (batch: Batch, before: number, place: Place): void => {
    const errors =
      view === undefined ? [] : validateBatch(view, batch, { maxErrors: Number.POSITIVE_INFINITY }).errors;
    const byRow = Map.groupBy(errors, ({ row }) => row);
    for (let row = 0; row < batch.rows && !signal.aborted; row += 1) {
      const own = byRow.get(row) ?? [];
      tally.rows += 1;
      if (own.length > 0) tally.broken += 1;
      else if (options.broken === true) continue;
      print(show.row(place, before + row, batch, row, own));
    }
  };

  let from = options.from ?? "latest";
  for (let round = 0; !signal.aborted; round += 1) {
    const range = await openTopicRange({ ...options, from, to: options.to ?? "latest" }, io, {});
    await range.run(receiverOf(take), signal);
    if (options.to !== undefined) break;
    if (round === 0 && io.isTTY) io.stderr("waiting for what comes; Ctrl-C ends\n");
    from = endOf(range.spans()) ?? from;
    await pause(lookEveryMs, signal);
  }
  io.stderr(summaryOf(tally, view));
  if (io.signal.aborted) throw new Exit(130);
}

interface Place {
  readonly position: string;
  /** Of the record; null when it has none. */
  readonly time: string | null;
}

interface Printer {
  /** @param number  of the row in its message, from 0; @param row  in its batch */
  row(place: Place, number: number, batch: Batch, row: number, errors: readonly RowError[]): string;
  undecodable(place: Place, reason: string): string;
}

function printer({ fields, json }: TapOptions, view: FeatureView | undefined, io: Io): Printer {
  const hidden = view === undefined ? new Set<string>() : hiddenFields(view);
  const wanted = fields === undefined ? undefined : new Set(fields);
  const isWanted = (name: string): boolean => wanted?.has(name) ?? true;
  const recordIn = (batch: Batch, row: number): Record<string, unknown> =>
    Object.fromEntries(Object.entries(recordOf(batch, row, hidden)).filter(([name]) => isWanted(name)));
  if (json === true) {
    const line = (value: object): string => `${JSON.stringify(value)}\n`;
    return {
      row: (place, number, batch, row, errors) =>
        line({
          ...place,
          row: number,
          record: recordIn(batch, row),
          ...(view === undefined ? {} : { errors: errors.map(({ row: _, ...error }) => error) }),
        }),
      undecodable: (place, undecodable) => line({ ...place, undecodable }),
    };
  }
  const paint = paintFor({ isTTY: io.columns !== undefined, env: io.env });
  const head = ({ position, time }: Place, number: number): string =>
    paint.dim(`${time ?? "–"} ${position}${number === 0 ? "" : `+${number}`}`);
  return {
    row(place, number, batch, row, errors) {
      const cells = Object.entries(recordIn(batch, row)).map(
        ([name, value]) => `${paint.cyan(printable(name))}=${printable(JSON.stringify(value) ?? "")}`,
      );
      const reasons = errors.map(({ code, detail }) => `  ${paint.red(code)}  ${printable(detail)}\n`);
      return `${head(place, number)} ${cells.join(" ")}\n${reasons.join("")}`;
    },
    undecodable: (place, reason) =>
      `${head(place, 0)} ${paint.red("cannot be decoded")}: ${printable(reason)}\n`,
  };
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new Fault("usage", `--limit ${text}: a whole number from 1`);
}

/** Where the next look begins; undefined for a topic without partitions. */
function endOf(spans: readonly Span[]): string | undefined {
  if (spans.length === 0) return undefined;
  return spans.map(({ partition, to }) => `${partition}:${to}`).join(",");
}

function summaryOf({ rows, broken, undecodable }: Tally, view: FeatureView | undefined): string {
  const against = view === undefined ? "" : `, ${count(broken)} break the spec of ${view.name}`;
  const lost = undecodable === 0 ? "" : `; ${count(undecodable)} messages could not be decoded`;
  return `${count(rows)} rows${against}${lost}\n`;
}
