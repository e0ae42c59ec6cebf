import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { createDecoder } from "../decode/decode.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import { hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Receiver } from "../pipeline/ports.ts";
import { type CaptureFiles, createCaptureFiles } from "../sink/capture-files.ts";
import { parseBytes } from "../spec/size.ts";
import { addTopicOptions, type DataOptions, emptyRangeHint, openTopicRange, rangeHelp } from "./data.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { count } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { readSpec } from "./views.ts";

/** Hexadecimal digits of an anonymised value: 64 bits, so that a billion distinct ones hardly ever meet. */
const hashDigits = 16;

interface CaptureFlags extends DataOptions {
  readonly out: string;
  readonly spec?: string;
  readonly maxSize: string;
  readonly anonymise?: readonly string[];
  readonly keyFile?: string;
  readonly json?: boolean;
}

export function addCapture(program: Command, io: Io): void {
  const command = program
    .command("capture")
    .description(
      "Save a part of a topic as Arrow or Parquet, each row with its topic, partition, offset and timestamp.",
    );
  addTopicOptions(command)
    .requiredOption("--out <file>", ".arrow or .parquet")
    .option("--spec <file>", "types of JSON rows' columns; without it they are inferred")
    .option(
      "--max-size <size>",
      "begin another file when one has grown to this: FILE-0001, FILE-0002 …",
      "1GiB",
    )
    .option("--anonymise <columns...>", "put a keyed hash in the place of these columns' values")
    .option("--key-file <file>", "the hash's key; without it a random one, that nobody keeps")
    .option("--json", "what was written, as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tidemark capture --topic features.reco_user --from 2026-03-03T04:00Z --to 2026-03-03T10:00Z --brokers kafka:9092 --out tuesday.arrow
  tidemark capture --topic features.reco_user --from -2h --out last.parquet --anonymise user_key request_id --key-file /run/secrets/hash
  tidemark replay … --input tuesday.arrow --out out

${rangeHelp}
Anonymised values stay equal where they were equal, under one key; a field with a mapping, a pattern or another type than string will break it then.`,
    )
    .action((flags: CaptureFlags) => capture(flags, io));
}

async function capture(flags: CaptureFlags, io: Io): Promise<void> {
  const { topic, spec } = flags;
  if (topic === undefined) throw new Fault("usage", "capture: no --topic");
  const partBytes = parseBytes(flags.maxSize) ?? 0;
  if (partBytes <= 0)
    throw new Fault("usage", `--max-size ${flags.maxSize}: no size`, { hint: "for example 500MiB" });
  if (!/\.(arrow|feather|parquet)$/i.test(flags.out))
    throw new Fault("usage", `--out ${flags.out}: name it .arrow or .parquet`);
  const hints = spec === undefined ? undefined : hintsOf(readSpec(spec));
  const decoder = createDecoder({ hints, format: "auto", limits: defaultLimits });
  const files = createCaptureFiles({
    file: resolve(io.cwd, flags.out),
    partBytes,
    ...anonymiseOf(flags, io),
  });
  const progress = createProgress(io, "capturing");
  let share: number | undefined;
  let among: readonly number[] | undefined;
  let [rows, undecodable] = [0, 0];
  const range = await openTopicRange({ ...flags, topic }, io, {
    onProgress: (done, of) => {
      share = of === 0 ? undefined : done / of;
    },
  });
  const take = async (partition: Partition, message: Message): Promise<void> => {
    if (message.body.kind !== "bytes") return;
    among ??= range.spans().map((span) => span.partition);
    try {
      const { headers, schema, offset, timestamp } = message;
      let bytes = message.body.bytes.length;
      for (const batch of decoder.decode(message.body.bytes, { headers, schema })) {
        if (batch.rows === 0) continue;
        rows += batch.rows;
        await files.add({ partition, among, offset, timestamp, batch, bytes });
        bytes = 0; // of a message with several batches once
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      undecodable += 1;
      if (undecodable <= 20)
        io.stderr(`tidemark: not captured, ${partitionKey(partition)}@${message.offset}: ${error.message}\n`);
    }
    progress.update(() => ({ rows, eventTime: message.timestamp, share }));
  };
  try {
    await range.run(receiverOf(take), io.signal);
    progress.clear();
    await finish(files, undecodable, flags, io);
  } catch (error) {
    await files.abandon();
    throw error;
  } finally {
    progress.clear();
  }
  if (io.signal.aborted) throw new Exit(130);
}

async function finish(files: CaptureFiles, undecodable: number, flags: CaptureFlags, io: Io): Promise<void> {
  const result = await files.finish();
  const partial = io.signal.aborted;
  if (flags.json === true) io.stdout(formatJson({ ...result, undecodable, partial }));
  else {
    for (const file of result.files) io.stdout(`${file}\n`);
    io.stderr(
      `${count(result.rows)} rows, ${count(result.bytes)} bytes${undecodable > 0 ? `; ${count(undecodable)} messages could not be decoded` : ""}${partial ? "; interrupted: a part of the range" : ""}\n`,
    );
  }
  if (result.rows === 0 && !partial)
    throw new Fault("input.empty", "no row in that range", { hint: emptyRangeHint });
}

function anonymiseOf(
  { anonymise, keyFile }: CaptureFlags,
  io: Io,
): Pick<Parameters<typeof createCaptureFiles>[0], "anonymise"> {
  if (anonymise === undefined) {
    if (keyFile !== undefined) throw new Fault("usage", "--key-file without --anonymise");
    return {};
  }
  const key = keyFile === undefined ? randomBytes(32) : readKey(resolve(io.cwd, keyFile));
  const hash = (value: string): string =>
    createHmac("sha256", key).update(value).digest("hex").slice(0, hashDigits);
  return { anonymise: { columns: anonymise, hash } };
}

function readKey(file: string): Buffer {
  try {
    const key = readFileSync(file);
    if (key.length >= 16) return key;
    throw new Fault("usage", `--key-file ${file}: ${key.length} bytes`, { hint: "16 random bytes or more" });
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** Hands over messages one by one; nothing is kept of where a partition stands. */
export function receiverOf(take: (partition: Partition, message: Message) => Promise<void>): Receiver {
  return {
    assigned: async () => undefined,
    async receive(partition, messages) {
      for (const message of messages) await take(partition, message);
    },
    lost: async () => undefined,
    counted: async () => undefined,
    ended: async () => undefined,
    revoked: async () => undefined,
    checkpoint: async () => new Map(),
  };
}
