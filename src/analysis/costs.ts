/**
 * What quality costs: time and parameters to store; and which cells nothing else beats.
 *
 * @module
 */
import { op } from "arquero";
import type { RunRecord } from "../record/types.ts";
import { meritOf } from "../tasks/metrics.ts";
import { onFront } from "../stats/pareto.ts";
import { meanOf } from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import { averageMetric } from "./metrics.ts";
import {
  allTasks,
  budgetName,
  type Cell,
  type Grid,
  keyOf,
  orderOf,
  rowsOf,
  runRowOf,
  tableFrom,
} from "./run_rows.ts";
import { hasAverage, type ScoreRow } from "./scores.ts";

/** The parameters to store of a trained run, head excluded. */
interface StoredCount {
  readonly count: number;
  /** Whether the record says it; else the final count stands for it. */
  readonly isRecorded: boolean;
}

/** What must be stored to deploy a run, without its head: as recorded, else the final count; without budget all that was trained. */
function storedOf({ happened }: RunRecord): StoredCount {
  const { budget, parameters } = happened;
  if (budget === null) return { count: parameters.trainable - parameters.head, isRecorded: true };
  return { count: budget.stored ?? budget.final, isRecorded: budget.stored !== undefined };
}

/** A method's quality and cost on one task at one budget. */
export interface CostRow extends Cell {
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** Finished runs. */
  readonly n: number;
  /** Mean score; null where none is a number. */
  readonly score: number | null;
  /** Time of a step, the median. */
  readonly stepMillis: number;
  /**
   * The most runs that were trained at a time with one of these, itself included; null where a record does not say and none
   * says that there was more than one.
   */
  readonly jobs: number | null;
  /** Step time over the baseline's at the same task and budget; null without one, and where runs shared the machine. */
  readonly stepRatio: number | null;
  /** Tokens that training passes in a second, the median. */
  readonly tokensPerSecond: number;
  /** Time of a whole run, the median. */
  readonly wallMillis: number;
  /** Steps of a run, its rank events and the estimate of its ranks, without evaluations. */
  readonly trainMillis: number;
  /** The part of `trainMillis` that rank events and the estimate took, null where records do not say. */
  readonly eventMillis: number | null;
  /** Parameters to store, head included. */
  readonly parameters: number;
  /** Whether no other cell of the task has as good a mean for less training time; false where runs of the task shared the machine. */
  readonly isOnTimeFront: boolean;
  /** Whether none has for fewer parameters. */
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
export function costRows(results: Basis, scores: readonly ScoreRow[]): readonly CostRow[] {
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
  const { grid, baseline } = results;
  const rows = [...perTask, ...averagesOf(scores, grid, perTask)];
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
export function isShared({ jobs }: Pick<CostRow, "jobs">): boolean {
  return jobs !== null && jobs > 1;
}

/** The mean over tasks of each method and budget that has them all. */
function averagesOf(
  scores: readonly ScoreRow[],
  grid: Grid,
  perTask: readonly Measured[],
): readonly Measured[] {
  if (!hasAverage(grid)) return [];
  const means = new Map(
    scores.filter((row) => row.task === allTasks)
      .map((row) => [keyOf(row.label, row.budget), row.mean]),
  );
  return [...Map.groupBy(perTask, (row) => keyOf(row.label, row.budget))].flatMap(
    ([key, group]) => {
      if (group.length < grid.tasks.length) return [];
      const { label, budget } = group[0]!;
      const mean = (valueOf: (row: Measured) => number) => meanOf(group.map(valueOf));
      const events = group.map((row) => row.eventMillis);
      return [{
        task: allTasks,
        metric: averageMetric(),
        label,
        budget,
        n: group.reduce((sum, row) => sum + row.n, 0),
        score: means.get(key) ?? null,
        jobs: group.some(({ jobs }) => jobs === null)
          ? sharedOf(group.map(({ jobs }) => jobs))
          : Math.max(...group.map(({ jobs }) => jobs!)),
        stepMillis: mean((row) => row.stepMillis),
        tokensPerSecond: mean((row) => row.tokensPerSecond),
        wallMillis: mean((row) => row.wallMillis),
        trainMillis: mean((row) => row.trainMillis),
        eventMillis: events.includes(null) ? null : mean((row) => row.eventMillis!),
        parameters: mean((row) => row.parameters),
      }];
    },
  );
}

/** Marks the cells of one task that are on its fronts. */
function withFronts(
  rows: readonly Measured[],
): readonly Omit<CostRow, "stepRatio">[] {
  const { metric } = rows[0]!;
  const front = (costOf: (row: Measured) => number) =>
    onFront(rows.map((row) => ({
      cost: costOf(row),
      quality: row.score === null ? null : meritOf(metric, row.score),
    })));
  const time = rows.some(isShared) ? rows.map(() => false) : front((row) => row.trainMillis);
  const size = front((row) => row.parameters);
  return rows.map((row, i) => ({ ...row, isOnTimeFront: time[i]!, isOnSizeFront: size[i]! }));
}

/** How far what a budget counts is off what it asked for, as a share of it; null where the record does not say. */
function offBudget(record: RunRecord): number | null {
  const { asked: { budget: asked }, happened: { budget } } = record;
  if (asked === null || budget === null) return null;
  const { requested, peak, final, stored, meanTrained } = budget;
  const found = { rank: final, parameters: final, peak, stored, meanTrained }[asked.type];
  return found === undefined || requested === 0 ? null : found / requested - 1;
}

/** The deviation that is furthest from the budget, of the runs of a cell. */
function furthest(low: number | null, high: number | null): number | null {
  if (typeof low !== "number" || typeof high !== "number") return null;
  return Math.abs(low) > Math.abs(high) ? low : high;
}

/** Counts of the runs of a method at a budget. */
export interface BudgetRow {
  readonly label: string;
  readonly budget: string;
  readonly n: number;
  readonly requested: number | null;
  readonly initial: number | null;
  readonly peak: number | null;
  readonly final: number | null;
  readonly finalLow: number | null;
  readonly finalHigh: number | null;
  readonly stored: number;
  readonly storedLow: number;
  readonly storedHigh: number;
  readonly storedRecorded: number;
  readonly meanTrained: number | null;
  readonly offBy: number | null;
  readonly trainable: number;
  readonly head: number;
}

export function budgetRows({ runs, grid }: Basis): readonly BudgetRow[] {
  const counts = runs
    .filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record }) => {
      const { asked, happened: { budget, parameters } } = record;
      const stored = storedOf(record);
      return {
        label: asked.label,
        budget: budgetName(asked.budget),
        ...(budget ?? { requested: null, initial: null, peak: null, final: null }),
        meanTrained: budget?.meanTrained ?? null,
        stored: stored.count,
        storedRecorded: stored.isRecorded ? 1 : 0,
        offBy: offBudget(record),
        trainable: parameters.trainable,
        head: parameters.head,
      };
    });
  if (counts.length === 0) return [];
  const order = orderOf(grid);
  type Counted = BudgetRow & { readonly offLow: number | null; readonly offHigh: number | null };
  return rowsOf<Counted>(
    tableFrom(counts).groupby("label", "budget").rollup({
      n: op.count(),
      requested: op.mean("requested"),
      initial: op.mean("initial"),
      peak: op.max("peak"),
      final: op.mean("final"),
      finalLow: op.min("final"),
      finalHigh: op.max("final"),
      stored: op.mean("stored"),
      storedLow: op.min("stored"),
      storedHigh: op.max("stored"),
      storedRecorded: op.min("storedRecorded"),
      meanTrained: op.mean("meanTrained"),
      offLow: op.min("offBy"),
      offHigh: op.max("offBy"),
      trainable: op.max("trainable"),
      head: op.max("head"),
    }),
  ).map(({ offLow, offHigh, trainable, head, ...row }) => ({
    ...row,
    offBy: furthest(offLow, offHigh),
    trainable,
    head,
  })).toSorted((a, b) => order({ ...a, task: "" }) - order({ ...b, task: "" }));
}
