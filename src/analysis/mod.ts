/**
 * What the records of a study mean: rows, scores, pairs, claims, verdicts, rankings, power and convergence.
 *
 * @module
 */
export type {
  DamagedFile,
  DamagedRun,
  PlannedRun,
  ReplayResults,
  RunResults,
  StudyResults,
} from "./results.ts";
export type { Row } from "./run_rows.ts";
export {
  type Answer,
  type DifferenceUnit,
  type RunChecks,
  type Verdict,
  verdictsOf,
} from "./claims/verdict.ts";
export type { ClaimLook } from "./claims/looks.ts";
export type { Undecidable } from "./power/text.ts";
export type { ArmRun } from "../study/arms.ts";
export type { MoreSeeds } from "./claims/more_seeds.ts";
export type { LostArm } from "./claims/no_evidence.ts";
export type {
  ClaimSeries,
  LeftOut,
  ScoredRun,
  SeedDifference,
  TaskDifference,
} from "./claims/series.ts";
export type {
  ClaimedSeeds,
  ClaimsStatement,
  StatedClaims,
  StatedStudy,
} from "./claims/statement.ts";
