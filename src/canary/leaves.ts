/** An output taken apart: what stands at each path of it. */
export type Leaf =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "label"; readonly value: string }
  /** Items in their order, by their names. */
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "vector"; readonly values: readonly number[] }
  /** null, "" or []: a success that says nothing. */
  | { readonly kind: "empty" }
  /** A NaN or an infinity, alone, in a vector or in an item of a list. */
  | { readonly kind: "nonfinite" };

/** Keys of an object that are looked at, all depths together; the rest is not compared, and said so. */
export const leavesMax = 50;
const nestingMax = 5;

/** The leaves of an output by path: `""` for one that is no object, `scores.click` for a key of a key. */
export function leavesOf(output: unknown): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  collect(output, "", 0, leaves);
  return leaves;
}

function collect(value: unknown, path: string, depth: number, into: Map<string, Leaf>): void {
  if (into.size >= leavesMax) return;
  if (typeof value === "object" && value !== null && !Array.isArray(value) && depth < nestingMax) {
    const entries = Object.entries(value);
    if (entries.length === 0) into.set(path, { kind: "empty" });
    for (const [key, inner] of entries) collect(inner, path === "" ? key : `${path}.${key}`, depth + 1, into);
    return;
  }
  into.set(path, leafOf(value));
}

const nonfinite = new Set(["NaN", "Infinity", "-Infinity"]);

function leafOf(value: unknown): Leaf {
  if (value === null || value === undefined || value === "") return { kind: "empty" };
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? { kind: "number", value } : { kind: "nonfinite" };
    case "string":
      return nonfinite.has(value) ? { kind: "nonfinite" } : { kind: "label", value };
    case "boolean":
      return { kind: "label", value: String(value) };
    default:
      return Array.isArray(value) ? arrayLeaf(value) : { kind: "label", value: JSON.stringify(value) };
  }
}

/**
 * An array of numbers is a vector, unless all are whole and none stands twice: then they are ids of a ranked list. Other
 * arrays are ranked lists; items that are objects go by their `id`, `item` or `name`.
 */
function arrayLeaf(values: readonly unknown[]): Leaf {
  if (values.length === 0) return { kind: "empty" };
  if (
    values.some((value) => typeof value === "number" || (typeof value === "string" && nonfinite.has(value)))
  ) {
    const numbers = values.map((value) => (typeof value === "number" ? value : Number.NaN));
    if (values.every((value) => typeof value === "number" || nonfinite.has(String(value)))) {
      if (!numbers.every(Number.isFinite)) return { kind: "nonfinite" };
      const ids = numbers.every(Number.isInteger) && new Set(numbers).size === numbers.length;
      return ids && numbers.length > 1
        ? { kind: "list", items: numbers.map(String) }
        : { kind: "vector", values: numbers };
    }
  }
  return values.some(scoredNonfinite) ? { kind: "nonfinite" } : { kind: "list", items: values.map(itemName) };
}

/** `{"id": "a", "score": NaN}`; what names the item is a name, not a number. */
function scoredNonfinite(item: unknown): boolean {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return false;
  return Object.entries(item).some(
    ([key, value]) =>
      !["id", "item", "name"].includes(key) &&
      (typeof value === "string"
        ? nonfinite.has(value)
        : typeof value === "number" && !Number.isFinite(value)),
  );
}

function itemName(item: unknown): string {
  if (typeof item === "object" && item !== null && !Array.isArray(item)) {
    const { id, item: own, name } = item as Record<string, unknown>;
    const found = id ?? own ?? name;
    if (typeof found === "string" || typeof found === "number") return String(found);
  }
  return typeof item === "string" ? item : JSON.stringify(item);
}
