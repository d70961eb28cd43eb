/**
 * What is known of a study's methods at each budget, before it is put into words.
 *
 * @module
 */
import { idleCells } from "../../analysis/convergence.ts";
import { allTasks, type Grid } from "../../analysis/run_rows.ts";
import { whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { isApart, type Remedy } from "../../analysis/verdict.ts";
import type { Ranking } from "../../analysis/ranking.ts";
import { isTested, type PairedRow } from "../../analysis/significance.ts";
import { hasAverage, type ScoreRow } from "../../analysis/scores.ts";
import type { Analysis } from "../../analysis/analysis.ts";

/** What an answer draws on. */
export interface Context {
  readonly results: Analysis;
  readonly grid: Grid;
  readonly baseline: string | null;
  /** Means in the widest scope of tasks; none where several tasks cannot be averaged. */
  readonly rows: readonly ScoreRow[];
  /** What the best is best in, for instance `mean accuracy`. */
  readonly measure: string;
  /**
   * Whether a best method may be named: not where a cell learned nothing, whose scores are chance, nor beside claims, which
   * alone say what is better.
   */
  readonly namesBest: boolean;
}

/** The methods of one budget. */
export interface BudgetResult {
  readonly budget: string;
  /** In the order of the study. */
  readonly methods: readonly string[];
  /** The methods with the best mean, several where they tie; none where no best may be named. */
  readonly leaders: readonly string[];
  /** Methods that have not converged or are not bracketed: no pair with them has a verdict. */
  readonly early: readonly string[];
  /** What would give these a verdict. */
  readonly remedy: Remedy;
  /**
   * How the methods were compared: all pairs by signed ranks, each with the baseline by t tests, or not: for lack of runs, or of
   * steps.
   */
  readonly test: "ranks" | "paired" | "none" | "early";
  /** Pairs that differ significantly. */
  readonly differences: readonly { readonly better: string; readonly worse: string }[];
  /** Methods that are equivalent to the baseline by t tests, and not apart from it by ranks. */
  readonly alike: readonly string[];
}

/** Reads the context of a study. */
export function contextOf(results: Analysis): Context {
  const { baseline, grid } = results;
  const task = hasAverage(grid) ? allTasks : grid.tasks.length === 1 ? grid.tasks[0] : null;
  const rows = results.scores.filter((row) => row.task === task && row.mean !== null);
  return {
    results,
    grid,
    baseline,
    rows,
    measure: measureOf(rows, grid),
    namesBest: namesBest(results),
  };
}

/** As {@linkcode Context.namesBest}. */
export function namesBest(results: Analysis): boolean {
  return results.claims === null && idleCells(results.cells) === null;
}

function measureOf(rows: readonly ScoreRow[], grid: Grid): string {
  const [first] = rows;
  if (first === undefined) return "mean rank";
  if (first.task === allTasks) return `average over ${whole(grid.tasks.length)} tasks`;
  const { title } = metricInfo(first.metric);
  return rows.some(({ n }) => n > 1) ? `mean ${title}` : title;
}

/** 1 for metrics that are better high, −1 for the others. */
export function signOf(metric: string): number {
  return metricInfo(metric).isHigherBetter ? 1 : -1;
}

/** All items whose value is the largest. */
export function bestOf<T>(items: readonly T[], valueOf: (item: T) => number): readonly T[] {
  const best = Math.max(...items.map(valueOf));
  return items.filter((item) => valueOf(item) === best);
}

/** What was found at a ranking's budget. */
export function resultAt(ranking: Ranking, context: Context): BudgetResult {
  const { budget } = ranking;
  const ranked = new Set(ranking.methods.map(({ label }) => label));
  const methods = context.grid.labels.filter((label) => ranked.has(label));
  const rows = context.rows.filter((row) => row.budget === budget && ranked.has(row.label));
  const leaders = !context.namesBest
    ? []
    : rows.length > 0
    ? bestOf(rows, (row) => signOf(row.metric) * row.mean!).map(({ label }) => label)
    : bestOf(ranking.methods, ({ meanRank }) => -meanRank).map(({ label }) => label);
  const { early, remedy } = ranking;
  const tests = testsAt(budget, context).filter(({ label }) => ranked.has(label));
  const alike = tests.filter(({ verdict }) => verdict.kind === "equivalent").map(({ label }) =>
    label
  );
  const found = { budget, methods, leaders, early, remedy, alike };
  if (methods.length - early.length < 2) return { ...found, test: "early", differences: [] };
  if (ranking.canTellApart) {
    const differences = ranking.pairs.flatMap(({ label, other, verdict }) =>
      !isApart(verdict) ? [] : [
        verdict.kind === "better"
          ? { better: label, worse: other }
          : { better: other, worse: label },
      ]
    );
    const isApartFrom = (label: string) =>
      differences.some(({ better, worse }) =>
        [better, worse].includes(label) && [better, worse].includes(context.baseline ?? "")
      );
    return { ...found, test: "ranks", differences, alike: alike.filter((l) => !isApartFrom(l)) };
  }
  return {
    ...found,
    test: tests.length > 0
      ? "paired"
      : context.baseline !== null && early.includes(context.baseline)
      ? "early"
      : "none",
    differences: tests.filter(({ verdict }) => isApart(verdict)).map(({ label, verdict }) => {
      const baseline = context.baseline!;
      return verdict.kind === "better"
        ? { better: label, worse: baseline }
        : { better: baseline, worse: label };
    }),
  };
}

/** The paired tests of a budget over all tasks together; none without a baseline, or where tasks cannot be averaged. */
export function testsAt(budget: string, context: Context): readonly PairedRow[] {
  const { results, baseline, rows } = context;
  if (baseline === null || rows.length === 0) return [];
  const { task } = rows[0]!;
  return results.tests.paired
    .filter((row) => row.task === task && row.budget === budget && isTested(row));
}
