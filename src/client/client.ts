/** `tidemark/client`: what services import. docs/client.md shows each with an example. */
export type { RowError } from "../check/validate.ts";
export type { FeatureView } from "../model/feature-view.ts";
export type { BreakerReason, BreakerStateName } from "../model/verdict.ts";
export { createGate, type Gate, type GateCounts, type GateOptions } from "./gate.ts";
export type { KafkaFeed } from "./gate-kafka.ts";
export { type ModelHeaders, modelHeaders, type ServedModel } from "./model-headers.ts";
export {
  createTensorReporter,
  type LayerRecord,
  type TensorReporter,
  type TensorReporterOptions,
  type TensorStats,
  tensorStats,
} from "./tensors.ts";
export { type Checked, loadSpec, type Row, type Validate, validator } from "./validator.ts";
