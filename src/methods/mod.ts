/**
 * Methods: adapters, rank policies, and the table of those that are built in.
 *
 * @module
 */
export { eraseState } from "./adapter.ts";
export type {
  Adapter,
  AdapterPart,
  Bottleneck,
  BottleneckAdapter,
  ImportanceSettings,
  LowRankUpdate,
  PartGroup,
  Pass,
  RankDynamics,
  Regulariser,
  ScoreSource,
  StepMoment,
  WeightAdapter,
} from "./adapter.ts";
export {
  type Backbone,
  type BoundMethod,
  defineMethod,
  type Method,
  type MethodDefinition,
} from "./method.ts";
export type {
  EditDecision,
  MaskDecision,
  MoveDecision,
  PolicyContext,
  PolicyModule,
  PolicyStage,
  RankDecision,
  RankPolicy,
  RowEdit,
  RowView,
  SlotRef,
  SlotScores,
} from "./rank_policy.ts";
export type { RankEstimate } from "./rank_estimate.ts";
export type { DirectionMode } from "./directions.ts";
export { findMethod, methods, type MethodTable, methodTable } from "./table.ts";
