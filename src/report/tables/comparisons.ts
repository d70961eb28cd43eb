/**
 * Comparisons that the study asks for: any two arms, paired by seed, with what each of them trained.
 *
 * @module
 */
import { comparePaired } from "../../stats/statistics.ts";
import { pointKey } from "../../study/rank_sources.ts";
import type { ComparedPair, ResolvedComparison } from "../../study/comparisons.ts";
import type { RunPoint } from "../../study/types.ts";
import { type NoVerdict, noVerdictNote, noVerdictOf } from "../no_verdict.ts";
import { allTasks, budgetName, factOf, groupBy, keyOf, noBudget, tableFrom } from "../facts.ts";
import { chance, fixed, interval, joined, nothing, signed, whole } from "../format.ts";
import { areAverageable, averageMetric, metricInfo, metricTitle } from "../metrics.ts";
import { pairedTests } from "../paired_tests.ts";
import type { ReportTable, Row, RunResults, StudyResults } from "../types.ts";
import { type PairedComparison, scaled, toneOf, verdictText } from "./paired.ts";

/** One side of a comparison on a task. */
export interface ComparedSide {
  /** Its label and budget, for instance `elalora, rank 2`. */
  readonly arm: string;
  /** Mean of its scores over the seeds that are compared; null without any. */
  readonly mean: number | null;
  /** Adapter parameters at the end and at most, averaged over its runs; null where no run has ended. */
  readonly trained: number | null;
  readonly peak: number | null;
}

/** How many adapter parameters a side ended with, and the highest count of a run where that is another. */
export function trainedText({ trained, peak }: Pick<ComparedSide, "trained" | "peak">): string {
  const [end, most] = [whole(trained), whole(peak)];
  return end === most ? end : `${end} (peak ${most})`;
}

/** A comparison on a task, or on average over its tasks. */
export interface ComparisonRow extends PairedComparison {
  readonly task: string;
  readonly metric: string;
  readonly a: ComparedSide;
  readonly b: ComparedSide;
  /** Two-sided p of the paired t test, corrected by Holm for all rows; null where there is nothing to test. */
  readonly corrected: number | null;
}

/** A pair that both have a score for. */
interface ScoredPair {
  readonly task: string;
  readonly seed: number;
  /** The two points, which tell the pairs of a task and seed apart. */
  readonly cell: string;
  readonly a: RunResults;
  readonly b: RunResults;
  readonly scores: { readonly a: number; readonly b: number };
}

/** A method with its budgets, as the pairs have them. */
function armName(points: readonly RunPoint[]): string {
  const [{ label }] = points as readonly [RunPoint];
  const budgets = [...new Set(points.map(({ budget }) => budgetName(budget)))]
    .filter((name) => name !== noBudget);
  return budgets.length === 0 ? label : `${label}, ${joined(budgets)}`;
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Adapter parameters of a run at the end and at most; of a method without a budget all that it trained but its head. */
function trainedOf({ record: { happened: { budget, parameters } } }: RunResults) {
  const whole = parameters.trainable - parameters.head;
  return { final: budget?.final ?? whole, peak: budget?.peak ?? whole };
}

function sideOf(
  arm: string,
  scores: readonly number[],
  runs: readonly RunResults[],
): ComparedSide {
  const trained = [...new Set(runs)].map(trainedOf);
  return {
    arm,
    mean: meanOf(scores),
    trained: meanOf(trained.map(({ final }) => final)),
    peak: meanOf(trained.map(({ peak }) => peak)),
  };
}

function scoredPairs(
  pairs: readonly ComparedPair[],
  byPoint: ReadonlyMap<string, RunResults>,
): readonly ScoredPair[] {
  return pairs.flatMap(({ task, seed, a: ourPoint, b: theirPoint }): readonly ScoredPair[] => {
    const [a, b] = [byPoint.get(pointKey(ourPoint)), byPoint.get(pointKey(theirPoint))];
    if (a === undefined || b === undefined) return [];
    const [ours, theirs] = [factOf(a.record).score, factOf(b.record).score];
    if (ours === null || theirs === null) return [];
    const cell = keyOf(task, budgetName(ourPoint.budget), budgetName(theirPoint.budget));
    return [{ task, seed, cell, a, b, scores: { a: ours, b: theirs } }];
  });
}

/** How the arms of a comparison are called, and why runs have no verdict. */
interface ComparedArms {
  readonly arms: { readonly a: string; readonly b: string };
  readonly noVerdict: (run: RunResults) => NoVerdict | null;
}

/** The comparison over some pairs: a mean a seed first, of the seeds that have all cells. */
function rowOf(
  task: string,
  metric: string,
  pairs: readonly ScoredPair[],
  { arms, noVerdict }: ComparedArms,
): Omit<ComparisonRow, "corrected"> {
  const cells = new Set(pairs.map(({ cell }) => cell)).size;
  const whole = [...groupBy(pairs, ({ seed }) => String(seed)).values()]
    .filter((own) => own.length === cells);
  const perSeed = (of: (pair: ScoredPair) => number) =>
    whole.map((own) => own.reduce((sum, pair) => sum + of(pair), 0) / own.length);
  const used = whole.flat();
  const compared = comparePaired(
    perSeed(({ scores }) => scores.a - scores.b),
    metricInfo(metric).isHigherBetter,
  );
  const open = used.flatMap(({ a, b }) => [noVerdict(a), noVerdict(b)])
    .find((verdict) => verdict !== null);
  return {
    task,
    metric,
    ...compared,
    verdict: open ?? compared.verdict,
    a: sideOf(arms.a, perSeed(({ scores }) => scores.a), used.map(({ a }) => a)),
    b: sideOf(arms.b, perSeed(({ scores }) => scores.b), used.map(({ b }) => b)),
  };
}

/** The rows of one comparison: each task, then the mean of several whose metrics share a scale. */
function rowsOfComparison(
  { pairs }: ResolvedComparison,
  byPoint: ReadonlyMap<string, RunResults>,
  noVerdict: ComparedArms["noVerdict"],
): readonly Omit<ComparisonRow, "corrected">[] {
  const arms = { a: armName(pairs.map(({ a }) => a)), b: armName(pairs.map(({ b }) => b)) };
  const compared = { arms, noVerdict };
  const scored = scoredPairs(pairs, byPoint);
  const metricOf = new Map(scored.map(({ task, a }) => [task, a.record.happened.primaryMetric]));
  const tasks = [...new Set(pairs.map(({ task }) => task))];
  const single = tasks.map((task) =>
    rowOf(task, metricOf.get(task) ?? "", scored.filter((pair) => pair.task === task), compared)
  );
  const isWhole = tasks.length > 1 && metricOf.size === tasks.length;
  return isWhole && areAverageable([...metricOf.values()])
    ? [...single, rowOf(allTasks, averageMetric(), scored, compared)]
    : single;
}

/** All comparisons that the study asks for, in its order. */
export function comparisonRows(results: StudyResults): readonly ComparisonRow[] {
  const { comparisons, runs } = results;
  const noVerdict = noVerdictOf(results);
  const byPoint = new Map(runs.map((run) => [pointKey(run.record.asked), run]));
  const rows = comparisons.filter(({ pairs }) => pairs.length > 0)
    .flatMap((comparison) => rowsOfComparison(comparison, byPoint, noVerdict));
  const tests = new Map(pairedTests(rows).map((test) => [test.row, test]));
  return rows.map((row): ComparisonRow => {
    const test = tests.get(row);
    const isOpen = test?.isSignificant === false && ["better", "worse"].includes(row.verdict);
    return {
      ...row,
      // A difference that holds by itself only is not told as one.
      verdict: isOpen ? "no significant difference" : row.verdict,
      corrected: test?.corrected ?? null,
    };
  });
}

const names = [
  "task",
  "metric",
  "a",
  "b",
  "n",
  "mean_a",
  "mean_b",
  "mean",
  "sd",
  "low",
  "high",
  "corrected",
  "verdict",
  "trained_a",
  "peak_a",
  "trained_b",
  "peak_b",
];

/** The count of a side as its cell says it. */
function countText(row: Row, side: "a" | "b"): string {
  const count = (name: string) => {
    const value = row[`${name}_${side}`];
    return typeof value === "number" ? value : null;
  };
  return trainedText({ trained: count("trained"), peak: count("peak") });
}

/** The table of {@linkcode comparisonRows}. */
export function comparisonsTable(results: StudyResults): ReportTable {
  const compared = comparisonRows(results);
  const rows = compared.map(({ a, b, ...row }): Row => ({
    ...row,
    a: a.arm,
    b: b.arm,
    mean_a: a.mean,
    mean_b: b.mean,
    trained_a: a.trained,
    peak_a: a.peak,
    trained_b: b.trained,
    peak_b: b.peak,
  }));
  const score = (row: Row, name: string) => fixed(scaled(row, name), 2);
  return {
    id: "comparisons",
    title: "Comparisons asked for",
    note:
      "The difference is the score of A minus that of B with the same seed; n counts the seeds that have both. The 95% t " +
      "interval has n − 1 degrees of freedom and is not corrected. p is that of the paired t test, corrected by Holm for all " +
      "rows of this table, and the verdict follows it. Trained are adapter parameters at the end without heads, and the " +
      "most at any step where that is another, averaged over runs: arms of different budgets do not cost the same." +
      noVerdictNote(compared.map(({ verdict }) => verdict)),
    table: tableFrom(rows, names),
    columns: [
      { title: "A", align: "left", cell: (row) => String(row["a"]) },
      { title: "B", align: "left", cell: (row) => String(row["b"]) },
      { title: "task", align: "left", cell: (row) => String(row["task"]) },
      {
        title: "metric",
        align: "left",
        cell: (row) => row["metric"] === "" ? nothing : metricTitle(String(row["metric"])),
      },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      { title: "score of A", align: "right", cell: (row) => score(row, "mean_a") },
      { title: "score of B", align: "right", cell: (row) => score(row, "mean_b") },
      { title: "difference", align: "right", cell: (row) => signed(scaled(row, "mean"), 2) },
      {
        title: "95% interval",
        align: "right",
        cell: (row) => interval(scaled(row, "low"), scaled(row, "high"), 2),
      },
      { title: "p", align: "right", cell: (row) => chance(row["corrected"]) },
      {
        title: "verdict",
        align: "left",
        cell: (row) => verdictText(row["verdict"]),
        tone: (row) => toneOf(row["verdict"]),
      },
      { title: "trained by A", align: "right", cell: (row) => countText(row, "a") },
      { title: "trained by B", align: "right", cell: (row) => countText(row, "b") },
    ],
  };
}
