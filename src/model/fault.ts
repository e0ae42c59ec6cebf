/** Every code an operator may meet. Stable: runbooks, dead letters and metric labels name them. */
export type FaultCode =
  | "config.invalid"
  | "usage"
  | "spec.invalid"
  | "spec.missing"
  | "baseline.invalid"
  | "baseline.mismatch"
  | "input.missing"
  | "input.empty"
  | "input.format"
  | "decode.truncated"
  | "decode.malformed"
  | "decode.limit"
  | "decode.compression"
  | "decode.format"
  | "decode.schema"
  | "sketch.corrupt"
  | "source.unreachable"
  | "source.failed"
  | "store.failed"
  | "store.full"
  | "store.version"
  | "sink.rejected"
  | "sink.unreachable"
  | "http.failed"
  | "memory.limit"
  | "interrupted";

/** An operating fault: the world outside misbehaved. Bad data is never one; it is a `Violation`. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Whether the same call may succeed later with no change of ours. */
  readonly retryable: boolean;
  /** What the reader can do about it, in one sentence. */
  readonly hint: string | undefined;

  constructor(
    code: FaultCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown; hint?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.hint = options.hint;
  }
}

/** Bytes that cannot become a `Batch`. `reason` is the stable word that dead letters and metrics carry. */
export class DecodeError extends Fault {
  readonly reason: DecodeReason;

  constructor(reason: DecodeReason, message: string, options: { cause?: unknown } = {}) {
    super(`decode.${reason}`, message, { ...options, retryable: false });
    this.name = "DecodeError";
    this.reason = reason;
  }
}

/** truncated: bytes end early · malformed: bytes contradict themselves · limit: a bound of `Limits` is passed ·
 * compression: a body does not decompress · format: no known format, or an unsupported one · schema: rows cannot be placed. */
export type DecodeReason = "truncated" | "malformed" | "limit" | "compression" | "format" | "schema";
