import { RE2JS } from "re2js";
import type { CompileRule } from "./rule.ts";

/** Answers kept per pattern; a value's place is given by its hash, a newer one takes it over. */
const cacheSize = 8_192;

const textDecoder = new TextDecoder("utf-8");

/** The value is searched for the pattern, in time linear in its length. Values that come again are answered from a bounded cache. */
export const pattern: CompileRule = ({ pattern: source, type }) => {
  if (source === undefined || type !== "string") return undefined;
  const expression = RE2JS.compile(source);
  const low = new Int32Array(cacheSize);
  const high = new Int32Array(cacheSize);
  /** Length and answer as 2 · length + broken + 1; 0 is free. */
  const answers = new Float64Array(cacheSize);
  return {
    kind: "text",
    name: "pattern",
    expected: `a match of ${source}`,
    breaks(text) {
      const slot = (text.low ^ (text.high >>> 7)) & (cacheSize - 1);
      const length = text.to - text.from;
      const answer = (answers[slot] as number) - 1;
      if (low[slot] === text.low && high[slot] === text.high && Math.floor(answer / 2) === length) {
        return answer % 2 === 1;
      }
      const broken = !expression.matcher(textDecoder.decode(text.bytes.subarray(text.from, text.to))).find();
      low[slot] = text.low;
      high[slot] = text.high;
      answers[slot] = 2 * length + (broken ? 1 : 0) + 1;
      return broken;
    },
  };
};
