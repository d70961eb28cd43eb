/**
 * What other examples would change of a claim's mean difference, from the predictions of its runs.
 *
 * @module
 */
import { type ExampleNoise, exampleNoise } from "../../stats/two_way.ts";
import { meanOf } from "../../stats/statistics.ts";
import { type Claim, isOverExamples } from "../../study/schema/claims.ts";
import { keyOf, verdictEvaluation } from "../run_rows.ts";
import { exampleDifferences } from "../paired_examples.ts";
import { type ClaimSeries, type FoundPair, metricOf, type ScoredRun } from "./series.ts";

/** What other examples would change of a claim's mean after n seeds, in margins: over all of its tasks, or on one. */
export type ClaimNoise = (n: number, task: string | null) => ExampleNoise;

/** Of a claim that takes the examples as they are. */
export const noNoise: ExampleNoise = { variance: 0, freedom: 1 };

/** See {@linkcode noNoise}. */
export const withoutNoise: ClaimNoise = () => noNoise;

/** Of runs that do not tell: nothing is decided. */
const unknownNoise: ExampleNoise = { variance: Infinity, freedom: 1 };

/** The noise of a claim's examples, infinite where it is not known. */
export function claimNoise(
  claim: Claim,
  { pairs: seeds, differences }: Pick<ClaimSeries<ScoredRun>, "pairs" | "differences">,
): ClaimNoise {
  if (!isOverExamples(claim)) return withoutNoise;
  const known = new Map<string, ExampleNoise>();
  const margins = new Map(
    differences.flatMap(({ tasks }) => tasks)
      .map(({ task, margin }) => [task, margin]),
  );
  const onTask = (n: number, task: string) => {
    const key = keyOf(n, task);
    const own = seeds.slice(0, n).map((pairs) => pairs.filter((pair) => pair.task === task));
    const found = known.get(key) ?? noiseOf(margins.get(task)!, claim, own) ?? unknownNoise;
    known.set(key, found);
    return found;
  };
  return (n, task) => {
    if (task !== null) return onTask(n, task);
    const tasks = [...new Set(seeds.slice(0, n).flat().map((pair) => pair.task))];
    return tasks.length === 0 ? unknownNoise : meanNoise(tasks.map((own) => onTask(n, own)));
  };
}

/** The noise of the mean over tasks: they have examples of their own, so that their variances add up. */
function meanNoise(tasks: readonly ExampleNoise[]): ExampleNoise {
  return {
    variance: tasks.reduce((sum, { variance }) => sum + variance, 0) / tasks.length ** 2,
    freedom: Math.min(...tasks.map(({ freedom }) => freedom)),
  };
}

/**
 * The noise of examples of a task's mean over some seeds, in margins; null where it is not known: fewer than two seeds, runs without
 * predictions, or a metric that does not follow from these.
 *
 * @param seeds The task's pairs of each seed.
 */
function noiseOf(
  margin: number,
  claim: Claim,
  seeds: readonly (readonly FoundPair<ScoredRun>[])[],
): ExampleNoise | null {
  const bySeed = seeds.filter((own) => own.length > 0);
  const pairs = bySeed.flat().map(({ a, b }) => ({ theirs: a, ours: b }));
  const [first] = pairs;
  if (first === undefined) return null;
  const found = exampleDifferences(pairs, metricOf(first.theirs, claim), verdictEvaluation);
  if (found === null) return null;
  let next = 0;
  // Pairs of one seed, such as its budgets, are averaged: they are evaluated on the same examples.
  const influence = bySeed.map(({ length }) => {
    const own = found.influence.slice(next, next += length);
    return own[0]!.map((_, e) => meanOf(own.map((values) => values[e]!)));
  });
  const noise = exampleNoise(influence);
  return noise === null ? null : { ...noise, variance: noise.variance / margin ** 2 };
}
