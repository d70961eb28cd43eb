/**
 * Pairs of scores with one task and seed: what every comparison of a study is made of, and how pairs become one difference a seed.
 *
 * @module
 */
import { type StudyMargin, taskMargin } from "../study/schema/claims.ts";
import { meanOf } from "../stats/statistics.ts";
import { averageMetric, marginsMetric } from "./metrics.ts";
import { type Cell, keyOf, noBudget, type RunRow } from "./run_rows.ts";

/** Two scores that are compared. */
export interface Pair {
  readonly task: string;
  readonly seed: number;
  /** Tells apart the pairs of one task and seed, such as their budget. */
  readonly cell: string;
  /** The first score minus the second, as recorded. */
  readonly difference: number;
}

/** A pair of rows, under the name of the first side. */
export interface RowPair extends Pair {
  readonly label: string;
  /** Of the side that has one. */
  readonly budget: string;
}

/** What is paired: a place in the grid. */
interface Placed extends Cell {
  readonly seed: number;
}

/** Each of one side beside those of the other with the same task, seed and budget; what has no budget beside each. */
export function matched<A extends Placed, B extends Placed>(
  a: readonly A[],
  b: readonly B[],
): readonly { readonly a: A; readonly b: B }[] {
  const others = Map.groupBy(b, ({ task, seed }) => keyOf(task, seed));
  return a.flatMap((one) =>
    (others.get(keyOf(one.task, one.seed)) ?? [])
      .filter(({ budget }) => one.budget === noBudget || one.budget === budget)
      .map((other) => ({ a: one, b: other }))
  );
}

/** The differences of the scored rows of one side from those of the other. */
export function pairsOf(a: readonly RunRow[], b: readonly RunRow[]): readonly RowPair[] {
  const scored = (rows: readonly RunRow[]) => rows.filter(({ score }) => score !== null);
  return matched(scored(a), scored(b)).map(({ a: { task, seed, label, score }, b: other }) => {
    const { budget } = other;
    return { task, seed, label, budget, cell: budget, difference: score! - other.score! };
  });
}

/** How many different places pairs have. */
export function cellsOf(pairs: readonly Pair[]): number {
  return new Set(pairs.map(({ task, cell }) => keyOf(task, cell))).size;
}

/** The pairs of each seed that has all places; a seed that lacks one is left out. */
export function wholeSeeds<P extends Pair>(pairs: readonly P[]): readonly (readonly P[])[] {
  const cells = cellsOf(pairs);
  return [...Map.groupBy(pairs, ({ seed }) => seed).values()].filter((own) => own.length === cells);
}

/**
 * The mean over tasks of the mean over each task's pairs: a task counts once, however many budgets it has.
 *
 * Each pair is weighted, so that tasks with the same number of pairs give the plain mean of all pairs to the last bit.
 */
export function meanOverTasks<P extends Pair>(
  pairs: readonly P[],
  valueOf: (pair: P) => number,
): number {
  const tasks = Map.groupBy(pairs, ({ task }) => task);
  const share = pairs.length / tasks.size;
  return meanOf(pairs.map((pair) => valueOf(pair) * (share / tasks.get(pair.task)!.length)));
}

/** One difference a seed, in a unit. */
export function seedDifferences(
  pairs: readonly Pair[],
  { divisorOf }: Pick<Unit, "divisorOf">,
): readonly number[] {
  return wholeSeeds(pairs).map((own) =>
    meanOverTasks(own, ({ task, difference }) => difference / divisorOf(task))
  );
}

/** What differences are averaged in and held against. */
export interface Unit {
  /** A task's metric; of several tasks `average` where all have one margin, so that means are in points, else `margins`. */
  readonly metric: string;
  /** Half of the region of practical equivalence. */
  readonly margin: number;
  /** What the differences of a task are divided by. */
  readonly divisorOf: (task: string) => number;
}

/** The study's own margins. */
interface WithMargin {
  readonly margin?: StudyMargin;
}

/** The unit of differences on one task. */
export function taskUnit(study: WithMargin, task: string, metric: string): Unit {
  return { metric, margin: taskMargin(study, task), divisorOf: () => 1 };
}

/** The unit of a mean over tasks. */
export function pooledUnit(study: WithMargin, tasks: readonly string[]): Unit {
  const margins = new Set(tasks.map((task) => taskMargin(study, task)));
  return margins.size === 1
    ? { metric: averageMetric(), margin: [...margins][0]!, divisorOf: () => 1 }
    : { metric: marginsMetric(), margin: 1, divisorOf: (task) => taskMargin(study, task) };
}
