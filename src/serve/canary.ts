import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CanaryShape } from "../canary/render.ts";
import { Problem } from "./problem.ts";

/** Names of folders that cannot lead elsewhere. */
const idPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * The verdict that `tidemark canary --out STATE/canary/ID` left, as Argo Rollouts reads it. It is read anew each time.
 * @throws Problem 404 when there is none, 503 when there is no directory of verdicts or the file is not whole yet
 */
export async function canaryOf(dir: string | undefined, id: string): Promise<CanaryShape> {
  const none = `no canary "${id.slice(0, 100)}": run tidemark canary with --out DIR/canary/ID, DIR being state.dir of the config`;
  if (dir === undefined || !idPattern.test(id)) throw new Problem(404, "unknown canary", none);
  let text: string;
  try {
    text = await readFile(join(dir, id, "argo.json"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new Problem(404, "unknown canary", none);
    throw error;
  }
  try {
    const shape = JSON.parse(text) as CanaryShape;
    if (typeof shape.data.ok === "boolean") return shape;
  } catch {
    // written at this moment: the same answer as for a file that is none
  }
  throw new Problem(503, "not now", `${id}/argo.json is not whole`);
}
