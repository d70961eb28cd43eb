/**
 * One flat row a run, and the grid that the runs span: what every table and chart starts from.
 *
 * @module
 */
// Arquero takes any version of it; the one imported first is the one that it gets.
import "@uwdata/flechette";
import { type ColumnTable, op, table as tableOf } from "arquero";
import type { EvaluationLine, RecordedRequest, RunRecord } from "../record/types.ts";
import { selectedOf } from "../study/grid/steps.ts";
import { verdictSplitName } from "../tasks/run_examples.ts";
import type { StudyResults } from "./results.ts";

/** One row of a table, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** Budget name of methods without ranks. */
export const noBudget = "no budget";

/** Task name of the mean over all tasks. */
export const allTasks = "all tasks";

/** What tables and charts read of a run. */
export interface RunRow extends Cell {
  /** Hash of the run's request and inputs. */
  readonly id: string;
  /** The method's name. */
  readonly method: string;
  /** As the study has it. */
  readonly seed: number;
  /** How it ended. */
  readonly state: "finished" | "failed";
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** The primary metric of the selected evaluation; null for a failed run or an undefined metric. */
  readonly score: number | null;
}

/** The values each axis takes, in reading order. */
export interface Grid {
  /** How many tasks, or their names. */
  readonly tasks: readonly string[];
  /** In order of appearance. */
  readonly labels: readonly string[];
  /** Ascending, {@linkcode noBudget} last. */
  readonly budgets: readonly string[];
  /** Ascending. */
  readonly seeds: readonly number[];
  /** Metric of each task. */
  readonly metrics: ReadonlyMap<string, string>;
  /** Method of each label. */
  readonly methods: ReadonlyMap<string, string>;
  /** Labels of runs whose ranks do not follow from their budgets. */
  readonly withGivenRanks: ReadonlySet<string>;
}

/** What a budget of numbers counts, in words. */
const countedName = {
  parameters: "parameters",
  peak: "parameters at any step",
  stored: "stored parameters",
  meanTrained: "parameters on average",
} as const;

/** A budget's name, for instance `rank 4` or `20,000 parameters`. */
export function budgetName(budget: RecordedRequest["budget"]): string {
  if (budget === null) return noBudget;
  if (budget.type === "rank") return `rank ${budget.value}`;
  return `${budget.value.toLocaleString("en-US")} ${countedName[budget.type]}`;
}

/** The selected evaluation, by the rule the study declared; null for a failed run. */
export function selectedEvaluation(record: Pick<RunRecord, "happened">): EvaluationLine | null {
  const { outcome, keep, best, last } = record.happened;
  if (outcome.state === "failed") return null;
  return selectedOf(keep, { best, last });
}

/** The evaluation that claims are decided by: of the half that was kept for verdicts, where a run has one, else the selected. */
export function verdictEvaluation(record: Pick<RunRecord, "happened">): EvaluationLine | null {
  const selected = selectedEvaluation(record);
  if (selected === null) return null;
  return record.happened.others?.find(({ split }) => split === verdictSplitName) ?? selected;
}

/** Flattens a run's record. */
export function runRowOf(record: RunRecord): RunRow {
  const { asked, happened } = record;
  const score = selectedEvaluation(record)?.metrics[happened.primaryMetric];
  return {
    id: record.id,
    task: asked.task,
    method: asked.method,
    label: asked.label,
    budget: budgetName(asked.budget),
    seed: asked.seed,
    state: happened.outcome.state,
    metric: happened.primaryMetric,
    score: score !== undefined && Number.isFinite(score) ? score : null,
  };
}

/** Flattens all runs of a study. */
export function runRowsOf(results: StudyResults): readonly RunRow[] {
  return results.runs.map((run) => runRowOf(run.record));
}

/** All runs of a study as one arquero table, a row each. */
export function runTable(results: StudyResults): ColumnTable {
  return tableFrom(runRowsOf(results));
}

/** The axes that runs span: tasks and labels in order of appearance, budgets and seeds ascending. */
export function gridOf({ runs }: StudyResults): Grid {
  const records = runs.map(({ record }) => record);
  const all = records.map(({ asked }) => asked);
  const budgets = new Map(all.map(({ budget }) => {
    const kind = budget === null ? 2 : budget.type === "rank" ? 0 : 1;
    return [budgetName(budget), [kind, budget?.value ?? 0] as const];
  }));
  return {
    tasks: [...new Set(all.map(({ task }) => task))],
    labels: [...new Set(all.map(({ label }) => label))],
    budgets: [...budgets].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]).map(([name]) => name),
    seeds: [...new Set(all.map(({ seed }) => seed))].sort((a, b) => a - b),
    metrics: new Map(records.map(({ asked, happened }) => [asked.task, happened.primaryMetric])),
    methods: new Map(all.map(({ label, method }) => [label, method])),
    withGivenRanks: new Set(
      all.filter(({ ranksFrom }) => ranksFrom !== undefined).map(({ label }) => label),
    ),
  };
}

/** An arquero table of rows that share their keys; `names` gives the columns, by default those of the first row. */
export function tableFrom(
  rows: readonly object[],
  names: readonly string[] = Object.keys(rows[0] ?? {}),
): ColumnTable {
  const columns: Record<string, unknown[]> = {};
  for (const name of names) columns[name] = rows.map((row) => Reflect.get(row, name) ?? null);
  return tableOf(columns, [...names]);
}

/** The rows of a table as objects of a known type. */
export function rowsOf<T extends object = Row>(table: ColumnTable): readonly T[] {
  return table.objects() as unknown as readonly T[];
}

/**
 * Rows grouped by what they have under some keys, in order of appearance: the keys of each group, and what `of` makes of its rows.
 */
export function rolledUp<T extends object, const K extends keyof T & string, V extends object>(
  rows: readonly T[],
  by: readonly K[],
  of: (own: readonly T[]) => V,
): readonly (Pick<T, K> & V)[] {
  const columns = by.map((key) => [key, rows.map((row) => row[key])] as const);
  const groups = tableOf({ ...Object.fromEntries(columns), own: rows })
    .groupby(...by).rollup({ own: op.array_agg("own") });
  return rowsOf<Pick<T, K> & { readonly own: readonly T[] }>(groups)
    .map(({ own, ...keys }) => ({ ...(keys as unknown as Pick<T, K>), ...of(own) }));
}

/** A place in the grid without its seed. */
export interface Cell {
  /** Its task. */
  readonly task: string;
  /** How reports call the method with its options. */
  readonly label: string;
  /** The budget's name. */
  readonly budget: string;
}

/** The cell of the grid that a run is in. */
export const cellOf = ({ asked }: Pick<RunRecord, "asked">): Cell => ({
  task: asked.task,
  label: asked.label,
  budget: budgetName(asked.budget),
});

/** The keys of a cell of the grid. */
export const cellKeys = ["task", "label", "budget"] as const;

/** A number that sorts cells by task (all tasks last), label, then budget. */
export function orderOf(
  grid: Grid,
): (cell: Cell) => number {
  const index = (values: readonly string[]) => new Map(values.map((value, i) => [value, i]));
  const [tasks, labels, budgets] = [index(grid.tasks), index(grid.labels), index(grid.budgets)];
  return ({ task, label, budget }) =>
    ((tasks.get(task) ?? tasks.size) * (labels.size + 1) + (labels.get(label) ?? labels.size)) *
      (budgets.size + 1) + (budgets.get(budget) ?? budgets.size);
}

/** A group key of several parts. */
export const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

/** The group key of a cell. */
export const cellKey = ({ task, label, budget }: Cell): string => keyOf(task, label, budget);
