/**
 * What the comparisons that a study asks for say before any correction: any two arms, paired by seed.
 *
 * @module
 */
import { pointKey } from "../study/grid/points.ts";
import type { ClaimPair, ResolvedComparison } from "../study/compare/arms.ts";
import type { RunPoint } from "../study/types.ts";
import { meanOf } from "../stats/statistics.ts";
import { type Contrast, contrastOf } from "./contrasts.ts";
import { allTasks, budgetName, cellOf, keyOf, noBudget, runRowOf } from "./run_rows.ts";
import { joined, whole } from "../base/format.ts";
import { areAverageable } from "./metrics.ts";
import { meanOverTasks, type Pair, pooledUnit, taskUnit, type Unit, wholeSeeds } from "./pairs.ts";
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

/** A pair that both have a score for, with its runs. */
interface ScoredPair extends Pair {
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
  pairs: readonly ClaimPair<RunPoint>[],
  byPoint: ReadonlyMap<string, RunResults>,
): readonly ScoredPair[] {
  return pairs.flatMap(({ task, seed, a: ourPoint, b: theirPoint }): readonly ScoredPair[] => {
    const [a, b] = [byPoint.get(pointKey(ourPoint)), byPoint.get(pointKey(theirPoint))];
    if (a === undefined || b === undefined) return [];
    const [ours, theirs] = [runRowOf(a.record).score, runRowOf(b.record).score];
    if (ours === null || theirs === null) return [];
    const cell = keyOf(budgetName(ourPoint.budget), budgetName(theirPoint.budget));
    return [{ task, seed, cell, difference: ours - theirs, a, b, scores: { a: ours, b: theirs } }];
  });
}

/** The comparison over some pairs. */
function rowOf(
  task: string,
  unit: Unit,
  pairs: readonly ScoredPair[],
  arms: { readonly a: string; readonly b: string },
  { noVerdict }: Basis,
): AskedContrast {
  const seeds = wholeSeeds(pairs);
  const used = seeds.flat();
  const side = (name: "a" | "b") =>
    sideOf(
      arms[name],
      seeds.map((own) => meanOverTasks(own, ({ scores }) => scores[name])),
      used.map((pair) => pair[name]),
    );
  return {
    task,
    metric: unit.metric,
    ...contrastOf(
      pairs,
      unit,
      noVerdict(...used.flatMap(({ a, b }) => [cellOf(a.record), cellOf(b.record)])),
    ),
    a: side("a"),
    b: side("b"),
  };
}

/** The rows of one comparison: each task, then the mean of several whose metrics share a scale. */
function rowsOfComparison(
  { pairs }: ResolvedComparison,
  results: Basis,
  byPoint: ReadonlyMap<string, RunResults>,
): readonly AskedContrast[] {
  const arms = { a: armName(pairs.map(({ a }) => a)), b: armName(pairs.map(({ b }) => b)) };
  const scored = scoredPairs(pairs, byPoint);
  const metricOf = new Map(scored.map(({ task, a }) => [task, a.record.happened.primaryMetric]));
  const tasks = [...new Set(pairs.map(({ task }) => task))];
  const single = tasks.map((task) =>
    rowOf(
      task,
      taskUnit(results.study, task, metricOf.get(task) ?? ""),
      scored.filter((pair) => pair.task === task),
      arms,
      results,
    )
  );
  const isWhole = tasks.length > 1 && metricOf.size === tasks.length;
  return isWhole && areAverageable([...metricOf.values()])
    ? [...single, rowOf(allTasks, pooledUnit(results.study, tasks), scored, arms, results)]
    : single;
}

/** All comparisons that the study asks for, in its order. */
export function askedContrasts(results: Basis): readonly AskedContrast[] {
  const byPoint = new Map(results.runs.map((run) => [pointKey(run.record.asked), run]));
  return results.comparisons.filter(({ pairs }) => pairs.length > 0)
    .flatMap((comparison) => rowsOfComparison(comparison, results, byPoint));
}
