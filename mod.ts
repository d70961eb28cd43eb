/**
 * ranklab: studies of low-rank adaptation (LoRA, AdaLoRA, ElaLoRA) that train on whatever runtime is there.
 *
 * The usual way in is the command line (`deno task sweep`); this module is for what the commands do not cover: studies
 * as TypeScript modules, methods of one's own, graphs and their gradients, runs under the caller's control, and the
 * records of finished runs. The rooms of `src/` are re-exported in their order, from data to reports:
 *
 * - **studies**: {@linkcode defineStudy}, {@linkcode expandStudy}, {@linkcode planRun}, {@linkcode runId}
 * - **tasks**: {@linkcode builtInTasks}, {@linkcode readSplit}, {@linkcode createBatchStream}, {@linkcode computeMetrics}
 * - **graphs**: the operators, {@linkcode grad}, {@linkcode interpret}, {@linkcode encodeProgram}
 * - **models**: {@linkcode loadEncoder}, {@linkcode adaptableModules}
 * - **methods**: {@linkcode methods}, {@linkcode defineMethod}, {@linkcode RankPolicy}
 * - **executors**: {@linkcode chooseExecutor}
 * - **training**: {@linkcode assemble}, {@linkcode Trainer}
 * - **records and reports**: {@linkcode parseRunRecord}, {@linkcode buildReport}
 *
 * @example A gradient, computed by the reference executor
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { chooseExecutor, crossEntropy, grad, input, makeProgram, reduceSum } from "./mod.ts";
 *
 * const logits = input("logits", [1, 2]);
 * const labels = input("labels", [1], "i32");
 * const [gradient] = grad(reduceSum(crossEntropy(logits, labels)), [logits]);
 *
 * const { executor } = await chooseExecutor("reference");
 * const session = await executor.load(makeProgram({ gradient: gradient! }));
 * const { read } = await session.run({
 *   feeds: {
 *     logits: { type: "f32", shape: [1, 2], data: Float32Array.of(0, 0) },
 *     labels: { type: "i32", shape: [1], data: Int32Array.of(0) },
 *   },
 *   dims: {},
 *   read: ["gradient"],
 * });
 * assertEquals([...read["gradient"]!.data], [-0.5, 0.5]);
 * ```
 *
 * @example A study as data, and its runs
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { builtInTasks, defineStudy, expandStudy, methods } from "./mod.ts";
 *
 * const study = defineStudy({
 *   name: "ranks-on-rte",
 *   axes: { tasks: ["RTE"], methods: ["head", "lora", "elalora"], budgets: [2, 4], seeds: [1, 2, 3] },
 * });
 * const runs = expandStudy(study, { tasks: builtInTasks.map(({ name }) => name), methods });
 * assertEquals(runs.length, (1 + 2 * 2) * 3);
 * ```
 *
 * @module
 */

// Base: canonical JSON, hashes, random streams with names.
export { canonicalJson, type Json } from "./src/base/canonical_json.ts";
export { hashBytes, hashJson } from "./src/base/hash.ts";
export { type RandomState, RandomStream } from "./src/base/random.ts";

// Studies and runs.
export {
  type Axes,
  defineStudy,
  type Delta,
  type DeltaCondition,
  type MethodOptions,
  type OneOrMore,
  parseStudy,
  type Study,
  type StudyBudget,
  type StudyMethod,
} from "./src/study/study.ts";
export { expandStudy, type StudyTables } from "./src/study/expand.ts";
export { type SchemaTables, studyJsonSchema } from "./src/study/json_schema.ts";
export { type Problem, StudyError } from "./src/study/problems.ts";
export { adaptedModules, countParameters, planRun, solveRanks } from "./src/study/ranks.ts";
export { type InputHashes, runFolder, runId, runTitle } from "./src/study/run_id.ts";
export {
  defaultSettings,
  overlaySettings,
  type PartialSettings,
  type PartialTrainSettings,
} from "./src/study/settings.ts";
export type {
  AdapterCosts,
  AdapterSettings,
  Budget,
  CountFacts,
  CountRange,
  MethodEntry,
  MethodOrigin,
  ModulePart,
  ModuleShape,
  PlannedCounts,
  RankPlan,
  RankRange,
  RunFacts,
  RunSpec,
  Settings,
  TrainSettings,
} from "./src/study/types.ts";
export { learningRateAt, totalSteps } from "./src/study/total_steps.ts";
export {
  countsOfMasks,
  countsOfMoves,
  countsOfPlan,
  parametersWithin,
} from "./src/study/rank_range.ts";
export { findProblems, plannedCounts, type RunTables } from "./src/study/validate.ts";

// Tasks.
export {
  type BatchOptions,
  type BatchStream,
  createBatchStream,
  evaluationBatches,
} from "./src/tasks/batches.ts";
export { builtInTasks, findTask } from "./src/tasks/catalog.ts";
export { computeMetrics, type Metric, metrics, primaryMetric } from "./src/tasks/metrics.ts";
export { readSplit, type SplitContent } from "./src/tasks/read_split.ts";
export { encodeExamples, loadTokenizer } from "./src/tasks/tokenizer.ts";
export { type TokenizerFiles, tokenizerFromFiles } from "./src/tasks/tokenizers/files.ts";
export type {
  Batch,
  BatchCursor,
  Column,
  Encoded,
  Example,
  MetricName,
  SplitFile,
  Task,
  TaskOutput,
  Tokenizer,
} from "./src/tasks/types.ts";
export { parseUserTask, type UserTask, userTaskSchema } from "./src/tasks/user_task.ts";

// Graphs of ONNX operators and their gradients.
export * from "./src/graph/mod.ts";

// Encoders.
export type { DropoutSite } from "./src/models/forward_context.ts";
export type { Initial, ParameterSpec } from "./src/models/parameters.ts";
export type { EncoderConfig } from "./src/models/config.ts";
export type { Pooling } from "./src/models/token_rows.ts";
export { type EncoderFiles, type EncoderModel, loadEncoder } from "./src/models/load.ts";
export type { Architecture } from "./src/models/architecture.ts";
export { architectureOf, architectures } from "./src/models/architectures.ts";
export { adaptableModules } from "./src/models/modules.ts";
export { randomEncoder } from "./src/models/random.ts";
export {
  readSafetensors,
  type StoredTensor,
  type StoredTensors,
  type StoredType,
  writeSafetensors,
} from "./src/models/safetensors.ts";

// Methods: adapters and rank policies.
export { eraseState } from "./src/methods/adapter.ts";
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
} from "./src/methods/adapter.ts";
export {
  type Backbone,
  type BoundMethod,
  defineMethod,
  type Method,
  type MethodDefinition,
} from "./src/methods/method.ts";
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
} from "./src/methods/rank_policy.ts";
export type { RankEstimate } from "./src/methods/rank_estimate.ts";
export type { DirectionMode } from "./src/methods/directions.ts";
export { findMethod, methods, type MethodTable, methodTable } from "./src/methods/table.ts";

// Executors.
export {
  type Choice,
  chooseExecutor,
  type ChooseOptions,
  type Device,
  devices,
  type ExecutorMakers,
  type Tried,
} from "./src/exec/choose.ts";
export {
  type DeviceTensor,
  type Executor,
  ExecutorError,
  type ExecutorKind,
  type LoadOptions,
  type RunRequest,
  type RunResult,
  type Session,
} from "./src/exec/executor.ts";

// Training.
export {
  assemble,
  type Assembly,
  type AssemblyRequest,
  type EncoderWeights,
  type StateVector,
} from "./src/train/assemble.ts";
export { type Evaluation, type EvaluationSplit } from "./src/train/evaluate.ts";
export { type Layout, type Slot } from "./src/train/layout.ts";
export { type LoadedPrograms, ProgramCache } from "./src/train/programs.ts";
export type { AdaptedModule, SlotGroup, SlotOrder } from "./src/train/slots.ts";
export type { StateVectors } from "./src/train/vectors.ts";
export type { RunStage, StageData } from "./src/train/stages.ts";
export { Trainer } from "./src/train/trainer.ts";
export {
  type Checkpoint,
  DivergenceError,
  type RankChange,
  type RunState,
  type Snapshot,
  type TrainingEvent,
  type TrainingRequest,
} from "./src/train/run_types.ts";

// Records of runs.
export { type Journal, readJsonl } from "./src/record/read_jsonl.ts";
export { readRun, type StoredRun } from "./src/record/read_study.ts";
export { readRecord } from "./src/record/run_folder.ts";
export {
  NewerSchemaError,
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  type Parser,
  parseRankLine,
  parseRunAblation,
  parseRunRecord,
  parseStepLine,
  RecordFormatError,
} from "./src/record/schema.ts";
export * from "./src/record/types.ts";

// Reports.
export { buildReport, tablesOf } from "./src/report/build.ts";
export type {
  Chart,
  ReportFiles,
  ReportTable,
  Row,
  RunResults,
  StudyResults,
  TableColumn,
  Tone,
} from "./src/report/types.ts";
