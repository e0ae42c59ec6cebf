import { detailOf, whyOf } from "./gate-http.ts";

/** Health of one tensor: what is logged instead of its values. */
export interface TensorStats {
  readonly shape: readonly number[];
  /** Of the finite values; NaN when there is none. */
  readonly mean: number;
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  readonly nan: number;
  readonly inf: number;
}

/** One record of a layer, as the feature view `model_layers` takes it. */
export interface LayerRecord extends TensorStats {
  readonly requestId: string;
  readonly model: string;
  readonly layer: string;
  /** Epoch milliseconds. */
  readonly time: number;
}

/**
 * Mean, spread, extremes and the count of NaN and infinities of a tensor of any rank, in one pass.
 * @param values  flat, in any order
 * @param given   its product is the number of values; [values.length] when left out
 * @throws RangeError when shape and values do not fit, TypeError when a value is no number
 */
export function tensorStats(values: ArrayLike<number>, given?: readonly number[]): TensorStats {
  if (typeof values?.length !== "number")
    throw new TypeError("tensorStats: values are an array or a typed array of numbers");
  const shape = given ?? [values.length];
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== values.length)
    throw new RangeError(
      `tensorStats: shape [${shape.join(", ")}] holds ${size} values, and there are ${values.length}`,
    );
  let [count, mean, m2, nan, inf] = [0, 0, 0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number;
    if (typeof x !== "number")
      throw new TypeError(
        `tensorStats: value ${i} is of type ${typeof x}, no number: Float64Array.from(values, Number) makes numbers`,
      );
    if (x - x !== 0) {
      if (Number.isNaN(x)) nan += 1;
      else inf += 1;
      continue;
    }
    count += 1;
    const delta = x - mean;
    mean += delta / count; // Welford (1962)
    m2 += delta * (x - mean);
    if (x < min) min = x;
    if (x > max) max = x;
  }
  if (count === 0) [mean, min, max] = [Number.NaN, Number.NaN, Number.NaN];
  const sd = count === 0 ? Number.NaN : Math.sqrt(m2 / count);
  return { shape, mean, sd, min, max, nan, inf };
}

export interface TensorReporterOptions {
  /** Base URL of `tidemark run`. */
  readonly url: string | URL;
  /** Feature view that takes the records; default `model_layers`. */
  readonly view?: string;
  readonly model: string;
  /** Default 1,000. */
  readonly flushEveryMs?: number;
  /** Records that wait for a server that does not answer; the oldest go first. Default 10,000. */
  readonly bufferedMax?: number;
  readonly now?: () => number;
}

export interface TensorReporter {
  /** Computes and queues; sent in the background, together. A NaN or infinity is sent at once. */
  report(requestId: string, layer: string, values: ArrayLike<number>, shape?: readonly number[]): TensorStats;
  /** Records that were given up: the buffer was full, or the server refused them. */
  readonly dropped: number;
  /** Why the last records were not taken: a server that is away, or a view that it does not know. Undefined when they were. */
  readonly trouble: string | undefined;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const [flushDefaultMs, bufferedDefault, requestTimeoutMs] = [1_000, 10_000, 5_000];

export function createTensorReporter(options: TensorReporterOptions): TensorReporter {
  const { url, view = "model_layers", model, now = Date.now } = options;
  const target = new URL(`v1/validate/${encodeURIComponent(view)}`, url);
  const bufferedMax = options.bufferedMax ?? bufferedDefault;
  let waiting: LayerRecord[] = [];
  let dropped = 0;
  let trouble: string | undefined;
  let sending: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    const records = waiting;
    if (records.length === 0) return;
    waiting = [];
    const keep = (): void => {
      waiting = [...records, ...waiting];
      const excess = waiting.length - bufferedMax;
      if (excess > 0) {
        waiting.splice(0, excess);
        dropped += excess;
      }
    };
    try {
      const response = await fetch(target, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(records, (_key, value: unknown) =>
          typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
        ),
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const answer: unknown = response.ok
        ? await response.body?.cancel()
        : await response.json().catch(() => undefined); // no problem document: the status says enough
      trouble = response.ok ? undefined : `${target.href} answered ${response.status}${detailOf(answer)}`;
      if (response.status >= 500 || response.status === 429) keep();
      else if (!response.ok) dropped += records.length;
    } catch (error) {
      trouble = `${target.href}: ${whyOf(error)}`;
      keep(); // unreachable: with the next round
    }
  };
  const flush = (): Promise<void> => {
    sending ??= send().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  const timer = setInterval(() => void flush(), options.flushEveryMs ?? flushDefaultMs);
  timer.unref();
  return {
    report(requestId, layer, values, shape) {
      const stats = tensorStats(values, shape);
      if (waiting.length >= bufferedMax) {
        waiting.shift();
        dropped += 1;
      }
      waiting.push({ requestId, model, layer, time: now(), ...stats });
      if (stats.nan + stats.inf > 0) void flush();
      return stats;
    },
    get dropped() {
      return dropped;
    },
    get trouble() {
      return trouble;
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
      await flush(); // what came while the first was under way
    },
  };
}
