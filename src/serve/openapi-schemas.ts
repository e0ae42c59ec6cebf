const alertRequired = [
  "time",
  "status",
  "severity",
  "alertname",
  "featureView",
  "field",
  "statistic",
  "summary",
  "fingerprint",
];

/** JSON Schemas (draft 2020-12) of what the server answers, by the name under `components.schemas`. */
export const schemas = {
  Alive: object({ status: { const: "ok" } }),
  Ready: object({ ready: { type: "boolean" } }),
  Health: object({
    status: { enum: ["ok", "tainted", "dead"] },
    reasons: list({ type: "string" }),
    checks: {
      type: "object",
      additionalProperties: { type: ["number", "string", "null"] },
    },
  }),
  Reason: object({ field: nullable("string"), statistic: { type: "string" }, summary: { type: "string" } }),
  Model: object(
    {
      name: { type: "string" },
      version: { type: "string" },
      gitSha: { type: "string" },
      weights: { type: "string" },
      fingerprint: { type: "string" },
    },
    ["name"],
  ),
  Gate: object({
    featureView: { type: "string" },
    segment: nullable("string"),
    state: breakerState(),
    since: nullable("string", "date-time"),
    openedAt: nullable("string", "date-time"),
    reasons: list(ref("Reason")),
    openSegments: list({ type: "string" }),
    hold: { anyOf: [{ type: "null" }, ref("Hold")] },
    stale: {
      type: "boolean",
      description:
        "rows have stayed away for longer than chance explains; without a baseline, for three windows",
    },
    models: list(ref("Model")),
  }),
  /** A person's word about a breaker. */
  Hold: object({
    since: time(),
    until: nullable("string", "date-time"),
    reason: { type: "string" },
    muted: { type: "boolean" },
    silenced: count("alerts that began to fire, unheard"),
  }),
  Order: object({
    featureView: { type: "string" },
    segment: nullable("string"),
    action: { enum: ["open", "close"] },
    at: time(),
    muteUntil: nullable("string", "date-time"),
    reason: { type: "string" },
  }),
  Validated: object(
    {
      featureView: { type: "string" },
      rows: count("that were let through and are profiled"),
      mode: { enum: ["enforce", "shadow"] },
      rejectedRows: count("that `enforce` would have refused; above 0 in shadow mode only"),
      errorCount: count("broken rules of cells, all of them"),
      errors: list(ref("FieldError"), 100),
    },
    ["featureView", "rows", "mode", "rejectedRows"],
  ),
  FieldError: object({
    pointer: { type: "string", description: "RFC 6901, from the root of the body: /3/user_location" },
    code: { type: "string", description: "the rule: missing, type, null, default, pattern, range…" },
    detail: { type: "string" },
    expected: { type: "string" },
    hint: { type: "string", description: "what to do" },
    value: { type: "string", description: 'the offending value, or "(redacted)"' },
  }),
  /** RFC 9457 */
  Problem: object(
    {
      type: { type: "string", format: "uri-reference" },
      title: { type: "string" },
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string" },
    },
    ["type", "title", "status", "detail"],
    true,
  ),
  RowsProblem: {
    allOf: [ref("Problem")],
    type: "object",
    properties: {
      featureView: { type: "string" },
      rows: count("in the body"),
      rejectedRows: count("that break the spec"),
      errorCount: count("broken rules of cells, all of them"),
      errors: {
        ...list(
          {
            anyOf: [
              ref("FieldError"),
              object({
                pointer: { const: "" },
                code: { type: "string", pattern: "^decode\\." },
                detail: { type: "string" },
              }),
            ],
          },
          100,
        ),
        minItems: 1,
      },
    },
    required: ["errors"],
  },
  CanaryVerdict: object(canaryData()),
  Canary: object({ data: ref("CanaryVerdict") }),
  CanaryProblem: {
    allOf: [ref("Problem")],
    type: "object",
    properties: canaryData(),
    required: ["ok", "verdict"],
  },
  FeatureViews: list(
    object({
      name: { type: "string" },
      version: { type: "integer" },
      owner: nullable("string"),
      fingerprint: { type: "string" },
      topic: nullable("string"),
      fields: list(object({ name: { type: "string" }, type: { type: "string" } })),
      segments: list({ type: "string" }),
      models: list(ref("Model")),
      rollouts: list(
        object({
          column: { type: "string" },
          split: { type: "boolean", description: "more than one version in the newest closed window" },
          versions: list(
            object({
              version: { type: "string" },
              linked: { type: "boolean" },
              rows: count("of the newest closed window"),
              shards: list({ type: "string" }),
            }),
          ),
        }),
      ),
      baseline: { anyOf: [{ type: "null" }, object({ rows: count(""), from: time(), to: time() })] },
      breaker: object({
        state: breakerState(),
        since: nullable("string", "date-time"),
        reasons: list(ref("Reason")),
        hold: { anyOf: [{ type: "null" }, ref("Hold")] },
      }),
      openSegments: list({ type: "string" }),
      counts: counts(),
      sources: object({ stream: counts(), gate: counts() }),
      lastEvent: nullable("string", "date-time"),
      status: { enum: ["ok", "insufficient", "warning", "critical", "stale", null] },
    }),
  ),
  Windows: list(
    object({
      start: time(),
      end: time(),
      rows: count(""),
      late: count(""),
      partial: { type: "boolean" },
      status: verdictStatus(),
    }),
  ),
  Example: object(
    {
      value: { type: "string" },
      requestId: { type: "string" },
      position: { type: "string" },
      eventTime: time(),
    },
    ["value"],
  ),
  Verdicts: list(
    object(
      {
        featureView: { type: "string" },
        segment: nullable("string"),
        window: object({ start: time(), end: time() }),
        field: nullable("string"),
        statistic: { type: "string" },
        status: verdictStatus(),
        hard: { type: "boolean" },
        nearLine: {
          type: "boolean",
          description: "not past the line, yet too near to it to count as clean while the breaker is open",
        },
        rows: count(""),
        ...figures(),
        decidedAt: time(),
        summary: { type: "string" },
        example: ref("Example"),
      },
      ["featureView", "segment", "window", "field", "statistic", "status", "hard", "rows", "summary"],
    ),
  ),
  Alerts: list(object(alertProperties(), alertRequired)),
  /** An alert with what it stands on; null after a restart, or where another process judged its window. */
  ExplainedAlert: object(
    {
      ...alertProperties(),
      basis: { anyOf: [{ type: "null" }, ref("Basis")] },
      history: list(
        object({
          start: time(),
          observed: nullable("number"),
          shift: nullable("number"),
          status: verdictStatus(),
        }),
        120,
      ),
    },
    [...alertRequired, "basis", "history"],
  ),
  Basis: object({
    window: object({ start: time(), end: time() }),
    final: {
      type: "boolean",
      description: "of the closed window; before, of what it held when the alert began",
    },
    rows: count("of the window"),
    sigma: { type: "number" },
    contributions: list(
      object(
        {
          what: { type: "string", description: "a value, a stretch of numbers, a dimension" },
          before: nullable("number"),
          now: nullable("number"),
          change: nullable("number"),
          unknown: { type: "boolean", description: "not in the mapping" },
        },
        ["what", "before", "now", "change"],
      ),
      12,
    ),
    segments: list(
      object({
        segment: { type: "string" },
        rows: count(""),
        observed: nullable("number"),
        shift: nullable("number"),
      }),
      100,
    ),
    samples: list(
      object({ value: { type: "string" }, requestId: nullable("string"), position: nullable("string") }),
      10,
    ),
    models: list({ type: "string" }),
  }),
} as const;

export function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

/** Closed unless `open`: a member that is not described is a mistake. */
function object(
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
  open = false,
): object {
  return { type: "object", properties, required, ...(open ? {} : { additionalProperties: false }) };
}

function list(items: object, maxItems?: number): object {
  return { type: "array", items, ...(maxItems === undefined ? {} : { maxItems }) };
}

function count(description: string): object {
  return { type: "integer", minimum: 0, ...(description === "" ? {} : { description }) };
}

function time(): object {
  return { type: "string", format: "date-time" };
}

function nullable(type: string, format?: string): object {
  return { type: [type, "null"], ...(format === undefined ? {} : { format }) };
}

function canaryData(): Record<string, object> {
  return {
    ok: { type: "boolean", description: "true for promote only" },
    kl: { ...nullable("number"), description: "the largest divergence of any part of the output, in nats" },
    n: count("queries that both answered"),
    threshold: { type: "number" },
    reason: { type: "string" },
    verdict: { enum: ["promote", "abort", "inconclusive"] },
  };
}

function breakerState(): object {
  return { enum: ["closed", "half-open", "open"] };
}

function verdictStatus(): object {
  return { enum: ["ok", "insufficient", "warning", "critical"] };
}

function alertProperties(): Record<string, object> {
  return {
    time: time(),
    startsAt: time(),
    status: { enum: ["firing", "resolved"] },
    severity: { enum: ["warning", "critical"] },
    alertname: { type: "string", pattern: "^Tidemark" },
    featureView: { type: "string" },
    field: nullable("string"),
    statistic: { type: "string" },
    segment: {
      anyOf: [{ type: "null" }, object({ field: { type: "string" }, value: { type: "string" } })],
    },
    window: object({ start: time(), end: time() }),
    rows: count(""),
    ...figures(),
    summary: { type: "string" },
    fingerprint: { type: "string" },
    example: ref("Example"),
  };
}

function figures(): Record<string, object> {
  const names = ["observed", "expected", "unit", "shift", "evidence"];
  return Object.fromEntries(names.map((name) => [name, { type: ["number", "null"] }]));
}

/** read = profiled + late + rejected + deadLettered */
function counts(): object {
  return object({
    read: count(""),
    profiled: count(""),
    late: count(""),
    rejected: count("without a usable event time, or refused by the gate"),
    deadLettered: count(""),
  });
}
