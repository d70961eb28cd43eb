/**
 * The trials of a tuning: their runs, planned, and what came of them.
 *
 * @module
 */
import { errorMessage } from "../../base/error_message.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import type { RunRecord } from "../../record/types.ts";
import { taskMargin } from "../../study/schema/claims.ts";
import { StudyError } from "../../study/check/problems.ts";
import { selectedOf } from "../../study/grid/steps.ts";
import type { Study } from "../../study/schema/study.ts";
import type { GridRun } from "../../study/types.ts";
import { meritOf } from "../../tasks/metrics.ts";
import type { Inputs } from "../inputs.ts";
import { type PlannedRun, withPresentFolders } from "../plan/planned_run.ts";
import { planWith } from "../plan/planning.ts";
import { meanScore, type ScoredPoint } from "./choice.ts";
import { type Combination, combinationTitle, trialRun } from "./combinations.ts";
import { type Point, pointKey } from "./space.ts";

/** A point that is tried for a combination. */
export interface Trial {
  readonly point: Point;
  readonly isAdded: boolean;
  /** One for each task, budget and seed of the combination. */
  readonly runs: readonly PlannedRun[];
  /** How much each of them counts: as much as its task's margin is small, so that a point counts alike on all tasks. */
  readonly weights: readonly number[];
}

/** A combination with the trials that it has so far. */
export interface Tried {
  readonly combination: Combination;
  readonly trials: readonly Trial[];
}

/** What trials are planned with. */
export interface TrialPlanning {
  /** Names that are in the results folder of the trials: runs keep the folders that they have. */
  readonly present: ReadonlySet<string>;
  readonly study: Study;
  readonly methods: MethodTable;
  readonly inputs: Inputs;
}

/** Points for each combination, in the order of the combinations. */
export type NewPoints = readonly (readonly Point[])[];

/**
 * Combinations with further trials, all of them checked and planned together.
 *
 * @throws {StudyError} With all problems found, each once for all trials that share it; nothing has run then.
 */
export async function withTrials(
  tried: readonly Tried[],
  points: NewPoints,
  isAdded: boolean,
  { study, methods, inputs, present }: TrialPlanning,
): Promise<readonly Tried[]> {
  const grid = tried.map(({ combination }, i) =>
    points[i]!.map((point) =>
      combination.runs.map((run) => madeOf(combination, run, point, methods))
    )
  );
  const planned = await planWith(inputs, study, grid.flat(2), methods);
  const left = withPresentFolders(planned.runs, present).values();
  return tried.map((own, i): Tried => ({
    ...own,
    trials: [
      ...own.trials,
      ...points[i]!.map((point): Trial => ({
        point,
        isAdded,
        runs: own.combination.runs.map(() => left.next().value!),
        weights: own.combination.runs.map(({ task }) => 1 / taskMargin(study, task)),
      })),
    ],
  }));
}

function madeOf(
  { of }: Combination,
  run: GridRun,
  point: Point,
  methods: MethodTable,
): GridRun {
  try {
    return trialRun(run, point, findMethod(run.method, methods));
  } catch (error) {
    throw new StudyError(`Cannot tune study "${run.study}"`, [{
      where: `tune.vary, ${combinationTitle(of)}`,
      message: `found ${pointKey(point)}, wanted values that the method takes: ${
        errorMessage(error)
      }`,
    }]);
  }
}

/** The score of a run on what was held out; null where it failed. */
function scoreOf({ happened }: RunRecord): number | null {
  if (happened.outcome.state === "failed") return null;
  return selectedOf(happened.keep, happened)?.metrics[happened.primaryMetric] ?? null;
}

/** What came of a run of a trial. */
export interface RunOutcome {
  readonly metric: string;
  /** Null where it failed. */
  readonly score: number | null;
  /** Machine time. */
  readonly seconds: number;
}

/** What came of a run that has its record. */
export function recordedOutcome(record: RunRecord): RunOutcome {
  const { primaryMetric, time } = record.happened;
  return { metric: primaryMetric, score: scoreOf(record), seconds: time.wallMillis / 1000 };
}

/** The metric of all runs, or `average` where they have different ones. */
export function metricOf(outcomes: readonly Pick<RunOutcome, "metric">[]): string {
  const [metric = "average", ...others] = new Set(outcomes.map(({ metric }) => metric));
  return others.length === 0 ? metric : "average";
}

/** The weighted mean of what a trial's runs came to, turned over where lower is better; null where one of them failed. */
export function trialScore(
  outcomes: readonly RunOutcome[],
  weights: readonly number[],
): number | null {
  const merits = outcomes.map(({ metric, score }) =>
    score === null ? null : meritOf(metric, score)
  );
  return meanScore(merits, weights);
}

/** What came of a trial. */
export interface TrialOutcome extends ScoredPoint {
  /** The primary metric of its tasks, or `average` where these have different ones. */
  readonly metric: string;
  /** Share of the steps that it was trained for. */
  readonly share: number;
  /** Machine time, in seconds, and runs that it took. */
  readonly seconds: number;
  readonly runs: number;
}
