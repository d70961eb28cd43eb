/**
 * What the comparisons that a study asks for say before any correction: any two arms, paired by seed.
 *
 * @module
 */
import { pointKey } from "../study/grid/points.ts";
import { taskMargin } from "../study/schema/claims.ts";
import type { ComparedPair, ResolvedComparison } from "../study/compare/pairs.ts";
import type { RunPoint } from "../study/types.ts";
import { meanOf } from "../stats/mean.ts";
import { type Contrast, contrastOf } from "./contrasts.ts";
import { type NoVerdict, noVerdictOf } from "./no_verdict.ts";
import { allTasks, budgetName, factOf, keyOf, noBudget } from "./run_rows.ts";
import { joined, whole } from "../base/format.ts";
import { areAverageable, metricInfo } from "./metrics.ts";
import { pooledUnit } from "./paired_rows.ts";
import type { Basis } from "./basis.ts";
import type { RunResults } from "./results.ts";

/** One side of a comparison on a task. */
export interface ComparedSide {
  /** Its label and budget, for instance `elalora, rank 2`. */
  readonly arm: string;
  /** Mean of its scores over the seeds that are compared; null without any. */
  readonly mean: number | null;
  /** Adapter parameters at the end and at most, averaged over its runs; null where no run has ended. */
  readonly trained: number | null;
  /** The highest count of a run, averaged over its runs. */
  readonly peak: number | null;
}

/** How many adapter parameters a side ended with, and the highest count of a run where that is another. */
export function trainedText({ trained, peak }: Pick<ComparedSide, "trained" | "peak">): string {
  const [end, most] = [whole(trained), whole(peak)];
  return end === most ? end : `${end} (peak ${most})`;
}

/** A comparison on a task, or on average over its tasks. */
export interface AskedContrast extends Contrast {
  /** Its task. */
  readonly task: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** One side. */
  readonly a: ComparedSide;
  /** The other side. */
  readonly b: ComparedSide;
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

function knownMean(values: readonly number[]): number | null {
  return values.length === 0 ? null : meanOf(values);
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
    mean: knownMean(scores),
    trained: knownMean(trained.map(({ final }) => final)),
    peak: knownMean(trained.map(({ peak }) => peak)),
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

/** What differences are averaged and held against. */
interface ComparedUnit {
  readonly task: string;
  readonly metric: string;
  readonly margin: number;
  /** What the differences of a task are divided by. */
  readonly divisorOf: (task: string) => number;
}

/** The comparison over some pairs: a mean a seed first, of the seeds that have all cells. */
function rowOf(
  { task, metric, margin, divisorOf }: ComparedUnit,
  pairs: readonly ScoredPair[],
  { arms, noVerdict }: ComparedArms,
): AskedContrast {
  const cells = new Set(pairs.map(({ cell }) => cell)).size;
  const whole = [...Map.groupBy(pairs, ({ seed }) => String(seed)).values()]
    .filter((own) => own.length === cells);
  const perSeed = (of: (pair: ScoredPair) => number) =>
    whole.map((own) => own.reduce((sum, pair) => sum + of(pair), 0) / own.length);
  const used = whole.flat();
  return {
    task,
    metric,
    ...contrastOf(perSeed(({ scores, task }) => (scores.a - scores.b) / divisorOf(task)), {
      margin,
      isHigherBetter: metricInfo(metric).isHigherBetter,
      noVerdict: used.flatMap(({ a, b }) => [noVerdict(a), noVerdict(b)])
        .find((verdict) => verdict !== null) ?? null,
    }),
    a: sideOf(arms.a, perSeed(({ scores }) => scores.a), used.map(({ a }) => a)),
    b: sideOf(arms.b, perSeed(({ scores }) => scores.b), used.map(({ b }) => b)),
  };
}

/** The rows of one comparison: each task, then the mean of several whose metrics share a scale. */
function rowsOfComparison(
  { pairs }: ResolvedComparison,
  results: Basis,
  byPoint: ReadonlyMap<string, RunResults>,
): readonly AskedContrast[] {
  const arms = { a: armName(pairs.map(({ a }) => a)), b: armName(pairs.map(({ b }) => b)) };
  const compared = { arms, noVerdict: noVerdictOf(results) };
  const scored = scoredPairs(pairs, byPoint);
  const metricOf = new Map(scored.map(({ task, a }) => [task, a.record.happened.primaryMetric]));
  const tasks = [...new Set(pairs.map(({ task }) => task))];
  const single = tasks.map((task) =>
    rowOf(
      {
        task,
        metric: metricOf.get(task) ?? "",
        margin: taskMargin(results.study, task),
        divisorOf: () => 1,
      },
      scored.filter((pair) => pair.task === task),
      compared,
    )
  );
  const isWhole = tasks.length > 1 && metricOf.size === tasks.length;
  return isWhole && areAverageable([...metricOf.values()])
    ? [...single, rowOf({ task: allTasks, ...pooledUnit(results, tasks) }, scored, compared)]
    : single;
}

/** All comparisons that the study asks for, in its order. */
export function askedContrasts(results: Basis): readonly AskedContrast[] {
  const byPoint = new Map(results.runs.map((run) => [pointKey(run.record.asked), run]));
  return results.comparisons.filter(({ pairs }) => pairs.length > 0)
    .flatMap((comparison) => rowsOfComparison(comparison, results, byPoint));
}
