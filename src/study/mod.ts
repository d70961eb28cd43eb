/**
 * Studies as data: what is asked, the grid of runs, settings, budgets to ranks, and the ids of runs.
 *
 * @module
 */
export { InputError, type InputProblem } from "../base/input_error.ts";
export type { Json } from "../base/canonical_json.ts";
export {
  type Axes,
  type Delta,
  type ExtendingStudy,
  type MethodOptions,
  type Study,
  type StudyMethod,
  type StudyPart,
} from "./schema/study.ts";
export { defineStudy, parseStudy } from "./schema/parse.ts";
export type { ClaimPair, ResolvedComparison, StudyComparison } from "./compare/arms.ts";
export { type ConvergenceRule, defaultConvergence, type Targets } from "./schema/study.ts";
export type { StudyBudget } from "./budget/budget.ts";
export type { Arm, ArmRun } from "./compare/arms.ts";
export {
  type Claim,
  type ClaimOn,
  type ClaimSays,
  type ClaimsOfStudy,
  claimText,
  type Decide,
  type Decision,
  decisionOf,
  marginOf,
  type MarginShare,
  shareText,
  type StudyMargin,
} from "./schema/claims.ts";
export type { DeltaCondition } from "./schema/conditions.ts";
export type { OneOrMore } from "./schema/shapes.ts";
export type { SourceRun, StudyRanks } from "./budget/given.ts";
export { expandStudy } from "./grid/expand.ts";
export { type StudyTables } from "./grid/tasks.ts";
export { defaultMostRuns } from "./grid/points.ts";
export { type SchemaTables, studyJsonSchema } from "./schema/json_schema.ts";
export { type Problem, StudyError } from "./check/problems.ts";
export { countParameters } from "./budget/costs.ts";
export type { Planned } from "./budget/targets.ts";
export { adaptedModules, planRun, solveRanks } from "./budget/ranks.ts";
export { type InputHashes, runFolder, runId, runTitle } from "./grid/run_id.ts";
export {
  layerOf,
  parseSettingPath,
  settingAt,
  type SettingLayer,
  type SettingPath,
  type SettingValues,
} from "./schema/setting_paths.ts";
export {
  defaultSettings,
  overlaySettings,
  type PartialSettings,
  type PartialTrainSettings,
} from "./schema/settings.ts";
export type * from "./types.ts";
export type {
  AdapterSettings,
  ModulePart,
  Plateau,
  Settings,
  StreamSeeds,
  TrainSettings,
} from "./schema/settings.ts";
export type { Budget, CountedBudget } from "./budget/budget.ts";
export type { PartialUntil } from "./schema/settings.ts";
export { learningRateAt, totalSteps } from "./grid/steps.ts";
export { countsOfMasks, countsOfMoves, countsOfPlan, parametersWithin } from "./budget/range.ts";
export {
  type CheckedRun,
  type CheckedRuns,
  checkRuns,
  plannedCounts,
  type RunTables,
} from "./check/runs.ts";
export {
  type AshaRules,
  type Bounds,
  type Tune,
  tuneDefaults,
  type TunePer,
  type TuneRange,
  type TuneSearch,
  type TuneTrials,
} from "./schema/tune.ts";
export {
  type NotBracketed,
  notBracketedOf,
  type Tuned,
  type TunedArm,
  type TunedChoice,
  type TunedFor,
  type TunedRun,
  type TunedTrial,
} from "./schema/tuned.ts";
export type { ScoreRange } from "./check/study.ts";
