/**
 * What the records of a study mean: rows, scores, pairs, claims, verdicts, rankings, power and convergence.
 *
 * @module
 */
export type {
  DamagedFile,
  DamagedRun,
  ForeignSource,
  PlannedRun,
  ReplayResults,
  RunResults,
  StudyResults,
} from "./results.ts";
export { analyse, type Analysis, type AnalysisParts, type ReplayAnalysis } from "./analysis.ts";
export type { ForeignClaims, ForeignOptions, ForeignScore } from "./foreign/foreign_score.ts";
export type { ModelPair, ModelRow, OneSeedTask } from "./foreign/one_seed.ts";
export type { Row } from "./run_rows.ts";
export { type Answer, type ClaimState, type ClaimVerdict, verdictsOf } from "./claims/verdict.ts";
export type { ClosedAnswer, ClosedGate, ImprovingCell, RunChecks } from "./claims/gates.ts";
export type { BesideSettings, Specification, SpecificationCurve } from "./claims/specifications.ts";
export type { ClaimLook } from "./claims/claims_report.ts";
export type { Undecidable } from "./power/text.ts";
export type { ArmRun } from "../study/compare/arms.ts";
export type { ClaimNoise } from "./claims/example_noise.ts";
export type { MoreSeeds } from "./claims/more_seeds.ts";
export type {
  ClaimSeries,
  FoundPair,
  LeftOut,
  ScoredRun,
  SeedDifference,
  TaskDifference,
} from "./claims/series.ts";
export type {
  ClaimedSeeds,
  ClaimsStatement,
  Registered,
  RegisteredClaims,
  RegisteredCode,
  Registration,
  StatedClaims,
  StatedStudy,
} from "./claims/statement.ts";
export type { RegistrationProof } from "./claims/registration.ts";
export type { Basis, ReplayBasis } from "./basis.ts";
export type { AblationRow } from "./ablation.ts";
export type { BudgetEquivalence, NeededBudget, NoEquivalence } from "./budget_equivalence.ts";
export type { CostRow } from "./costs.ts";
export type { ModuleSpectraRow } from "./spectra.ts";
export type { RankMetricRow } from "./learning.ts";
export type { ScoreRow } from "./scores.ts";
export type { ClaimsReport } from "./claims/claims_report.ts";
export type { OverTasks } from "./over_tasks.ts";
export type {
  ComparisonRow,
  EffectRow,
  PairedRow,
  ReportTests,
  TestedFamily,
} from "./significance.ts";
export type { Cell, Grid, RunRow } from "./run_rows.ts";
export type { CellScope, ConvergedCell } from "./convergence.ts";
export {
  type CellConvergence,
  cellConvergence,
  type Change,
  type Convergence,
  convergenceOf,
  type ConvergenceSource,
  type ConvergenceState,
  needsMoreSteps,
  type RunChange,
} from "./run_convergence.ts";
export type { Contrast, Decided } from "./contrasts.ts";
export type { NoVerdict, Remedy, Verdict, VerdictKind } from "./verdict.ts";
export type { PairedContrast } from "./paired_rows.ts";
export type { AskedContrast, ComparedSide } from "./comparison_rows.ts";
export type { EffectContrast, EffectKind } from "./factorial.ts";
export type { RankedMethod, Ranking, RankPair } from "./ranking.ts";
export type { ComparedRanks, MethodRank, PlacedMethod, RankedBudget } from "./ranked_budgets.ts";
export type { Changed, Stating } from "./claims/stated.ts";
export type { VerdictLine } from "./claims/text.ts";
export type { DifferenceUnit } from "./claims/unit.ts";
export type { Course } from "./claims/course.ts";
