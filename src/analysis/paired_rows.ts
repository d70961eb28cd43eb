/**
 * Differences against a baseline, paired by task, budget and seed, before any correction.
 *
 * @module
 */
import { type Contrast, contrastOf } from "./contrasts.ts";
import { allTasks, type Cell, keyOf, noBudget, orderOf, type RunRow } from "./run_rows.ts";
import { hasAverage } from "./scores.ts";
import type { Basis, ReplayBasis } from "./basis.ts";
import { cellsOf, pairsOf, pooledUnit, type RowPair, seedDifferences, taskUnit } from "./pairs.ts";

/** Budget name of the mean over all budgets. */
export const allBudgets = "all budgets";

/** One comparison with the baseline. */
export interface PairedContrast extends Contrast, Cell {
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** The pairs of task and budget that it is averaged over: those that both have. */
  readonly cells: number;
  /** What it is about by task, as its own unit has it: one difference a seed. */
  readonly byTask: ReadonlyMap<string, readonly number[]>;
}

/** All scores of the others beside those of the baseline. */
function baselinePairs(rows: readonly RunRow[], baseline: string): readonly RowPair[] {
  const isBaseline = ({ label }: RunRow) => label === baseline;
  return pairsOf(rows.filter((row) => !isBaseline(row)), rows.filter(isBaseline));
}

/**
 * All comparisons with the baseline: each task and the mean of all, each budget and the mean of all.
 *
 * The unit is the seed: cells are averaged within a seed first, so n counts seeds. Over tasks, differences are averaged in
 * margins, so that a point on one task weighs as much as what the study calls a point on another.
 */
export function pairedContrasts(basis: Basis): readonly PairedContrast[] {
  const { baseline, rows } = basis;
  return baseline === null ? [] : contrastsOf(basis, baselinePairs(rows, baseline));
}

/** All comparisons of a replay ablation: each run with the run of uniform ranks that it names. */
export function replayContrasts(replay: ReplayBasis): readonly PairedContrast[] {
  const scores = new Map(replay.rows.map(({ id, score }) => [id, score]));
  const differences = replay.rows.flatMap(({ score, ...place }, i) => {
    const { variant, baseline } = replay.runs[i]!.replay;
    const base = scores.get(baseline) ?? null;
    return variant === "uniform" || score === null || base === null
      ? []
      : [{ ...place, cell: place.budget, difference: score - base }];
  });
  return contrastsOf(replay, differences);
}

/** What runs with other ranks are compared with in a replay ablation: the label of those with uniform ranks, null without one. */
export function replayBaseline({ runs }: ReplayBasis): string | null {
  const labels = new Set(
    runs.filter(({ replay }) => replay.variant === "uniform")
      .map(({ record }) => record.asked.label),
  );
  return labels.size > 1 ? "uniform ranks" : [...labels][0] ?? null;
}

/** The comparisons that differences give, in the order of the grid. */
function contrastsOf(
  basis: Basis,
  differences: readonly RowPair[],
): readonly PairedContrast[] {
  const { grid, baseline } = basis;
  const pooled = pooledUnit(basis.study, grid.tasks);
  const hasMean = hasAverage(grid);
  const hasBudgets = grid.budgets.filter((b) => b !== noBudget).length > 1;
  const scoped = differences.flatMap((d) => {
    const tasks = hasMean ? [d.task, allTasks] : [d.task];
    const budgets = hasBudgets && d.budget !== noBudget ? [d.budget, allBudgets] : [d.budget];
    return tasks.flatMap((task) => budgets.map((budget) => ({ task, budget, d })));
  });
  const order = orderOf(grid);
  const scopes = Map.groupBy(scoped, ({ task, budget, d }) => keyOf(task, d.label, budget));
  return [...scopes.values()].map((scope): PairedContrast => {
    const { task, budget, d: { label } } = scope[0]!;
    const unit = task === allTasks
      ? pooled
      : taskUnit(basis.study, task, grid.metrics.get(task) ?? "");
    const own = scope.map(({ d }) => d);
    const place = {
      task: task === allTasks ? null : task,
      budget: budget === allBudgets ? null : budget,
    };
    return {
      task,
      metric: unit.metric,
      label,
      budget,
      cells: cellsOf(own),
      byTask: new Map(
        [...Map.groupBy(own, (d) => d.task)].map(([name, each]) => [
          name,
          seedDifferences(each, unit),
        ]),
      ),
      ...contrastOf(
        own,
        unit,
        basis.noVerdict(
          ...[label, baseline ?? []].flat().map((each) => ({ ...place, label: each })),
        ),
      ),
    };
  }).sort((a, b) => order(a) - order(b));
}
