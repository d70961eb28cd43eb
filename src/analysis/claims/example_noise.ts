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
  return (n, task) => {
    const key = keyOf(n, task ?? "");
    const of = (own: readonly FoundPair<ScoredRun>[]) =>
      task === null ? own : own.filter((pair) => pair.task === task);
    const found = known.get(key) ?? noiseOf(margins, claim, seeds.slice(0, n).map(of)) ??
      unknownNoise;
    known.set(key, found);
    return found;
  };
}

/**
 * The noise of examples of a claim's mean over some seeds, in margins; null where it is not known: fewer than two seeds, runs without
 * predictions, or a metric that does not follow from these. Tasks have examples of their own, so their variances add up.
 *
 * @param margins By task.
 * @param seeds The pairs of each seed, of one task or several.
 */
function noiseOf(
  margins: ReadonlyMap<string, number>,
  claim: Claim,
  seeds: readonly (readonly FoundPair<ScoredRun>[])[],
): ExampleNoise | null {
  const tasks = [...new Set(seeds.flat().map(({ task }) => task))];
  const parts = tasks.map((task) => {
    const bySeed = seeds.map((own) => own.filter((pair) => pair.task === task))
      .filter((own) => own.length > 0);
    const pairs = bySeed.flat().map(({ a, b }) => ({ theirs: a, ours: b }));
    const found = exampleDifferences(
      pairs,
      metricOf(pairs[0]!.theirs, claim),
      verdictEvaluation,
    );
    if (found === null) return null;
    let next = 0;
    // Pairs of one seed, such as its budgets, are averaged: they are evaluated on the same examples.
    const influence = bySeed.map(({ length }) => {
      const own = found.influence.slice(next, next += length);
      return own[0]!.map((_, e) => meanOf(own.map((values) => values[e]!)));
    });
    const noise = exampleNoise(influence);
    const scale = margins.get(task)! * tasks.length;
    return noise === null ? null : { ...noise, variance: noise.variance / scale ** 2 };
  });
  const known = parts.filter((part) => part !== null);
  if (known.length < tasks.length || tasks.length === 0) return null;
  return {
    variance: known.reduce((sum, { variance }) => sum + variance, 0),
    freedom: Math.min(...known.map(({ freedom }) => freedom)),
  };
}
