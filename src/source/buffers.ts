/** Sizes are multiples of it, so that buffers fit again. */
const stepBytes = 64 * 1024;
/** A buffer is not given for less than this part of it. */
const leastShare = 1 / 8;

/**
 * Buffers that go to another thread and come back. New memory has to be zeroed, page by page, and for every 64 MB of it the engine
 * marks its whole heap, in both threads.
 */
export interface Buffers {
  /** Of at least `size` bytes, with anything in it. */
  take(size: number): ArrayBuffer;
  /** Takes one back that nobody looks at any more. */
  give(buffer: ArrayBuffer): void;
}

/** @param keptMax  bytes that are kept for later */
export function createBuffers(keptMax: number): Buffers {
  const spare: ArrayBuffer[] = [];
  let kept = 0;
  return {
    take(size) {
      let best = -1;
      spare.forEach(({ byteLength }, index) => {
        const fits = byteLength >= size && byteLength * leastShare <= Math.max(size, stepBytes);
        if (fits && byteLength < (spare[best]?.byteLength ?? Number.POSITIVE_INFINITY)) best = index;
      });
      const [found] = best < 0 ? [] : spare.splice(best, 1);
      kept -= found?.byteLength ?? 0;
      return found ?? new ArrayBuffer(Math.ceil(size / stepBytes) * stepBytes);
    },
    give(buffer) {
      spare.push(buffer);
      kept += buffer.byteLength;
      while (kept > keptMax) kept -= spare.shift()?.byteLength ?? 0;
    },
  };
}

/** Buffers of this thread's own: what is given that was not taken here is left alone, and so is what is given twice. */
export function createReused(keptMax: number): {
  take(size: number): ArrayBuffer;
  give(buffer: ArrayBufferLike): void;
} {
  const { take, give } = createBuffers(keptMax);
  const out = new WeakSet<ArrayBufferLike>();
  return {
    take(size) {
      const buffer = take(size);
      out.add(buffer);
      return buffer;
    },
    give(buffer) {
      if (buffer instanceof ArrayBuffer && out.delete(buffer)) give(buffer);
    },
  };
}
