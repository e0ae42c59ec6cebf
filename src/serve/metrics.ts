import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Counts } from "../model/record.ts";
import type { Board, ViewStatus } from "../pipeline/board.ts";
import type { PartitionStatus } from "../pipeline/ports.ts";
import { variance } from "../sketch/moments.ts";
import { eachClassical } from "./classical.ts";
import type { GateCounts } from "./validate.ts";

/** Segments with a breaker state of their own, per view. */
const segmentsMax = 50;
const breakerValues = { closed: 0, "half-open": 1, open: 2 } as const;

export interface MetricsSources {
  readonly board: Board;
  readonly version: string;
  /** Records behind, by topic-partition. */
  readonly lag: () => ReadonlyMap<string, number>;
  readonly deliveryFailures: () => ReadonlyMap<string, number>;
  /** What came of the rows that were posted for validation, by view. */
  readonly gates: () => ReadonlyMap<string, GateCounts>;
  /** How the process stands to its memory limit; absent where nothing watches it. */
  readonly memory?: (() => MemoryStatus) | undefined;
}

export interface MemoryStatus {
  readonly limitBytes: number;
  /** Whether fetching is paused. */
  readonly paused: boolean;
  /** How often details were shed. */
  readonly sheds: number;
}

/**
 * Prometheus' view of the board, computed when it is scraped. Labels are names of views, fields, statistics, segments and
 * topics, never values of the data, so that their number is bounded by the specs.
 */
export function createMetrics(sources: MetricsSources): Registry {
  const { board, version, lag, deliveryFailures, gates, memory } = sources;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  /** A counter whose whole value is known elsewhere: set anew at each scrape. */
  const counter = (name: string, help: string, labelNames: string[], fill: (add: Fill) => void): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        fill((labels, value) => this.inc(labels, value));
      },
    });
  };
  const gauge = (name: string, help: string, labelNames: string[], fill: (add: Fill) => void): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        fill((labels, value) => this.set(labels, value));
      },
    });
  };
  const eachView = (visit: (status: ViewStatus) => void): void => board.views().forEach(visit);

  counter("tidemark_records_total", "Records by what became of them.", ["feature_view", "outcome"], (add) =>
    eachView(({ view, counts }) =>
      eachOutcome(counts, (outcome, value) => add({ feature_view: view.name, outcome }, value)),
    ),
  );
  counter(
    "tidemark_source_records_total",
    "The same by source: stream (topics, files) or gate; rows that the gate refused are rejected.",
    ["feature_view", "source", "outcome"],
    (add) =>
      eachView(({ view, sources }) => {
        for (const [source, counts] of Object.entries(sources))
          eachOutcome(counts, (outcome, value) => add({ feature_view: view.name, source, outcome }, value));
      }),
  );
  const statisticLabels = ["feature_view", "field", "statistic"];
  gauge(
    "tidemark_field_statistic",
    "Observed value of a statistic in the newest window; classical ones (psi, ks, …) of the newest closed one.",
    statisticLabels,
    (add) => {
      eachClassical(board, add);
      eachVerdict(board, (labels, { observed }) => add(labels, observed));
    },
  );
  gauge(
    "tidemark_field_shift",
    "Distance from the baseline, in its standard deviations.",
    statisticLabels,
    (add) => eachVerdict(board, (labels, { shift }) => add(labels, shift)),
  );
  gauge(
    "tidemark_default_case_ratio",
    "Share of values outside the model's mapping.",
    ["feature_view", "field"],
    (add) =>
      eachVerdict(board, ({ feature_view, field, statistic }, { observed }) => {
        if (statistic === "default_rate") add({ feature_view, field }, observed);
      }),
  );
  counter("tidemark_nonfinite_total", "NaN and infinities seen.", ["feature_view", "field", "kind"], (add) =>
    eachView(({ view, nonFinite }) => {
      for (const [field, { nan, positiveInfinity, negativeInfinity }] of nonFinite) {
        add({ feature_view: view.name, field, kind: "nan" }, nan);
        add({ feature_view: view.name, field, kind: "positive_infinity" }, positiveInfinity);
        add({ feature_view: view.name, field, kind: "negative_infinity" }, negativeInfinity);
      }
    }),
  );
  gauge(
    "tidemark_tensor_mean",
    "Mean of all elements in the newest closed window.",
    ["feature_view", "field"],
    (add) => eachTensor(board, (labels, { mean }) => add(labels, mean)),
  );
  gauge(
    "tidemark_tensor_sd",
    "Standard deviation of all elements in the newest closed window.",
    ["feature_view", "field"],
    (add) => eachTensor(board, (labels, { sd }) => add(labels, sd)),
  );
  gauge("tidemark_breaker_state", "0 closed, 1 half-open, 2 open.", ["feature_view", "segment"], (add) =>
    eachView(({ view, breaker, segments }) => {
      add({ feature_view: view.name, segment: "" }, breakerValues[breaker.state]);
      const worstFirst = [...segments].sort(
        ([, a], [, b]) => breakerValues[b.state] - breakerValues[a.state],
      );
      for (const [segment, { state }] of worstFirst.slice(0, segmentsMax)) {
        add({ feature_view: view.name, segment }, breakerValues[state]);
      }
    }),
  );
  counter(
    "tidemark_dead_letters_total",
    "Messages that could not be read, by reason.",
    ["feature_view", "reason"],
    (add) =>
      eachView(({ view, deadLetters }) => {
        for (const [reason, count] of deadLetters) add({ feature_view: view.name, reason }, count);
      }),
  );
  gauge(
    "tidemark_consumer_lag_records",
    "Records between our position and the end of a partition.",
    ["topic", "partition"],
    (add) => {
      for (const [key, records] of lag()) {
        const dash = key.lastIndexOf("-");
        add({ topic: key.slice(0, dash), partition: key.slice(dash + 1) }, records);
      }
    },
  );
  counter(
    "tidemark_alert_delivery_failures_total",
    "Attempts to deliver alerts that failed.",
    ["peer"],
    (add) => {
      for (const [peer, count] of deliveryFailures()) add({ peer }, count);
    },
  );
  counter(
    "tidemark_alerts_silenced_total",
    "Alerts that began to fire while muted by hand.",
    ["feature_view"],
    (add) => eachView(({ view, silenced }) => add({ feature_view: view.name }, silenced)),
  );
  counter(
    "tidemark_gate_rows_total",
    "Rows posted for validation: accepted, refused, or shadowed (let through although they break the spec).",
    ["feature_view", "outcome"],
    (add) => {
      for (const [feature_view, { rows }] of gates())
        for (const [outcome, count] of Object.entries(rows)) add({ feature_view, outcome }, count);
    },
  );
  counter(
    "tidemark_gate_errors_total",
    "Cells posted for validation that broke a rule of the spec.",
    ["feature_view", "field", "code"],
    (add) => {
      for (const [feature_view, { errors }] of gates())
        for (const [key, count] of errors) {
          const bar = key.lastIndexOf("|");
          add({ feature_view, field: key.slice(0, bar), code: key.slice(bar + 1) }, count);
        }
    },
  );
  const ofPartition = ["feature_view", "topic", "partition"];
  const eachPartition = (add: Fill, of: (status: PartitionStatus) => number): void => {
    for (const status of board.partitions()) {
      const { topic, partition } = status.partition;
      add({ feature_view: status.featureView, topic, partition: String(partition) }, of(status));
    }
  };
  counter(
    "tidemark_records_lost_total",
    "Records that were gone from the log before they were read (retention).",
    ofPartition,
    (add) => eachPartition(add, ({ lost }) => lost),
  );
  counter(
    "tidemark_log_resets_total",
    "How often a partition's log turned out to be another one: its topic was made anew, or its offsets went back.",
    ofPartition,
    (add) => eachPartition(add, ({ resets }) => resets),
  );
  counter("tidemark_tombstones_total", "Records without a value; they have no row.", ofPartition, (add) =>
    eachPartition(add, ({ tombstones }) => tombstones),
  );
  gauge(
    "tidemark_troubles",
    "What is wrong with the process itself now, by its kind: store, memory, lost, kafka, sink, …",
    ["kind"],
    (add) => {
      const kinds = Map.groupBy(board.troubles().keys(), (name) => /^[a-z]+/.exec(name)?.[0] ?? "other");
      for (const [kind, names] of kinds) add({ kind }, names.length);
    },
  );
  gauge(
    "tidemark_queue_bytes",
    "What waits for sinks, about; at most limits.queueBytes and a step more.",
    [],
    (add) => add({}, board.queuedBytes()),
  );
  gauge("tidemark_memory_limit_bytes", "Resident memory that the process may have.", [], (add) => {
    if (memory !== undefined) add({}, memory().limitBytes);
  });
  gauge("tidemark_fetching_paused", "1 while fetching is paused because memory is short.", [], (add) => {
    if (memory !== undefined) add({}, memory().paused ? 1 : 0);
  });
  counter(
    "tidemark_details_shed_total",
    "How often details were shed because memory was short.",
    [],
    (add) => {
      if (memory !== undefined) add({}, memory().sheds);
    },
  );
  gauge("tidemark_build_info", "1, with the version as a label.", ["version", "node"], (add) =>
    add({ version, node: process.version }, 1),
  );
  eventToProfile(board, registers);
  return registry;
}

function eachOutcome(
  { profiled, late, rejected, deadLettered }: Readonly<Counts>,
  visit: (outcome: string, value: number) => void,
): void {
  for (const [outcome, value] of Object.entries({ profiled, late, rejected, dead_lettered: deadLettered }))
    visit(outcome, value);
}

type Fill = (labels: Record<string, string>, value: number) => void;

function eventToProfile(board: Board, registers: Registry[]): void {
  const histogram = new Histogram({
    name: "tidemark_event_to_profile_seconds",
    help: "From a record's own timestamp to its being profiled.",
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  });
  board.onProfiled((seconds) => histogram.observe(Math.max(0, seconds)));
}

interface VerdictLabels extends Record<string, string> {
  feature_view: string;
  field: string;
  statistic: string;
}

function eachVerdict(
  board: Board,
  visit: (labels: VerdictLabels, verdict: { observed: number; shift: number }) => void,
): void {
  for (const { view, latest } of board.views()) {
    for (const { field, statistic, observed, shift } of latest?.verdicts ?? []) {
      visit({ feature_view: view.name, field: field ?? "", statistic }, { observed, shift });
    }
  }
}

/** Mean and SD over all elements of the vectors: means of dimensions and their spread put together. */
function eachTensor(
  board: Board,
  visit: (labels: Record<string, string>, tensor: { mean: number; sd: number }) => void,
): void {
  for (const { view, fields } of board.views()) {
    for (const [field, { body }] of fields) {
      const labels = { feature_view: view.name, field };
      if (body.kind === "numeric" && body.moments.count > 0) {
        visit(labels, { mean: body.moments.mean, sd: Math.sqrt(variance(body.moments)) });
      }
      if (body.kind !== "embedding" || body.vectors === 0) continue;
      const mean = body.means.reduce((sum, each) => sum + each, 0) / body.dimensions;
      let squares = 0;
      for (let d = 0; d < body.dimensions; d++) {
        squares += (body.m2s[d] as number) / body.vectors + ((body.means[d] as number) - mean) ** 2;
      }
      visit(labels, { mean, sd: Math.sqrt(squares / body.dimensions) });
    }
  }
}
