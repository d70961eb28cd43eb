/**
 * Reports: records to tables, charts and a page.
 *
 * @module
 */
export { buildReport, type ReportOptions, tablesOf } from "./build.ts";
export type {
  DamagedFile,
  DamagedRun,
  PlannedRun,
  ReplayResults,
  ReportFiles,
  ReportTable,
  Row,
  RunResults,
  StudyResults,
  TableColumn,
  Tone,
} from "./types.ts";
export { methodsText } from "./methods_text.ts";
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
