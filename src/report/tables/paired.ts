/**
 * Differences against a baseline, paired by task, budget and seed.
 *
 * @module
 */
import {
  allTasks,
  factOf,
  factsOf,
  type Grid,
  gridOf,
  groupBy,
  keyOf,
  noBudget,
  type RunFact,
  tableFrom,
} from "../facts.ts";
import { interval, signed, whole } from "../format.ts";
import { averageMetric, metricInfo, metricTitle } from "../metrics.ts";
import type { CellScope } from "../convergence.ts";
import { type NoVerdict, noVerdictNote, noVerdicts } from "../no_verdict.ts";
import { comparePaired, type Summary, type Verdict } from "../../stats/statistics.ts";
import type { ReplayResults, ReportTable, Row, StudyResults, Tone } from "../types.ts";
import { hasAverage, orderOf } from "./scores.ts";

/** Budget name of the mean over all budgets. */
export const allBudgets = "all budgets";

/** What is said of a comparison with the baseline. */
export type PairedVerdict = Verdict | NoVerdict;

/** A paired difference with what is said of it. */
export interface PairedComparison extends Summary {
  /** A {@linkcode NoVerdict} where a cell that it is made of has not converged or is not bracketed, whatever the difference is. */
  readonly verdict: PairedVerdict;
}

/** One comparison with the baseline. */
export interface PairedRow extends PairedComparison {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  /** The pairs of task and budget that it is averaged over: those that both have. */
  readonly cells: number;
}

/** The label of plain LoRA, null in a study without. */
export function baselineOf(grid: Grid): string | null {
  return grid.labels.find((label) =>
    grid.methods.get(label) === "lora" && !grid.withGivenRanks.has(label)
  ) ?? null;
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
    scored.filter((fact) => fact.label === baseline) as unknown as readonly Row[],
    names,
  );
  const joined = (theirs: readonly RunFact[], keys: readonly string[]) =>
    tableFrom(theirs as unknown as readonly Row[], names)
      .join(ours, [[...keys], [...keys]], undefined, { suffix: ["", "_baseline"] })
      .objects() as unknown as readonly Row[];
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
  const seeds = groupBy(differences, (d) => String(d.seed));
  return [...seeds.values()]
    .filter((group) => group.length === cells)
    .map((group) => group.reduce((sum, d) => sum + d.difference, 0) / group.length);
}

/**
 * All comparisons with `baseline`: each task and the mean of all, each budget and the mean of all.
 *
 * The unit is the seed: cells are averaged within a seed first, so n counts seeds.
 */
export function pairedRows(results: StudyResults, baseline: string): readonly PairedRow[] {
  return rowsOf(gridOf(results), differencesOf(factsOf(results), baseline), {
    baseline,
    noVerdict: noVerdicts(results),
  });
}

/** All comparisons of a replay ablation: each run with the run of uniform ranks that it names. */
export function replayRows(replay: ReplayResults): readonly PairedRow[] {
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
  return rowsOf(gridOf(replay), differences, {
    baseline: replayBaseline(replay),
    noVerdict: noVerdicts(replay),
  });
}

/** What comparisons are with, and which cells have no verdict. */
interface ComparedWith {
  readonly baseline: string | null;
  readonly noVerdict: (scope: CellScope) => NoVerdict | null;
}

/** The comparisons that differences give, in the order of the grid. */
function rowsOf(
  grid: Grid,
  differences: readonly Difference[],
  { baseline, noVerdict }: ComparedWith,
): readonly PairedRow[] {
  const scoped = differences.flatMap((d) => {
    const tasks = hasAverage(grid) ? [d.task, allTasks] : [d.task];
    const budgets = grid.budgets.filter((b) => b !== noBudget).length > 1 && d.budget !== noBudget
      ? [d.budget, allBudgets]
      : [d.budget];
    return tasks.flatMap((task) => budgets.map((budget) => ({ task, budget, d })));
  });
  const order = orderOf(grid);
  const scopes = groupBy(scoped, ({ task, budget, d }) => keyOf(task, d.label, budget));
  return [...scopes.values()].map((scope): PairedRow => {
    const { task, budget, d } = scope[0]!;
    const metric = task === allTasks ? averageMetric() : grid.metrics.get(task) ?? "";
    const own = scope.map((s) => s.d);
    const cells = new Set(own.map((each) => keyOf(each.task, each.budget))).size;
    const compared = comparePaired(perSeed(own, cells), metricInfo(metric).isHigherBetter);
    const place = {
      task: task === allTasks ? null : task,
      budget: budget === allBudgets ? null : budget,
    };
    const open = [d.label, ...(baseline === null ? [] : [baseline])]
      .map((label) => noVerdict({ ...place, label })).find((verdict) => verdict !== null);
    return {
      task,
      metric,
      label: d.label,
      budget,
      cells,
      ...compared,
      verdict: compared.n > 0 ? open ?? compared.verdict : compared.verdict,
    };
  }).sort((a, b) => order(a) - order(b));
}

/** A verdict as cells say it. */
export function verdictText(verdict: unknown): string {
  return verdict === "no significant difference" ? "not significant" : String(verdict);
}

/** How a verdict is coloured. */
export function toneOf(verdict: unknown): Tone {
  if (verdict === "better") return "good";
  if (verdict === "worse") return "bad";
  return "muted";
}

/** Columns of a table of differences. */
export const pairedNames = [
  "task",
  "metric",
  "label",
  "budget",
  "cells",
  "n",
  "mean",
  "sd",
  "low",
  "high",
  "verdict",
];

/** A difference, or an end of its interval, in the report's scale. */
export const scaled = (row: Row, name: string): number | null => {
  const value = row[name];
  return typeof value === "number" ? value * metricInfo(String(row["metric"])).scale : null;
};

/** The table of {@linkcode pairedRows}. */
export function pairedTable(results: StudyResults, baseline: string | null): ReportTable {
  return tableOfRows("paired", baseline === null ? [] : pairedRows(results, baseline), baseline);
}

/** What runs with other ranks are compared with in a replay ablation: the label of those with uniform ranks, null without one. */
export function replayBaseline({ runs }: ReplayResults): string | null {
  const labels = new Set(
    runs.filter(({ replay }) => replay.variant === "uniform")
      .map(({ record }) => record.asked.label),
  );
  return labels.size > 1 ? "uniform ranks" : [...labels][0] ?? null;
}

/** The table of {@linkcode replayRows}. */
export function replayTable(replay: ReplayResults): ReportTable {
  return tableOfRows("replay_paired", replayRows(replay), replayBaseline(replay));
}

function tableOfRows(
  id: string,
  rows: readonly PairedRow[],
  baseline: string | null,
): ReportTable {
  const evaluated = rows.filter((row) => row.sd !== null).length;
  return {
    id,
    title: baseline === null
      ? "Paired differences"
      : `Differences against ${baseline}, paired by seed`,
    note: baseline === null
      ? "The study has no baseline to compare with."
      : `The difference is the method’s score minus the score of ${baseline} on the same task, budget and seed, averaged over the ` +
        `task-budget combinations that both have. n counts seeds; the 95% t interval has n − 1 degrees of freedom. ` +
        `Better and worse say that the interval excludes zero. ` +
        (evaluated < 2
          ? ""
          : `The intervals are not corrected for their number: of ${
            whole(evaluated)
          } comparisons of equal methods, one in twenty would exclude zero by chance.`) +
        noVerdictNote(rows.map(({ verdict }) => verdict)),
    table: tableFrom(rows as unknown as readonly Row[], pairedNames),
    columns: [
      { title: "task", align: "left", cell: (row) => String(row["task"]) },
      { title: "metric", align: "left", cell: (row) => metricTitle(String(row["metric"])) },
      { title: "method", align: "left", cell: (row) => String(row["label"]) },
      { title: "budget", align: "left", cell: (row) => String(row["budget"]) },
      { title: "combinations", align: "right", cell: (row) => whole(row["cells"]) },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      { title: "difference", align: "right", cell: (row) => signed(scaled(row, "mean"), 2) },
      {
        title: "95% interval",
        align: "right",
        cell: (row) => interval(scaled(row, "low"), scaled(row, "high"), 2),
      },
      {
        title: "verdict",
        align: "left",
        cell: (row) => verdictText(row["verdict"]),
        tone: (row) => toneOf(row["verdict"]),
      },
    ],
  };
}
