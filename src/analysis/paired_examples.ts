/**
 * Differences against the baseline with examples and seeds drawn together.
 *
 * @module
 */
import type { Basis } from "./basis.ts";
import { type TwoWayDraw, twoWayDraws, twoWayIntervals } from "../stats/two_way_bootstrap.ts";
import { type Evaluated, scorerOf } from "./resampled_scores.ts";
import type { RunResults } from "./results.ts";
import { matched } from "./pairs.ts";
import { cellOf, keyOf, orderOf, selectedEvaluation } from "./run_rows.ts";

/** Resamples of a cell: enough for the ends of an interval to a tenth of its width. */
export const exampleDraws = 1000;

/** Two runs of a seed. */
interface RunPair {
  readonly theirs: RunResults;
  readonly ours: RunResults;
}

/** Finite predictions of a run on the split that counts, by example. */
function predictionsOf(run: RunResults): ReadonlyMap<number, Evaluated> {
  const split = selectedEvaluation(run.record)?.split;
  return new Map(
    run.predictions.filter((line) =>
      line.split === split && Number.isFinite(line.prediction) && Number.isFinite(line.target)
    ).map(({ id, prediction, target }) => [id, { prediction, target }]),
  );
}

/** What two methods predicted of the examples that all their runs have: `[seed][example]`. */
function matricesOf(pairs: readonly RunPair[]) {
  const theirs = pairs.map((pair) => predictionsOf(pair.theirs));
  const ours = pairs.map((pair) => predictionsOf(pair.ours));
  const ids = [...theirs[0]!.keys()].filter((id) =>
    [...theirs, ...ours].every((predictions) => predictions.has(id))
  );
  const rowsOf = (all: typeof theirs) => all.map((own) => ids.map((id) => own.get(id)!));
  return { theirs: rowsOf(theirs), ours: rowsOf(ours), examples: ids.length };
}

/** The difference of a cell with its intervals; null for a metric that predictions alone do not give. */
function differenceOf(
  pairs: readonly RunPair[],
  metric: string,
  drawsOf: (seeds: number, examples: number) => readonly TwoWayDraw[],
) {
  const { theirs, ours, examples } = matricesOf(pairs);
  const [scoreTheirs, scoreOurs] = [scorerOf(metric, theirs), scorerOf(metric, ours)];
  if (scoreTheirs === null || scoreOurs === null || examples === 0) return null;
  const statistic = ({ seeds, examples }: TwoWayDraw) => {
    let sum = 0;
    for (const seed of seeds) sum += scoreTheirs(seed, examples) - scoreOurs(seed, examples);
    return sum / seeds.length;
  };
  const seeds = pairs.length;
  const found = twoWayIntervals({ seeds, examples }, statistic, drawsOf(seeds, examples));
  const all = (count: number) => Array.from({ length: count }, (_, i) => i);
  return {
    seeds,
    n: examples,
    mean: found?.observed ?? statistic({ seeds: all(seeds), examples: all(examples) }),
    low: found?.corrected.low ?? null,
    high: found?.corrected.high ?? null,
    percentileLow: found?.percentile.low ?? null,
    percentileHigh: found?.percentile.high ?? null,
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
  const known = new Map<string, readonly TwoWayDraw[]>();
  const drawsOf = (seeds: number, examples: number) => {
    const key = keyOf(seeds, examples);
    const found = known.get(key) ??
      [...twoWayDraws(seeds, examples, { seed: 0, draws: exampleDraws })];
    known.set(key, found);
    return found;
  };
  return [...Map.groupBy(pairs, (pair) => keyOf(pair.task, pair.label, pair.budget)).values()]
    .flatMap((group) => {
      const { task, label, budget } = group[0]!;
      const metric = grid.metrics.get(task) ?? "";
      const difference = differenceOf(group, metric, drawsOf);
      if (difference === null) return [];
      const noVerdict = results.noVerdict(
        ...[label, baseline ?? []].flat().map((each) => ({ task, label: each, budget })),
      );
      return [{ task, metric, label, budget, ...difference, noVerdict }];
    })
    .sort((a, b) => order(a) - order(b));
}
