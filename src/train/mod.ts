/**
 * Training: the step as one graph, the loop, evaluation, and checkpoints as values.
 *
 * @module
 */
export { assemble, type Assembly, importanceVectors, type StateVector } from "./assemble.ts";
export type { AssemblyRequest, EncoderWeights } from "./assembly_request.ts";
export type { DropoutRates } from "./forward.ts";
export type { DropoutPools } from "./feeds.ts";
export type { Pool } from "./feeds.ts";
export type { KeptFeeds } from "./feeds.ts";
export { type Evaluation, type EvaluationSplit } from "./evaluate.ts";
export type { FedWeight } from "./fed_weights.ts";
export type { AdapterTensor, MergedBlock } from "./stored_tensors.ts";
export { type Layout, type Slice } from "./slots.ts";
export { optimiserVectors } from "./optimiser.ts";
export type { PlateauState } from "./plateau.ts";
export { type LoadedPrograms, ProgramCache } from "./programs.ts";
export type { ResumedPrograms } from "./resumed.ts";
export type { AdaptedModule, SlotGroup, SlotOrder } from "./slots.ts";
export type { ModuleDirections, StateVectors } from "./vectors.ts";
export type { RunStage, StageData } from "./stages.ts";
export { Trainer } from "./trainer.ts";
export {
  type Checkpoint,
  DivergenceError,
  type LastScores,
  type RankChange,
  type RunState,
  type Snapshot,
  type TrainingEvent,
  type TrainingRequest,
} from "./run_types.ts";
