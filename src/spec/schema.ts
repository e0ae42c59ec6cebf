import { z } from "zod";
import { parseDuration } from "../model/time.ts";
import { classicalStatistics } from "../statistics/table.ts";

export const apiVersion = "tidemark/v1";
export const kind = "FeatureView";

/** As a spec writes them; `category` is read as `string`. */
export const fieldTypes = [
  "bool",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float32",
  "float64",
  "string",
  "category",
  "timestamp",
  "embedding",
] as const;

export const mappingValuesMax = 100_000;
const [fieldsMax, segmentsMax, modelsMax, correlationsMax] = [2_000, 16, 100, 32];

export const rateSchema = z.number().min(0).max(1);

/** `90s`, `1m`, `1.5h`. */
export const durationSchema = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/, { error: "is no duration such as 90s, 1m, 1.5h" })
  .meta({ description: "A number and its unit: 250ms, 90s, 1m, 1.5h, 2d, 1w" });

const positiveDuration = durationSchema.refine((text) => (parseDuration(text) ?? 0) > 0, {
  error: "is no time at all",
});

const columnName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, { error: "holds a control character" });

const driftShape = {
  sigma: z.number().positive().max(100).describe("The breaker's line, in baseline standard deviations"),
  falseAlarmsPerMonth: z.number().positive().max(1e6).describe("Budget of warnings that are chance"),
  seasonality: z.enum(["auto", "off"]).describe("Whether hour of day and day of week are expected to matter"),
};

/** What of a field matters: said field by field, because units and sizes are its own. */
const mattersShape = {
  direction: z.enum(["up", "down", "both"]).describe("Which changes matter: rises, falls, or both"),
  ignoreBelow: z
    .number()
    .positive()
    .describe("A change of the mean (numbers) or of a share (all else) that is too small to matter"),
  floor: rateSchema
    .refine((rate) => rate > 0, { error: "is no share above 0" })
    .describe(
      "Smallest standard deviation of the field's shares: two of them are the smallest step that matters",
    ),
  minRows: z.number().int().min(1).describe("With fewer rows its verdicts are `insufficient`"),
};

/** Which statistic opens the breaker is said field by field: none fits all types. */
const chosenShape = {
  statistic: z
    .enum(classicalStatistics.map(({ name }) => name))
    .describe(
      "A classical statistic (docs/statistics.md) that opens the breaker in place of the field's own",
    ),
  threshold: z
    .number()
    .positive()
    .describe("Its size at which the breaker opens, if luck is ruled out (p < 1e-9)"),
  pValue: z.number().gt(0).lt(1).describe("Its p-value at which the breaker opens, instead of a threshold"),
};

export const mappingSchema = z
  .strictObject({
    values: z.array(z.string().max(1_024)).min(1).max(mappingValuesMax).optional(),
    file: z
      .string()
      .min(1)
      .max(1_024)
      .optional()
      .describe("csv (first column), txt (a value a line) or json (an array)"),
    maxDefaultRate: rateSchema
      .default(0.01)
      .describe("Share of values outside the mapping above which the breaker opens"),
  })
  .describe("What the serving model's lookup knows; any other value hits its default case");

export const fieldSchema = z.strictObject({
  type: z.enum(fieldTypes),
  nullable: z.boolean().default(true),
  mapping: mappingSchema.optional(),
  pattern: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe("Linear-time regular expression that a value must contain"),
  range: z.tuple([z.number(), z.number()]).optional().describe("Lowest and highest value, both allowed"),
  finite: z.boolean().default(false).describe("True: one NaN or infinity opens the breaker"),
  max: z.number().optional().describe("Values above it are violations"),
  taints: columnName.optional().describe("Segment field that a value above `max` taints"),
  limit: z.number().optional().describe("One value above it opens the breaker"),
  trend: z
    .strictObject({ warnBefore: positiveDuration })
    .optional()
    .describe("Warn when `limit` is that near"),
  maxEmptyRate: rateSchema.optional().describe('Share of 0, "" or empty lists above which the breaker opens'),
  dimensions: z.number().int().min(1).max(65_536).optional().describe("Number of elements of an embedding"),
  redact: z
    .boolean()
    .default(false)
    .describe("True: values are shown nowhere; profiles keep hashes of texts"),
  derive: z
    .strictObject({ from: columnName, to: columnName })
    .optional()
    .describe("The value is `to` − `from` in milliseconds, of two timestamp columns"),
  drift: z
    .strictObject({
      sigma: driftShape.sigma.optional(),
      falseAlarmsPerMonth: driftShape.falseAlarmsPerMonth.optional(),
      seasonality: driftShape.seasonality.optional(),
      statistic: chosenShape.statistic.optional(),
      threshold: chosenShape.threshold.optional(),
      pValue: chosenShape.pValue.optional(),
      direction: mattersShape.direction.optional(),
      ignoreBelow: mattersShape.ignoreBelow.optional(),
      floor: mattersShape.floor.optional(),
      minRows: mattersShape.minRows.optional(),
    })
    .optional(),
});

const modelSchema = z.strictObject({
  name: z.string().min(1).max(256),
  version: z.string().min(1).max(256).optional(),
  gitSha: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, { error: "is no git commit: 7 to 64 hexadecimal digits" })
    .optional(),
  weights: z.string().min(1).max(2_048).optional(),
  fingerprint: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, { error: "is no fingerprint: sha256: and 64 hexadecimal digits" })
    .optional()
    .describe("Fingerprint of the spec that the model was trained with"),
});

/** Everything but `fields`, which are read one by one so that any name, `__proto__` too, and their order are kept. */
const headShape = {
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  name: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, { error: "is no name: letters, digits, _ . and -" }),
  version: z.number().int().min(0),
  owner: z.string().min(1).max(256).optional().describe("Becomes a label of every alert"),
  models: z
    .array(modelSchema)
    .max(modelsMax)
    .default([])
    .describe("Models that this view is atomically linked to"),
  source: z
    .strictObject({
      topic: z
        .string()
        .max(249)
        .regex(/^[A-Za-z0-9._-]+$/, { error: "is no Kafka topic: letters, digits, _ . and -" })
        .optional(),
      format: z
        .enum(["auto", "arrow", "json", "avro", "cloudevents", "feast"])
        .default("auto")
        .describe("What messages are; `auto` tells it message by message"),
      eventTime: columnName
        .optional()
        .describe("Column with the event time; without it the record's own timestamp"),
      requestId: columnName.optional(),
    })
    .prefault({}),
  window: z
    .strictObject({
      size: positiveDuration.default("1m"),
      lateness: durationSchema.default("30s"),
      reviseWithin: durationSchema
        .optional()
        .describe(
          "For so long after it has closed, late rows make a window be judged again; at most 60 windows",
        ),
      minRows: z.number().int().min(1).default(50).describe("With fewer rows a verdict is `insufficient`"),
    })
    .prefault({}),
  validate: z
    .strictObject({
      mode: z
        .enum(["enforce", "shadow"])
        .default("enforce")
        .describe("enforce: rows that break the spec are refused; shadow: let through, said and counted"),
    })
    .prefault({}),
  segments: z
    .array(columnName)
    .max(segmentsMax)
    .default([])
    .describe("Columns whose values are watched each for itself"),
  drift: z
    .strictObject({
      sigma: driftShape.sigma.default(2),
      falseAlarmsPerMonth: driftShape.falseAlarmsPerMonth.default(1),
      seasonality: driftShape.seasonality.default("auto"),
      correlations: z
        .array(z.tuple([columnName, columnName]))
        .max(correlationsMax)
        .optional()
        .describe("Pairs of numeric fields that are to go on moving together as they do in the baseline"),
    })
    .prefault({}),
  breaker: z
    .strictObject({
      openAfter: z
        .number()
        .int()
        .min(1)
        .max(1_000)
        .default(1)
        .describe("Breaching windows in a row that open it"),
      closeAfter: z
        .number()
        .int()
        .min(1)
        .max(1_000)
        .default(3)
        .describe("Clean windows in a row that close it"),
      minRows: z.number().int().min(1).optional().describe("As `window.minRows` unless given"),
    })
    .prefault({}),
};

export const headSchema = z.strictObject({ ...headShape, fields: z.unknown().optional() });

/** The whole spec in one schema, for JSON Schema and editors. */
export const specSchema = z.strictObject({
  ...headShape,
  fields: z.record(columnName, fieldSchema).describe("By column name"),
});

export const fieldNameSchema = columnName;
export const fieldCountMax = fieldsMax;

export type SpecHead = z.output<typeof headSchema>;
export type SpecField = z.output<typeof fieldSchema>;
