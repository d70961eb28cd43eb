/**
 * What quality costs: time and parameters to store; and which cells nothing else beats.
 *
 * @module
 */
import { op } from "arquero";
import type { RunRecord } from "../../record/types.ts";
import {
  allTasks,
  type Grid,
  keyOf,
  rowsOf,
  runRowOf,
  tableFrom,
} from "../../analysis/run_rows.ts";
import { duration, fixed, nothing, significant, whole } from "../../base/format.ts";
import { hasAverage, majorityNote, orderOf } from "../../analysis/scores.ts";
import { averageMetric, metricInfo } from "../../analysis/metrics.ts";
import { onFront } from "../../stats/pareto.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { storedOf } from "./budgets.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  scoreWithMetric,
  taskColumn,
} from "./columns.ts";

/** A method's quality and cost on one task at one budget. */
export interface CostRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  readonly n: number;
  readonly score: number | null;
  readonly stepMillis: number;
  /**
   * The most runs that were trained at a time with one of these, itself included; null where a record does not say and none
   * says that there was more than one.
   */
  readonly jobs: number | null;
  /** Step time over the baseline's at the same task and budget; null without one, and where runs shared the machine. */
  readonly stepRatio: number | null;
  readonly tokensPerSecond: number;
  readonly wallMillis: number;
  /** Steps of a run, its rank events and the estimate of its ranks, without evaluations. */
  readonly trainMillis: number;
  /** The part of `trainMillis` that rank events and the estimate took, null where records do not say. */
  readonly eventMillis: number | null;
  /** Parameters to store, head included. */
  readonly parameters: number;
  /**
   * Whether no other cell of the task has as good a mean for less training time, or for fewer parameters; none is on the
   * front of times where runs of the task shared the machine.
   */
  readonly isOnTimeFront: boolean;
  readonly isOnSizeFront: boolean;
}

type Measured = Omit<CostRow, "stepRatio" | "isOnTimeFront" | "isOnSizeFront">;

const finite = (value: number | null) => value !== null && Number.isFinite(value) ? value : null;

/** What a run spent on ranks besides steps, null where its record does not say. */
function millisApart({ happened: { time, estimate } }: RunRecord): number | null {
  if (time.eventMillis === undefined && estimate === undefined) return null;
  return (time.eventMillis ?? 0) + (estimate?.millis ?? 0);
}

/** What a finished run cost. */
function costsOf(record: RunRecord) {
  const { time, parameters } = record.happened;
  const apart = millisApart(record);
  return {
    ...runRowOf(record),
    jobs: time.jobs ?? NaN,
    stepMillis: finite(time.medianStepMillis),
    tokensPerSecond: finite(time.tokensPerSecond),
    wallMillis: time.wallMillis,
    trainMillis: time.trainMillis + (apart ?? 0),
    eventMillis: apart,
    parameters: storedOf(record).count + parameters.head,
  };
}

/**
 * Quality beside cost for each task, method and budget, over finished runs: medians of times, means of parameters.
 *
 * Where tasks can be averaged their mean follows, for methods that finished all of them.
 */
export function costRows(results: Analysis, baseline: string | null): readonly CostRow[] {
  const facts = results.runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }) => costsOf(record));
  if (facts.length === 0) return [];
  const perTask = rowsOf<Measured & { readonly known: number }>(
    tableFrom(facts).groupby("task", "label", "budget").rollup({
      metric: op.any("metric"),
      n: op.count(),
      score: op.mean("score"),
      jobs: op.max("jobs"),
      known: op.valid("jobs"),
      stepMillis: op.median("stepMillis"),
      tokensPerSecond: op.median("tokensPerSecond"),
      wallMillis: op.median("wallMillis"),
      trainMillis: op.median("trainMillis"),
      eventMillis: op.median("eventMillis"),
      parameters: op.mean("parameters"),
    }),
  ).map(({ known, ...row }): Measured => ({
    ...row,
    eventMillis: finite(row.eventMillis),
    jobs: known === row.n ? row.jobs : sharedOf([row.jobs]),
  }));
  const grid = results.grid;
  const rows = [...perTask, ...averagesOf(results, grid, perTask)];
  const baselines = new Map(
    rows.filter((row) => row.label === baseline && !isShared(row))
      .map((row) => [keyOf(row.task, row.budget), row.stepMillis]),
  );
  const order = orderOf(grid);
  return [...Map.groupBy(rows, (row) => row.task).values()].flatMap(withFronts).map((row) => {
    const ours = baselines.get(keyOf(row.task, row.budget));
    const stepRatio = ours === undefined || isShared(row) ? null : row.stepMillis / ours;
    return { ...row, stepRatio };
  }).sort((a, b) => order(a) - order(b));
}

/** The most runs at a time of those that say so, null where none says more than one. */
function sharedOf(jobs: readonly (number | null | undefined)[]): number | null {
  const most = Math.max(0, ...jobs.map((own) => own ?? 0));
  return most > 1 ? most : null;
}

/** Whether it is known that runs shared the machine, so that their times say little of the method. */
function isShared({ jobs }: Pick<CostRow, "jobs">): boolean {
  return jobs !== null && jobs > 1;
}

/** The mean over tasks of each method and budget that has them all. */
function averagesOf(
  results: Analysis,
  grid: Grid,
  perTask: readonly Measured[],
): readonly Measured[] {
  if (!hasAverage(grid)) return [];
  const scores = new Map(
    results.scores.filter((row) => row.task === allTasks)
      .map((row) => [keyOf(row.label, row.budget), row.mean]),
  );
  return [...Map.groupBy(perTask, (row) => keyOf(row.label, row.budget))].flatMap(
    ([key, group]) => {
      if (group.length < grid.tasks.length) return [];
      const { label, budget } = group[0]!;
      const meanOf = (valueOf: (row: Measured) => number) =>
        group.reduce((sum, row) => sum + valueOf(row), 0) / group.length;
      const events = group.map((row) => row.eventMillis);
      return [{
        task: allTasks,
        metric: averageMetric(),
        label,
        budget,
        n: group.reduce((sum, row) => sum + row.n, 0),
        score: scores.get(key) ?? null,
        jobs: group.some(({ jobs }) => jobs === null)
          ? sharedOf(group.map(({ jobs }) => jobs))
          : Math.max(...group.map(({ jobs }) => jobs!)),
        stepMillis: meanOf((row) => row.stepMillis),
        tokensPerSecond: meanOf((row) => row.tokensPerSecond),
        wallMillis: meanOf((row) => row.wallMillis),
        trainMillis: meanOf((row) => row.trainMillis),
        eventMillis: events.includes(null) ? null : meanOf((row) => row.eventMillis!),
        parameters: meanOf((row) => row.parameters),
      }];
    },
  );
}

/** Marks the cells of one task that are on its fronts. */
function withFronts(
  rows: readonly Measured[],
): readonly Omit<CostRow, "stepRatio">[] {
  const sign = metricInfo(rows[0]!.metric).isHigherBetter ? 1 : -1;
  const front = (costOf: (row: Measured) => number) =>
    onFront(rows.map((row) => ({
      cost: costOf(row),
      quality: row.score === null ? null : sign * row.score,
    })));
  const time = rows.some(isShared) ? rows.map(() => false) : front((row) => row.trainMillis);
  const size = front((row) => row.parameters);
  return rows.map((row, i) => ({ ...row, isOnTimeFront: time[i]!, isOnSizeFront: size[i]! }));
}

/** Which fronts a row is on, in words. */
function frontText(row: CostRow): string {
  const fronts = [
    ...(row.isOnTimeFront ? ["time"] : []),
    ...(row.isOnSizeFront ? ["size"] : []),
  ];
  return fronts.length === 0 ? nothing : fronts.join(", ");
}

/** What a reader must know of times of runs that were made side by side. */
function sharingText(rows: readonly CostRow[]): string {
  const some = rows.some(isShared)
    ? "Runs that were made several at a time shared the machine: their times are longer than those of a run alone, and " +
      "they are left out of ratios and of the front of times. "
    : "";
  return rows.some(({ jobs }) => jobs === null)
    ? `${some}Older records do not say how many runs were trained at a time; with several, times and ratios cannot be compared. `
    : some;
}

/** The table of {@linkcode costRows}. */
export function costTable(results: Analysis, baseline: string | null): ReportTable {
  const rows = costRows(results, baseline);
  const hasEvents = rows.some((row) => row.eventMillis !== null);
  return reportTable(rows, {
    id: "cost",
    title: "Quality and cost",
    note: "Times are medians over the finished runs of a task, method and budget. " +
      (baseline === null
        ? ""
        : `The ratio compares the time of a step with ${baseline}’s on the same task and budget. `) +
      sharingText(rows) +
      "Training time is that of the steps and of the work outside steps: rank events, merges, rounds of scoring and an estimate of ranks " +
      "before training. Evaluations are left out. Parameters to store include the head. " +
      "On the Pareto front: no other row of the task has as good a mean for less training time (time) or for fewer parameters to store " +
      "(size). Differences between the means may not be significant." +
      majorityNote(results.majority),
    csv: ({ task, metric, label, budget, n, score, jobs, stepMillis, stepRatio, ...row }) => ({
      ...{ task, metric, label, budget, n, score, jobs, stepMillis, stepRatio },
      ...row,
    }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("quality", (row) => scoreWithMetric(row, row.score)),
      majorityColumn(results),
      number(
        "runs at a time",
        (row) => row.jobs === null ? "not known" : whole(row.jobs),
        (row) => row.jobs === 1 ? "plain" : "muted",
      ),
      number("ms a step ↓", (row) => significant(row.stepMillis)),
      number(
        baseline === null ? "× baseline ↓" : `× ${baseline} ↓`,
        (row) => fixed(row.stepRatio, 2),
      ),
      number("tokens/s ↑", (row) => whole(row.tokensPerSecond)),
      number("training time ↓", (row) => duration(row.trainMillis)),
      hasEvents ? number("outside steps", (row) => duration(row.eventMillis)) : null,
      number("run time ↓", (row) => duration(row.wallMillis)),
      number("parameters to store ↓", (row) => whole(row.parameters)),
      text(
        "on the Pareto front",
        frontText,
        (row) => frontText(row) === nothing ? "muted" : "good",
      ),
    ],
  });
}
