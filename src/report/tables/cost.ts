/**
 * What quality costs: time and parameters to store; and which cells nothing else beats.
 *
 * @module
 */
import { op } from "arquero";
import type { RunRecord } from "../../record/types.ts";
import {
  allTasks,
  factOf,
  type Grid,
  gridOf,
  groupBy,
  keyOf,
  rowsOf,
  tableFrom,
} from "../facts.ts";
import { duration, fixed, nothing, significant, whole } from "../format.ts";
import { averageMetric, metricInfo, metricTitle } from "../metrics.ts";
import { onFront } from "../pareto.ts";
import type { ReportTable, Row, StudyResults } from "../types.ts";
import { storedOf } from "./budgets.ts";
import { hasAverage, orderOf, scoreRows } from "./scores.ts";

/** A method's quality and cost on one task at one budget. */
export interface CostRow {
  readonly task: string;
  readonly metric: string;
  readonly label: string;
  readonly budget: string;
  readonly n: number;
  readonly score: number | null;
  readonly stepMillis: number;
  /** Step time over the baseline's at the same task and budget, null without one. */
  readonly stepRatio: number | null;
  readonly tokensPerSecond: number;
  readonly wallMillis: number;
  /** Steps of a run, its rank events and the estimate of its ranks, without evaluations. */
  readonly trainMillis: number;
  /** The part of `trainMillis` that rank events and the estimate took, null where records do not say. */
  readonly eventMillis: number | null;
  /** Numbers to keep, head included. */
  readonly parameters: number;
  /** Whether no other cell of the task has as good a mean for less training time, or for fewer parameters. */
  readonly isOnTimeFront: boolean;
  readonly isOnSizeFront: boolean;
}

type Measured = Omit<CostRow, "stepRatio" | "isOnTimeFront" | "isOnSizeFront">;

const costNames = [
  "task",
  "metric",
  "label",
  "budget",
  "n",
  "score",
  "stepMillis",
  "stepRatio",
  "tokensPerSecond",
  "wallMillis",
  "trainMillis",
  "eventMillis",
  "parameters",
  "isOnTimeFront",
  "isOnSizeFront",
];

const finite = (value: number | null) => value !== null && Number.isFinite(value) ? value : null;

/** What a run spent on ranks besides steps, null where its record does not say. */
function millisApart({ happened: { time, estimate } }: RunRecord): number | null {
  if (time.eventMillis === undefined && estimate === undefined) return null;
  return (time.eventMillis ?? 0) + (estimate?.millis ?? 0);
}

/** What a finished run cost. */
function costsOf(record: RunRecord): Row {
  const { time, parameters } = record.happened;
  const apart = millisApart(record);
  return {
    ...factOf(record),
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
export function costRows(results: StudyResults, baseline: string | null): readonly CostRow[] {
  const facts = results.runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }) => costsOf(record));
  const perTask = rowsOf<Measured>(
    tableFrom(facts, costNames).groupby("task", "label", "budget").rollup({
      metric: op.any("metric"),
      n: op.count(),
      score: op.mean("score"),
      stepMillis: op.median("stepMillis"),
      tokensPerSecond: op.median("tokensPerSecond"),
      wallMillis: op.median("wallMillis"),
      trainMillis: op.median("trainMillis"),
      eventMillis: op.median("eventMillis"),
      parameters: op.mean("parameters"),
    }),
  ).map((row) => ({ ...row, eventMillis: finite(row.eventMillis) }));
  const grid = gridOf(results);
  const rows = [...perTask, ...averagesOf(results, grid, perTask)];
  const baselines = new Map(
    rows.filter((row) => row.label === baseline)
      .map((row) => [keyOf(row.task, row.budget), row.stepMillis]),
  );
  const order = orderOf(grid);
  return [...groupBy(rows, (row) => row.task).values()].flatMap(withFronts).map((row) => {
    const ours = baselines.get(keyOf(row.task, row.budget));
    return { ...row, stepRatio: ours === undefined ? null : row.stepMillis / ours };
  }).sort((a, b) => order(a) - order(b));
}

/** The mean over tasks of each method and budget that has them all. */
function averagesOf(
  results: StudyResults,
  grid: Grid,
  perTask: readonly Measured[],
): readonly Measured[] {
  if (!hasAverage(grid)) return [];
  const scores = new Map(
    scoreRows(results).filter((row) => row.task === allTasks)
      .map((row) => [keyOf(row.label, row.budget), row.mean]),
  );
  return [...groupBy(perTask, (row) => keyOf(row.label, row.budget))].flatMap(([key, group]) => {
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
      stepMillis: meanOf((row) => row.stepMillis),
      tokensPerSecond: meanOf((row) => row.tokensPerSecond),
      wallMillis: meanOf((row) => row.wallMillis),
      trainMillis: meanOf((row) => row.trainMillis),
      eventMillis: events.includes(null) ? null : meanOf((row) => row.eventMillis!),
      parameters: meanOf((row) => row.parameters),
    }];
  });
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
  const time = front((row) => row.trainMillis);
  const size = front((row) => row.parameters);
  return rows.map((row, i) => ({ ...row, isOnTimeFront: time[i]!, isOnSizeFront: size[i]! }));
}

/** Which fronts a row is on, in words. */
function frontText(row: Row): string {
  const fronts = [
    ...(row["isOnTimeFront"] === true ? ["time"] : []),
    ...(row["isOnSizeFront"] === true ? ["size"] : []),
  ];
  return fronts.length === 0 ? nothing : fronts.join(", ");
}

/** The table of {@linkcode costRows}. */
export function costTable(results: StudyResults, baseline: string | null): ReportTable {
  const rows = costRows(results, baseline);
  const hasEvents = rows.some((row) => row.eventMillis !== null);
  return {
    id: "cost",
    title: "Quality and cost",
    note: "Medians over the finished runs of a cell. Step times depend on the task's text lengths" +
      (baseline === null ? "." : `; the ratio is to ${baseline} on the same task and budget.`) +
      " Train time is steps and what is apart from them: rank events, merges, rounds of scoring, an estimate of ranks before training; " +
      "evaluations do not count. Kept are the numbers to store, head included. " +
      "On the front: no other cell of the task has as good a mean for less train time (time), or for fewer numbers kept (size); " +
      "the front is of means, and neighbours on it may not be told apart.",
    table: tableFrom(rows as unknown as readonly Row[], costNames),
    columns: [
      { title: "task", align: "left", cell: (row) => String(row["task"]) },
      { title: "method", align: "left", cell: (row) => String(row["label"]) },
      { title: "budget", align: "left", cell: (row) => String(row["budget"]) },
      { title: "n", align: "right", cell: (row) => whole(row["n"]) },
      {
        title: "quality",
        align: "right",
        cell: (row) =>
          typeof row["score"] === "number"
            ? `${fixed(row["score"] * metricInfo(String(row["metric"])).scale, 2)} ${
              metricTitle(String(row["metric"]))
            }`
            : nothing,
      },
      { title: "ms a step ↓", align: "right", cell: (row) => significant(row["stepMillis"]) },
      {
        title: "× baseline ↓",
        align: "right",
        cell: (row) => fixed(row["stepRatio"], 2),
      },
      { title: "tokens/s ↑", align: "right", cell: (row) => whole(row["tokensPerSecond"]) },
      { title: "train time ↓", align: "right", cell: (row) => duration(row["trainMillis"]) },
      ...(hasEvents
        ? [{
          title: "apart from steps",
          align: "right" as const,
          cell: (row: Row) => duration(row["eventMillis"]),
        }]
        : []),
      { title: "run time ↓", align: "right", cell: (row) => duration(row["wallMillis"]) },
      { title: "kept ↓", align: "right", cell: (row) => whole(row["parameters"]) },
      {
        title: "on the front",
        align: "left",
        cell: frontText,
        tone: (row) => frontText(row) === nothing ? "muted" : "good",
      },
    ],
  };
}
