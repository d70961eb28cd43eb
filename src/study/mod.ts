/**
 * Studies as data: what is asked, the grid of runs, settings, budgets to ranks, and the ids of runs.
 *
 * @module
 */
export { InputError, type InputProblem } from "../base/input_error.ts";
export type { Json } from "../base/canonical_json.ts";
export {
  type Axes,
  defineStudy,
  type Delta,
  type ExtendingStudy,
  type MethodOptions,
  parseStudy,
  type Study,
  type StudyMethod,
  type StudyPart,
} from "./study.ts";
export type { ComparedPair, ResolvedComparison, StudyComparison } from "./comparisons.ts";
export { type ConvergenceRule, defaultConvergence, type Targets } from "./convergence.ts";
export type { StudyBudget } from "./study_budget.ts";
export type { Arm, ArmRun } from "./arms.ts";
export {
  type Claim,
  type ClaimSays,
  type ClaimsOfStudy,
  claimText,
  type Decide,
  type Decision,
  decisionOf,
  marginOf,
  type StudyMargin,
} from "./claims.ts";
export type { DeltaCondition, OneOrMore } from "./condition_form.ts";
export type { SourceRun, StudyRanks } from "./study_ranks.ts";
export { expandStudy, type StudyTables } from "./expand.ts";
export { defaultMostRuns } from "./grid.ts";
export { type SchemaTables, studyJsonSchema } from "./json_schema.ts";
export { type Problem, StudyError } from "./problems.ts";
export { countParameters } from "./rank_costs.ts";
export type { Planned } from "./rank_targets.ts";
export { adaptedModules, planRun, solveRanks } from "./ranks.ts";
export { type InputHashes, runFolder, runId, runTitle } from "./run_id.ts";
export {
  layerOf,
  parseSettingPath,
  settingAt,
  type SettingLayer,
  type SettingPath,
  type SettingValues,
} from "./setting_paths.ts";
export {
  defaultSettings,
  overlaySettings,
  type PartialSettings,
  type PartialTrainSettings,
} from "./settings.ts";
export type {
  AdapterCosts,
  AdapterSettings,
  AskedRanks,
  Budget,
  CountedBudget,
  CountFacts,
  CountRange,
  Dose,
  GridRun,
  MethodEntry,
  MethodOrigin,
  ModulePart,
  ModuleShape,
  PlannedCounts,
  Plateau,
  RankCap,
  RankPlan,
  RankRange,
  RanksAs,
  RanksFrom,
  RunFacts,
  RunPoint,
  RunSpec,
  Settings,
  TrainSettings,
} from "./types.ts";
export type { PartialUntil } from "./until.ts";
export { learningRateAt, totalSteps } from "./total_steps.ts";
export { countsOfMasks, countsOfMoves, countsOfPlan, parametersWithin } from "./rank_range.ts";
export {
  type CheckedRun,
  type CheckedRuns,
  checkRuns,
  plannedCounts,
  type RunTables,
} from "./validate.ts";
export {
  type AshaRules,
  type Bounds,
  type Tune,
  tuneDefaults,
  type TunePer,
  type TuneRange,
  type TuneSearch,
} from "./tune.ts";
export {
  type NotBracketed,
  notBracketedOf,
  type Tuned,
  type TunedArm,
  type TunedChoice,
  type TunedFor,
  type TunedTrial,
} from "./tuned.ts";
