/**
 * What the records of a study mean, found once and handed on: to tables, charts, sentences, commands, and whoever asks.
 *
 * @module
 */
import { type AblationRow, ablationRows } from "./ablation.ts";
import { type Basis, basisOf, type ReplayBasis } from "./basis.ts";
import { type BudgetEquivalence, budgetEquivalences } from "./budget_equivalence.ts";
import { type ClaimsReport, claimsReport } from "./claims/claims_report.ts";
import { type CostRow, costRows } from "./costs.ts";
import { type OverTasks, overTasks } from "./over_tasks.ts";
import { replayBaseline } from "./paired_rows.ts";
import { type RankMetricRow, rankMetricRows } from "./learning.ts";
import { foreignResults } from "./foreign/foreign_results.ts";
import type { ForeignClaims, ForeignOptions, ForeignScore } from "./foreign/foreign_score.ts";
import { type OneSeedTask, oneSeedTasks } from "./foreign/one_seed.ts";
import type { StudyResults } from "./results.ts";
import { majorityScores, type ScoreRow, scoreRows } from "./scores.ts";
import { correctedTests, type ReportTests } from "./significance.ts";
import { type ModuleSpectraRow, moduleSpectraRows } from "./spectra.ts";

/** What follows from the results of a study. */
export interface AnalysisParts {
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
  /** The budget of the baseline that each other method is worth. */
  readonly budgetEquivalences: readonly BudgetEquivalence[];
  /** Each method's quality beside its cost. */
  readonly costs: readonly CostRow[];
  /** Correlations between ranks and what removing the modules costs. */
  readonly ablation: readonly AblationRow[];
  /** The metric while the total rank changed. */
  readonly rankMetric: readonly RankMetricRow[];
  /** The singular values of each module's update. */
  readonly moduleSpectra: readonly ModuleSpectraRow[];
  /** What examples say where methods have one seed each; none but of scores that were made elsewhere. */
  readonly oneSeed: readonly OneSeedTask[];
}

/** The results of a study with all that follows from them: rows and cells at once, each other part when it is first asked for. */
export interface Analysis extends Basis, AnalysisParts {
  /** The replay ablation, read in the same way; its baseline is the label of the runs with uniform ranks. */
  readonly replay: ReplayAnalysis | null;
}

/** An analysis of runs that each have a part in a replay ablation. */
export interface ReplayAnalysis extends Analysis, ReplayBasis {
  /** An ablation has none of its own. */
  readonly replay: null;
  /** With the part of each in the ablation. */
  readonly runs: ReplayBasis["runs"];
}

/** Reads the results of a study. */
export function analyse(results: StudyResults): Analysis;

/**
 * Reads scores that were made elsewhere, with what is claimed of them.
 *
 * @param scores One a run, or one a run and example or step.
 * @param claims What is claimed. Default: nothing, so that methods are compared with the baseline and with each other.
 * @throws {InputError} If rows cannot be meant as they stand; it names file and line.
 * @throws {StudyError} If a claim is about what is not there.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { analyse } from "./analysis.ts";
 * const scores = [81.2, 80.9, 81.7, 81.4, 81.1].flatMap((ours, i) => [
 *   { method: "ours", task: "RTE", seed: i + 1, score: ours },
 *   { method: "lora", task: "RTE", seed: i + 1, score: ours - 3 + 0.1 * i },
 * ]);
 * const arms = { a: { method: "ours" }, b: { method: "lora" } };
 * const { claimsReport } = analyse(scores, { claims: [{ name: "ours-wins", says: "better", ...arms }] });
 * assertEquals(claimsReport!.lines[0]!.answer, "supported");
 * ```
 */
export function analyse(
  scores: readonly ForeignScore[],
  claims?: ForeignClaims,
  options?: ForeignOptions,
): Analysis;

export function analyse(
  from: StudyResults | readonly ForeignScore[],
  claims?: ForeignClaims,
  options?: ForeignOptions,
): Analysis {
  const results = "study" in from ? from : foreignResults(from, claims, options);
  if (results.replay === null) return analysisOf(basisOf(results), null);
  const replayed = basisOf(results.replay);
  const replay = { ...replayed, baseline: replayBaseline(replayed) };
  return analysisOf(basisOf(results), analysisOf(replay, null));
}

function analysisOf<B extends Basis, R extends ReplayAnalysis | null>(basis: B, replay: R) {
  const analysis: B & AnalysisParts & { readonly replay: R } = withLazy({ ...basis, replay }, {
    scores: () => scoreRows(basis),
    majority: () => majorityScores(basis),
    claimsReport: () => claimsReport(basis),
    tests: () => correctedTests(basis, analysis.claimsReport?.verdicts ?? [], replay),
    overTasks: () => overTasks(basis, analysis.tests.paired),
    budgetEquivalences: () => budgetEquivalences(basis),
    costs: () => costRows(basis, analysis.scores),
    ablation: () => ablationRows(basis),
    rankMetric: () => rankMetricRows(basis),
    moduleSpectra: () => moduleSpectraRows(basis),
    oneSeed: () => basis.foreign === undefined ? [] : oneSeedTasks(basis),
  });
  return analysis;
}

/** An object with further parts, each computed when it is first asked for. */
function withLazy<B extends object, T extends object>(
  basis: B,
  parts: { readonly [K in keyof T]: () => T[K] },
): B & T {
  const whole = { ...basis } as B & T;
  for (const [key, make] of Object.entries<() => unknown>(parts)) {
    const get = () => {
      const value = make();
      Object.defineProperty(whole, key, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(whole, key, { get, enumerable: true, configurable: true });
  }
  return whole;
}
