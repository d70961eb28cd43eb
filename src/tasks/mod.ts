/**
 * Tasks: those that are built in and the user's own, readers, tokenizers, batches and metrics.
 *
 * @module
 */
export { InputError, type InputProblem } from "../base/input_error.ts";
export { type RandomState, RandomStream } from "../base/random.ts";
export {
  type BatchOptions,
  type BatchStream,
  createBatchStream,
  evaluationBatches,
} from "./batches.ts";
export { builtInTasks, findTask } from "./catalog.ts";
export type { DataWarning } from "./data_warnings.ts";
export {
  averageAccuracyName,
  computeMetrics,
  isHigherBetter,
  metrics,
  primaryMetric,
} from "./metrics.ts";
export { defineMetric, type MetricDefinition } from "./own_metrics.ts";
export { readSplit, type SplitContent } from "./read_split.ts";
export { encodeExamples, loadTokenizer } from "./tokenizer.ts";
export {
  type LoadedTokenizer,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "./tokenizers/files.ts";
export type {
  Batch,
  BatchCursor,
  ClassRange,
  Column,
  Encoded,
  Example,
  Metric,
  MetricName,
  Probabilities,
  SequenceStage,
  SplitFile,
  Task,
  TaskOutput,
  TextSource,
  Tokenizer,
} from "./types.ts";
export {
  parseUserTask,
  type UserTask,
  type UserTaskFile,
  type UserTaskFiles,
} from "./user_task.ts";
