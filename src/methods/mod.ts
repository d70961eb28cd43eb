/**
 * Methods: adapters, rank policies, and the table of those that are built in.
 *
 * @module
 */
export { RandomStream } from "../base/random.ts";
export type {
  Adapter,
  AdapterBase,
  AdapterPart,
  AdapterPolicy,
  AfterUpdate,
  Bottleneck,
  BottleneckAdapter,
  Growth,
  ImportanceSettings,
  LowRankUpdate,
  ModuleStart,
  PartGroup,
  Pass,
  Regulariser,
  RemovalSettings,
  ScoreSource,
  StepContext,
  StepRules,
  StorageRules,
  WeightAdapter,
} from "./adapter.ts";
export {
  type Backbone,
  type BoundMethod,
  type BudgetRules,
  defineMethod,
  type Method,
  type MethodDefinition,
  type MethodParts,
  type OptionsSchema,
} from "./method.ts";
export type {
  ActionOf,
  CacheAction,
  DropAction,
  EvaluateAction,
  GrowAction,
  MaskAction,
  MergeAction,
  PolicyKind,
  RankAction,
  RankDecision,
  ResetAction,
  RowEdit,
  SlotRef,
  SlotScores,
  WriteAction,
} from "./rank_actions.ts";
export type {
  PolicyContext,
  PolicyModule,
  PolicyStage,
  RankPolicy,
  RowView,
} from "./rank_policy.ts";
export type { PrincipalRows } from "./incremental_svd.ts";
export type {
  DrawnEstimate,
  GradientEstimate,
  InputEstimate,
  LayerDimensions,
  RankEstimate,
  RankPurse,
  StateEstimate,
} from "./rank_estimate.ts";
export { nonlinearities, type Nonlinearity } from "./nonlinearity.ts";
export type { DirectionMode } from "./directions.ts";
export { findMethod, methods, type MethodTable, methodTable } from "./table.ts";
