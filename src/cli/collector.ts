import { setFlagsFromString } from "node:v8";

/** With less memory than this there is none to spare for it. */
const roomyBytes = 2 * 1024 ** 3;

/**
 * Node 24's V8 marks the whole heap for every 64 MB of buffers, however large the heap is and however soon they are let go of: a third
 * of a backlog's processor time. Counted with the heap, buffers are collected a fourth as often, and up to 250 MB more of them wait
 * for it.
 *
 * @param limitBytes  memory that the process may have
 * @param node        version of Node: another one's engine may not have the flag
 * @returns whether it is so now
 */
export function countBuffersWithHeap(limitBytes: number, node: string = process.version): boolean {
  if (limitBytes < roomyBytes || !node.startsWith("v24.")) return false;
  setFlagsFromString(`--${buffersFlag}`);
  return true;
}

export const buffersFlag = "external-memory-accounted-in-global-limit";
