/**
 * Tasks: those that are built in and the user's own, readers, tokenizers, batches and metrics.
 *
 * @module
 */
export {
  type BatchOptions,
  type BatchStream,
  createBatchStream,
  evaluationBatches,
} from "./batches.ts";
export { builtInTasks, findTask } from "./catalog.ts";
export { computeMetrics, type Metric, metrics, primaryMetric } from "./metrics.ts";
export { readSplit, type SplitContent } from "./read_split.ts";
export { encodeExamples, loadTokenizer } from "./tokenizer.ts";
export { type TokenizerFiles, tokenizerFromFiles } from "./tokenizers/files.ts";
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
} from "./types.ts";
export { parseUserTask, type UserTask } from "./user_task.ts";
