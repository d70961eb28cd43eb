/**
 * What a study does, without a terminal: training one method, tuning, sweeping, ablating, verifying, reading results and reporting.
 *
 * @module
 */
export { type AblateOptions, type AblateResult, ablateStudy } from "./after/ablate.ts";
export type { Observer, RunProgress, Watch, WorkEvent } from "./events.ts";
export type { HubAccess } from "../fetch/hub.ts";
export type { Fetching } from "../fetch/model_files.ts";
export type { FetchProgress, Transport } from "../fetch/transport.ts";

export { type ExportOptions, type ExportResult, exportRun } from "./share/export.ts";
export { type ExportFormat, exportFormats } from "./share/export_readme.ts";
export type { OwnExample, OwnTask } from "./own_task.ts";
export { type Packed, type PackOptions, packStudy, unpackStudy } from "./share/packing.ts";
export type { ImportBase } from "./share/imported_model.ts";
export type { PoolOptions } from "./pool/pool.ts";
export { type PlanOptions, type SweptStudy } from "./plan/planned_study.ts";
export type { DamagedRun } from "../analysis/results.ts";
export type { RunsResult } from "./pool/run_all.ts";
export type { PlanAgain } from "./after/recorded_run.ts";
export { spectraOf, type SpectraOptions, type SpectraResult } from "./after/spectra.ts";
export { StoppedError, type StoppedRun } from "./events.ts";
export { readStudyFile, type StudyData, type StudyFile } from "./plan/study_file.ts";
export { type ResultsSource } from "./stored_study.ts";
export { readStudyResults } from "./study_results.ts";
export { writeReport } from "./write_report.ts";
export { loadModel, type LoadOptions } from "./trained_run.ts";
export { type SweepOptions, type SweepResult, sweepStudy } from "./sweep.ts";
export {
  modelOfPeftFiles,
  type NamedFiles,
  type PeftModelRequest,
  type Prediction,
  type Text,
  TextModel,
} from "./share/text_model.ts";
export type { TrainedRunRequest } from "./trained_run.ts";
export { train } from "./train.ts";
export type { TrainEvent, TrainOptions } from "./training.ts";
export {
  type NamedModule,
  type StudyCode,
  type Trust,
  UntrustedCodeError,
} from "./method_modules.ts";
export type { TunedFile } from "./tune/tuned_file.ts";
export type { TrialsResult, TuneOptions } from "./tune/trial_maker.ts";
export { type TuneResult, tuneStudy } from "./tune/tune_study.ts";
export { type VerifyOptions, verifyStudy } from "./after/verify.ts";
