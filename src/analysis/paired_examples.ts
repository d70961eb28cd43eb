/**
 * Differences against the baseline over other seeds and other examples.
 *
 * @module
 */
import type { Basis } from "./basis.ts";
import { meanOf } from "../stats/statistics.ts";
import { twoWayInterval } from "../stats/two_way.ts";
import { type Evaluated, exampleGroups, influenceOf, scorerOf } from "./example_scores.ts";
import type { ScoredRun } from "./claims/series.ts";
import { matched } from "./pairs.ts";
import { cellOf, keyOf, orderOf, selectedEvaluation } from "./run_rows.ts";

/** Two runs of a seed. */
export interface RunPair {
  readonly theirs: ScoredRun;
  readonly ours: ScoredRun;
}

/** Finite predictions of a run on the split that counts, by example. */
function predictionsOf(
  run: ScoredRun,
  evaluationOf: typeof selectedEvaluation,
): ReadonlyMap<number, Evaluated> {
  const split = evaluationOf(run.record)?.split;
  return new Map(
    (run.predictions ?? []).filter((line) =>
      line.split === split && Number.isFinite(line.prediction) && Number.isFinite(line.target)
    ).map(({ id, prediction, target }) => [id, { prediction, target }]),
  );
}

/** What two methods predicted of the examples that all their runs have: `[seed][example]`. */
function matricesOf(pairs: readonly RunPair[], evaluationOf: typeof selectedEvaluation) {
  const theirs = pairs.map((pair) => predictionsOf(pair.theirs, evaluationOf));
  const ours = pairs.map((pair) => predictionsOf(pair.ours, evaluationOf));
  const ids = [...theirs[0]!.keys()].filter((id) =>
    [...theirs, ...ours].every((predictions) => predictions.has(id))
  );
  const rowsOf = (all: typeof theirs) => all.map((own) => ids.map((id) => own.get(id)!));
  return { theirs: rowsOf(theirs), ours: rowsOf(ours), examples: ids.length };
}

/** What two methods' predictions say of their difference in a metric. */
export interface ExampleDifferences {
  /** Examples that all runs have. */
  readonly examples: number;
  /** The first minus the second on these, a seed each. */
  readonly differences: readonly number[];
  /** `[seed][group]`: what each group of examples adds to them, as {@linkcode influenceOf} gives it. */
  readonly influence: readonly (readonly number[])[];
}

/**
 * The differences of pairs of runs, one a seed, with what examples add to them; null for a metric that predictions alone do not give.
 *
 * @param evaluationOf The evaluation whose predictions count. Default: the selected one.
 */
export function exampleDifferences(
  pairs: readonly RunPair[],
  metric: string,
  evaluationOf: typeof selectedEvaluation = selectedEvaluation,
): ExampleDifferences | null {
  const { theirs, ours, examples } = matricesOf(pairs, evaluationOf);
  const [scoreTheirs, scoreOurs] = [scorerOf(metric, theirs), scorerOf(metric, ours)];
  if (scoreTheirs === null || scoreOurs === null || examples === 0) return null;
  const groups = exampleGroups(examples);
  const every = Array.from({ length: examples }, (_, i) => i);
  const of = (seed: number) => (some: readonly number[]) =>
    scoreTheirs(seed, some) - scoreOurs(seed, some);
  return {
    examples,
    differences: pairs.map((_, seed) => of(seed)(every)),
    influence: pairs.map((_, seed) => influenceOf(of(seed), examples, groups)),
  };
}

/**
 * Differences of the metric itself with intervals over other seeds and other evaluation examples at once, where
 * {@linkcode pairedContrasts} takes the examples as they are.
 */
export function exampleRows(results: Basis) {
  const grid = results.grid;
  const baseline = results.baseline;
  const finished = results.runs.filter((run) =>
    selectedEvaluation(run.record) !== null && run.predictions.length > 0
  ).map((run) => ({ ...cellOf(run.record), seed: run.record.asked.seed, run }));
  const pairs = matched(
    finished.filter(({ label }) => label !== baseline),
    finished.filter(({ label }) => label === baseline),
  ).map(({ a: { task, label, run: theirs }, b: { budget, run: ours } }) => ({
    ...{ task, label, budget, theirs, ours },
  }));
  const order = orderOf(grid);
  return [...Map.groupBy(pairs, (pair) => keyOf(pair.task, pair.label, pair.budget)).values()]
    .flatMap((group) => {
      const { task, label, budget } = group[0]!;
      const metric = grid.metrics.get(task) ?? "";
      const found = exampleDifferences(group, metric);
      if (found === null) return [];
      const { examples, differences, influence } = found;
      const interval = twoWayInterval(differences, influence);
      const noVerdict = results.noVerdict(
        ...[label, baseline ?? []].flat().map((each) => ({ task, label: each, budget })),
      );
      return [{
        ...{ task, metric, label, budget },
        seeds: group.length,
        n: examples,
        mean: meanOf(differences),
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        seedError: interval?.seedError ?? null,
        exampleError: interval?.exampleError ?? null,
        noVerdict,
      }];
    })
    .sort((a, b) => order(a) - order(b));
}
