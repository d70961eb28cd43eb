/**
 * Records of runs: their schema, and how they are read.
 *
 * @module
 */
export { type Journal, readJsonl } from "./read_jsonl.ts";
export { readRun, type StoredRun } from "./read_study.ts";
export { readRecord } from "./run_folder.ts";
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
} from "./schema.ts";
export * from "./types.ts";
