import { isPair, isScalar, type Pair, parseAllDocuments, type Scalar, visit } from "yaml";

/** A text in a YAML file: what it says, where it begins, and the keys that lead there. */
export interface YamlText {
  readonly value: string;
  readonly offset: number;
  /** Of the maps around it, outermost first. */
  readonly keys: readonly string[];
  /** A block (`|`, `>`): its lines are not where its text has them. */
  readonly block: boolean;
}

/** Texts of one file that are looked at. */
const textsMax = 100_000;

/** Every scalar that is not a key. @throws YAMLParseError */
export function textsOf(text: string): readonly YamlText[] {
  const texts: YamlText[] = [];
  for (const document of parseAllDocuments(text, { logLevel: "silent" })) {
    if (!("errors" in document)) continue;
    const [error] = document.errors;
    if (error !== undefined) throw error;
    visit(document, {
      Scalar(key, node, path) {
        if (key === "key" || texts.length >= textsMax) return;
        const keys = path.flatMap((each) => (isPair(each) ? [nameOf(each)] : []));
        const block = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
        texts.push({ value: String(node.value ?? ""), offset: startOf(node), keys, block });
      },
    });
  }
  return texts;
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}

/** Behind the quote, if there is one. */
function startOf({ range, type }: Scalar): number {
  return (range?.[0] ?? 0) + (type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE" ? 1 : 0);
}
