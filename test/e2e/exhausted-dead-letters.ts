/** Dead letters of a process that has opened all the files it may; the first argument is their folder. Prints what became of them. */
import { readFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Fault } from "../../src/model/fault.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createDeadLetterFile } from "../../src/sink/dead-letters.ts";

const dir = process.argv[2] ?? "";
const sink = createDeadLetterFile({ dir });
const letter = (offset: number): Outcome => ({
  kind: "dead-letter",
  deadLetter: {
    ...{ partition: { topic: "t", partition: 0 }, offset, reason: "malformed", message: "no" },
    ...{ bytes: Uint8Array.of(1, 2), key: undefined, headers: new Map() },
  },
});
const taken: FileHandle[] = [];
const takeAll = async (): Promise<void> => {
  for (;;) {
    const more = await open("/dev/null").catch(() => undefined);
    if (more === undefined) return;
    taken.push(more);
  }
};
const giveBack = async (): Promise<void> => {
  for (const handle of taken.splice(0)) await handle.close();
};
const refused: object[] = [];
const accept = (offset: number): Promise<void> =>
  sink.accept([letter(offset)], []).catch(({ code, retryable, message }: Fault) => {
    refused.push({ code, retryable, says: /EMFILE/.exec(message)?.[0] });
  });

await takeAll();
await accept(0);
await giveBack();
await accept(0);
await takeAll();
await accept(1); // the file is open
await giveBack();
await sink.close(AbortSignal.abort());
const offsets = readFileSync(join(dir, "dead-letters.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => (JSON.parse(line) as { offset: number }).offset);
console.log(JSON.stringify({ refused, offsets }));
