/**
 * What the records of a study mean, found once and handed on: to tables, charts, sentences, commands, and whoever asks.
 *
 * @module
 */
import { type Basis, basisOf } from "./basis.ts";
import { type ClaimsReport, claimsReport } from "./claims/claims_report.ts";
import { majorityScores, type ScoreRow, scoreRows } from "./scores.ts";
import { type OverTasks, overTasks } from "./over_tasks.ts";
import type { ReplayedRun } from "../record/types.ts";
import type { ReplayResults, StudyResults } from "./results.ts";
import { correctedTests, type ReportTests } from "./significance.ts";

/** The results of a study with all that follows from them: rows and cells at once, each other part when it is first asked for. */
export interface Analysis extends Basis {
  /** The replay ablation, read in the same way. */
  readonly replay: ReplayAnalysis | null;
  /** Each method's metric at each budget. */
  readonly scores: readonly ScoreRow[];
  /** The score of always predicting the majority class by task, and over all tasks where each has one. */
  readonly majority: ReadonlyMap<string, number>;
  /** The verdicts on the study's claims; null where it claims nothing. */
  readonly claimsReport: ClaimsReport | null;
  /** All that a report tests, corrected together. */
  readonly tests: ReportTests;
  /** Each method and budget beside the baseline over all tasks; none for one task. */
  readonly overTasks: readonly OverTasks[];
}

/** An analysis of runs that each have a part in a replay ablation. */
export interface ReplayAnalysis extends Analysis {
  /** With the part of each in the ablation. */
  readonly runs: readonly ReplayedRun[];
}

/** A value that is computed when it is first asked for. */
function once<T>(make: () => T): () => T {
  let found: { readonly value: T } | null = null;
  return () => (found ??= { value: make() }).value;
}

/** Reads the results of a study. */
export function analyse(results: ReplayResults): ReplayAnalysis;
/** Reads the results of a study. */
export function analyse(results: StudyResults): Analysis;
export function analyse(results: StudyResults): Analysis {
  const basis = basisOf(results);
  const replay = results.replay === null ? null : analyse(results.replay);
  const scores = once(() => scoreRows(basis));
  const majority = once(() => majorityScores(basis));
  const claims = once(() => claimsReport(basis));
  const tests = once(() => correctedTests(basis, claims()?.verdicts ?? []));
  const together = once(() => overTasks(basis, tests().paired));
  return {
    ...basis,
    replay,
    get scores() {
      return scores();
    },
    get majority() {
      return majority();
    },
    get claimsReport() {
      return claims();
    },
    get tests() {
      return tests();
    },
    get overTasks() {
      return together();
    },
  };
}
