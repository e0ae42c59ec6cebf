import type { FieldType } from "../model/feature-view.ts";
import type { BoolBody, EmbeddingBody, FieldBody, NumericBody, StringBody } from "../profile/profile.ts";
import {
  addCategory,
  type Categories,
  createCategories,
  isExact,
  size,
  top,
  total,
} from "../sketch/categories.ts";
import { addHash, createDistinct, type Distinct, estimateDistinct } from "../sketch/distinct.ts";
import {
  addValues,
  bucketMiddle,
  buckets,
  createHistogram,
  type Histogram,
  mergeHistograms,
} from "../sketch/histogram.ts";
import type { Moments } from "../sketch/moments.ts";
import { rounded } from "./history.ts";
import type { Json, Reader } from "./json.ts";

/** Exact counts of more values than this are an id's: only the commonest few are kept. */
const valuesMax = 1_000;
const valuesShown = 20;

/** Distinct values are remembered by their number; beyond this nothing asks how many more. */
const distinctMax = 65_536;

const lineBuckets = 16;

export function bodyToJson(body: FieldBody): Record<string, Json> {
  switch (body.kind) {
    case "numeric":
      return {
        nan: body.nan,
        positiveInfinity: body.positiveInfinity,
        negativeInfinity: body.negativeInfinity,
        moments: momentsToJson(body.moments),
        distinct: Math.round(estimateDistinct(body.distinct)),
        frame: { ...body.histogram.frame },
        histogram: histogramToJson(body.histogram),
      };
    case "string":
      return {
        mappingHits: body.mappingHits,
        mappingMisses: body.mappingMisses,
        distinct: Math.round(estimateDistinct(body.distinct)),
        bytes: body.maxBytes === 0 && body.minBytes > 0 ? [] : [body.minBytes, body.maxBytes],
        categories: categoriesToJson(body.categories, valuesMax),
        unknowns: categoriesToJson(body.unknowns, valuesShown),
      };
    case "bool":
      return { trues: body.trues, falses: body.falses };
    case "embedding":
      return {
        dimensions: body.dimensions,
        nan: body.nan,
        positiveInfinity: body.positiveInfinity,
        negativeInfinity: body.negativeInfinity,
        vectors: body.vectors,
        means: Array.from(body.means, rounded),
        deviations: Array.from(body.m2s, (m2) => rounded(Math.sqrt(m2 / Math.max(1, body.vectors - 1)))),
        norms: momentsToJson(body.norms),
      };
  }
}

export function readBody(reader: Reader, type: FieldType): FieldBody {
  if (type === "string") return readString(reader);
  if (type === "bool") return readBool(reader);
  return type === "embedding" ? readEmbedding(reader) : readNumeric(reader);
}

function readNumeric(reader: Reader): NumericBody {
  const frame = {
    centre: reader.get("frame").get("centre").number(),
    scale: reader.get("frame").get("scale").number(Number.MIN_VALUE),
  };
  const histogram = readHistogram(reader.get("histogram"), frame);
  return {
    kind: "numeric",
    nan: reader.get("nan").number(0),
    positiveInfinity: reader.get("positiveInfinity").number(0),
    negativeInfinity: reader.get("negativeInfinity").number(0),
    moments: readMoments(reader.get("moments")),
    histogram,
    distinct: readDistinct(reader.get("distinct")),
  };
}

function readString(reader: Reader): StringBody {
  const [minBytes = Number.POSITIVE_INFINITY, maxBytes = 0] = reader.get("bytes").numbers();
  return {
    kind: "string",
    mappingHits: reader.get("mappingHits").number(0),
    mappingMisses: reader.get("mappingMisses").number(0),
    categories: readCategories(reader.get("categories")),
    unknowns: readCategories(reader.get("unknowns")),
    distinct: readDistinct(reader.get("distinct")),
    minBytes,
    maxBytes,
  };
}

function readBool(reader: Reader): BoolBody {
  return { kind: "bool", trues: reader.get("trues").number(0), falses: reader.get("falses").number(0) };
}

function readEmbedding(reader: Reader): EmbeddingBody {
  const dimensions = reader.get("dimensions").number(0);
  const vectors = reader.get("vectors").number(0);
  const means = Float64Array.from(reader.get("means").numbers());
  const deviations = Float64Array.from(reader.get("deviations").numbers());
  if (means.length !== dimensions) reader.get("means").fail(`${dimensions} numbers`);
  if (deviations.length !== dimensions) reader.get("deviations").fail(`${dimensions} numbers`);
  return {
    kind: "embedding",
    dimensions,
    nan: reader.get("nan").number(0),
    positiveInfinity: reader.get("positiveInfinity").number(0),
    negativeInfinity: reader.get("negativeInfinity").number(0),
    vectors,
    means,
    m2s: deviations.map((deviation) => deviation * deviation * Math.max(0, vectors - 1)),
    norms: readMoments(reader.get("norms")),
  };
}

/** `[count]`, or `[count, mean, SD, min, max]`. */
function momentsToJson({ count, mean, m2, min, max }: Moments): Json {
  if (count === 0) return { count };
  return { count, mean: nine(mean), sd: nine(Math.sqrt(m2 / Math.max(1, count - 1))), min, max };
}

function readMoments(reader: Reader): Moments {
  const count = reader.get("count").number(0);
  if (count === 0)
    return { count, mean: 0, m2: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  const sd = reader.get("sd").number(0);
  const [mean, min, max] = [
    reader.get("mean").number(),
    reader.get("min").number(),
    reader.get("max").number(),
  ];
  return { count, mean, m2: sd * sd * Math.max(0, count - 1), min, max };
}

/** Lines `[first index, count, count, …]` of up to 16 buckets, the first index a multiple of 16 or later in its line. */
function histogramToJson(histogram: Histogram): Json {
  const { index, count } = buckets(histogram);
  const lines: number[][] = [];
  let [line, start, block]: [number[], number, number] = [[], 0, Number.NaN];
  for (let i = 0; i < index.length; i++) {
    const at = index[i] as number;
    if (Math.floor(at / lineBuckets) !== block) {
      [line, start, block] = [[at], at, Math.floor(at / lineBuckets)];
      lines.push(line);
    }
    while (line.length <= at - start) line.push(0);
    line.push(count[i] as number);
  }
  return lines;
}

/** Counts come back bit by bit: values that stand for their buckets are added, and what there is doubled. */
function readHistogram(reader: Reader, frame: Histogram["frame"]): Histogram {
  const values: number[] = [];
  const counts: number[] = [];
  for (const line of reader.items()) {
    const [start, ...rest] = line.numbers();
    if (start === undefined || !Number.isInteger(start)) line.fail("a bucket's index first");
    for (const [i, count] of rest.entries()) {
      if (!Number.isSafeInteger(count) || count < 0) line.fail("whole counts");
      values.push(bucketMiddle(frame, (start as number) + i));
      counts.push(count);
    }
  }
  let histogram = createHistogram(frame);
  for (let bit = bitsOf(counts) - 1; bit >= 0; bit--) {
    histogram = mergeHistograms(histogram, histogram);
    const set = Float64Array.from(
      values.filter((_, i) => Math.floor((counts[i] as number) / 2 ** bit) % 2 === 1),
    );
    addValues(histogram, set, 0, set.length);
  }
  return histogram;
}

function bitsOf(counts: readonly number[]): number {
  let bits = 0;
  for (const count of counts) while (count >= 2 ** bits) bits += 1;
  return bits;
}

/** By count, then by value; of an id's values, or past the bound of the sketch, the commonest only. */
function categoriesToJson(categories: Categories, most: number): Json {
  const whole = isExact(categories) && size(categories) <= most;
  const values = top(categories, whole ? most : valuesShown).map(({ value, count }) => [value, count]);
  return { total: total(categories), whole, limit: categories.limit, values };
}

function readCategories(reader: Reader): Categories {
  const categories = createCategories(reader.get("limit").number(2));
  let kept = 0;
  for (const pair of reader.get("values").items()) {
    const [value, count] = pair.items();
    if (value === undefined || count === undefined) return pair.fail("a value and its count");
    addCategory(categories, value.text(), count.number(1));
    kept += count.number(1);
  }
  const all = reader.get("total").number(0);
  if (kept < all) {
    categories.total = all;
    categories.error = all - kept; // What is not kept may be anything.
  }
  return categories;
}

/** As many made-up hashes as there were values: the estimate survives, the values do not. */
function readDistinct(reader: Reader): Distinct {
  return distinctOfNumber(reader.number(0));
}

/** So many different values, of which nothing else is known. */
export function distinctOfNumber(values: number): Distinct {
  const distinct = createDistinct();
  const number = Math.min(distinctMax, values);
  for (let i = 1; i <= number; i++) addHash(distinct, mixed(i), mixed(i ^ 0x5bd1e995));
  return distinct;
}

function mixed(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

function nine(value: number): number {
  return Number(value.toPrecision(9)) + 0;
}
