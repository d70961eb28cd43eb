/**
 * Records of runs: their schema, and how they are read.
 *
 * @module
 */
export { InputError, type InputProblem } from "../base/input_error.ts";
export { type Journal, readJsonl } from "./parser.ts";
export { type FileContent, openPack, type Pack, packFiles } from "./pack.ts";
export { type PackedFile, PackError, type PackManifest } from "./pack_manifest.ts";
export type { Committed } from "./git_history.ts";
export { DamagedFileError, isDamage } from "./damage.ts";
export { readRecord, readRun, type RunSource, type StoredRun } from "./results_reader.ts";
export { folderReader, openResults, packReader, type ResultsReader } from "./results_reader.ts";
export {
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  parseRankLine,
  parseRunAblation,
  parseRunRecord,
  parseSlotScores,
  parseStepLine,
} from "./schema.ts";
export { NewerSchemaError, type Parser, RecordFormatError } from "./parser.ts";
export type {
  LeftOutRun,
  ModuleSpectrum,
  RunSpectra,
  SpectraOverlap,
  StudySpectra,
} from "./spectra.ts";
export * from "./types.ts";
export type {
  PinnedItem,
  RunVerification,
  Verification,
  VerificationVerdict,
} from "./verification.ts";
export type { Agreement, Difference, QuantityComparison, Value } from "./compare_numbers.ts";
