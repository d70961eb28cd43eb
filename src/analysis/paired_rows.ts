/**
 * Differences against a baseline, paired by task, budget and seed, before any correction.
 *
 * @module
 */
import { taskMargin } from "../study/schema/claims.ts";
import { type Contrast, contrastOf } from "./contrasts.ts";
import { allTasks, factOf, keyOf, noBudget, rowsOf, type RunFact, tableFrom } from "./run_rows.ts";
import { averageMetric, marginsMetric, metricInfo } from "./metrics.ts";
import { hasAverage, orderOf } from "./scores.ts";
import { type Basis, basisOf } from "./basis.ts";
import { noVerdicts } from "./no_verdict.ts";
import type { ReplayResults, StudyResults } from "./results.ts";

/** Budget name of the mean over all budgets. */
export const allBudgets = "all budgets";

/** One comparison with the baseline. */
export interface PairedContrast extends Contrast {
  /** Its task. */
  readonly task: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** How reports call the method with its options. */
  readonly label: string;
  /** The budget's name. */
  readonly budget: string;
  /** The pairs of task and budget that it is averaged over: those that both have. */
  readonly cells: number;
  /** What it is about by task, as its own unit has it: one difference a seed. */
  readonly byTask: ReadonlyMap<string, readonly number[]>;
}

interface Difference {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly seed: number;
  readonly difference: number;
}

/** Pairs every score with the baseline's of the same task, seed and budget; methods without budget with each. */
function differencesOf(facts: readonly RunFact[], baseline: string): readonly Difference[] {
  const names = ["task", "label", "budget", "seed", "score"];
  const scored = facts.filter((fact) => fact.score !== null);
  const ours = tableFrom(
    scored.filter((fact) => fact.label === baseline),
    names,
  );
  const joined = (theirs: readonly RunFact[], keys: readonly string[]) =>
    rowsOf(
      tableFrom(theirs, names)
        .join(ours, [[...keys], [...keys]], undefined, { suffix: ["", "_baseline"] }),
    );
  const others = scored.filter((fact) => fact.label !== baseline);
  const hasBudget = (fact: RunFact) => fact.budget !== noBudget;
  const pairs = [
    ...joined(others.filter(hasBudget), ["task", "seed", "budget"]),
    ...joined(others.filter((fact) => !hasBudget(fact)), ["task", "seed"]),
  ];
  return pairs.map((pair) => ({
    task: String(pair["task"]),
    label: String(pair["label"]),
    budget: String(pair["budget_baseline"] ?? pair["budget"]),
    seed: Number(pair["seed"]),
    difference: Number(pair["score"]) - Number(pair["score_baseline"]),
  }));
}

/** One mean difference a seed, over all cells of a scope; seeds that lack a cell are left out. */
function perSeed(differences: readonly Difference[], cells: number): readonly number[] {
  const seeds = Map.groupBy(differences, (d) => String(d.seed));
  return [...seeds.values()]
    .filter((group) => group.length === cells)
    .map((group) => group.reduce((sum, d) => sum + d.difference, 0) / group.length);
}

const cellsOf = (differences: readonly Difference[]): number =>
  new Set(differences.map((each) => keyOf(each.task, each.budget))).size;

/**
 * All comparisons with the baseline: each task and the mean of all, each budget and the mean of all.
 *
 * The unit is the seed: cells are averaged within a seed first, so n counts seeds. Over tasks, differences are averaged in
 * margins, so that a point on one task weighs as much as what the study calls a point on another.
 */
export function pairedContrasts(basis: Basis): readonly PairedContrast[] {
  const { baseline, facts } = basis;
  return baseline === null ? [] : contrastsOf(basis, differencesOf(facts, baseline), baseline);
}

/** All comparisons of a replay ablation: each run with the run of uniform ranks that it names. */
export function replayContrasts(replay: ReplayResults): readonly PairedContrast[] {
  const uniform = new Map(
    replay.runs.filter((run) => run.replay.variant === "uniform")
      .map(({ record }) => [record.id, factOf(record).score]),
  );
  const differences = replay.runs.flatMap(({ record, replay: { variant, baseline } }) => {
    const { score, ...place } = factOf(record);
    const base = uniform.get(baseline) ?? null;
    return variant === "uniform" || score === null || base === null
      ? []
      : [{ ...place, difference: score - base }];
  });
  return contrastsOf(basisOf(replay), differences, replayBaseline(replay));
}

/** What runs with other ranks are compared with in a replay ablation: the label of those with uniform ranks, null without one. */
export function replayBaseline({ runs }: ReplayResults): string | null {
  const labels = new Set(
    runs.filter(({ replay }) => replay.variant === "uniform")
      .map(({ record }) => record.asked.label),
  );
  return labels.size > 1 ? "uniform ranks" : [...labels][0] ?? null;
}

/** The margin of several tasks together, and what their differences are divided by before they are averaged. */
export interface PooledUnit {
  /** `average` where all tasks have one margin, so that means are in points; else `margins`. */
  readonly metric: string;
  readonly margin: number;
  readonly divisorOf: (task: string) => number;
}

/** The unit of an average over tasks. */
export function pooledUnit({ study }: StudyResults, tasks: readonly string[]): PooledUnit {
  const margins = new Set(tasks.map((task) => taskMargin(study, task)));
  return margins.size === 1
    ? { metric: averageMetric(), margin: [...margins][0]!, divisorOf: () => 1 }
    : { metric: marginsMetric(), margin: 1, divisorOf: (task) => taskMargin(study, task) };
}

/** The comparisons that differences give, in the order of the grid. */
function contrastsOf(
  basis: Basis,
  differences: readonly Difference[],
  baseline: string | null,
): readonly PairedContrast[] {
  const { grid } = basis;
  const noVerdict = noVerdicts(basis);
  const pooled = pooledUnit(basis, grid.tasks);
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
    const isPooled = task === allTasks;
    const metric = isPooled ? pooled.metric : grid.metrics.get(task) ?? "";
    const margin = isPooled ? pooled.margin : taskMargin(basis.study, task);
    const own = scope.map(({ d }) =>
      isPooled ? { ...d, difference: d.difference / pooled.divisorOf(d.task) } : d
    );
    const cells = cellsOf(own);
    const place = {
      task: isPooled ? null : task,
      budget: budget === allBudgets ? null : budget,
    };
    return {
      task,
      metric,
      label,
      budget,
      cells,
      byTask: new Map(
        [...Map.groupBy(own, (d) => d.task)].map(([name, each]) => [
          name,
          perSeed(each, cellsOf(each)),
        ]),
      ),
      ...contrastOf(perSeed(own, cells), {
        margin,
        isHigherBetter: metricInfo(metric).isHigherBetter,
        noVerdict: [label, ...(baseline === null ? [] : [baseline])]
          .map((each) => noVerdict({ ...place, label: each })).find((each) => each !== null) ??
          null,
      }),
    };
  }).sort((a, b) => order(a) - order(b));
}
