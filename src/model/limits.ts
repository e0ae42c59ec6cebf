const mebibyte = 1024 * 1024;

/** Every bound that bytes from outside meet. Configurable under `limits:`; these are the defaults. */
export interface Limits {
  readonly messageBytes: number;
  /** Sum of all buffers of a message after decompression. */
  readonly decodedBytes: number;
  readonly rowsPerBatch: number;
  readonly fields: number;
  /** Distinct values of a category that are counted exactly. */
  readonly categories: number;
  /** Distinct values of a segment field; the rest is `__other__`. */
  readonly segments: number;
  readonly openWindows: number;
  readonly httpBodyBytes: number;
  /** What may wait for a sink: beyond it nothing more is read. */
  readonly queueBytes: number;
  readonly dictionaryEntries: number;
  /** Depth of nested types, JSON values and structs. */
  readonly nesting: number;
}

export const defaultLimits: Limits = {
  messageBytes: 16 * mebibyte,
  decodedBytes: 64 * mebibyte,
  rowsPerBatch: 1_000_000,
  fields: 2_000,
  categories: 4_096,
  segments: 50,
  openWindows: 120,
  httpBodyBytes: 8 * mebibyte,
  queueBytes: 64 * mebibyte,
  dictionaryEntries: 1_000_000,
  nesting: 16,
};
