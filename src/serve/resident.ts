let known = 0;

/** Bytes of memory that the process has. The system keeps the number in a file: while no descriptor is free, as it was last read. */
export function residentBytes(): number {
  try {
    known = process.memoryUsage.rss();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
  }
  return known;
}
