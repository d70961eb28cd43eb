/**
 * The trials of a tuning: their runs, planned, and what came of them; from their scores to the points that are tried next, the
 * settings that are chosen, and what stands against the choice.
 *
 * @module
 */
import { errorMessage } from "../../base/input_error.ts";
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
import { type Combination, combinationTitle, trialRun } from "./combinations.ts";
import {
  drawnPoints,
  type Edge,
  edgesOf,
  furtherPoints,
  gridPoints,
  type Point,
  pointKey,
  type Space,
} from "./space.ts";
import { RandomStream } from "../../base/random.ts";
import { type SeededTune, trialsOf, tuneDefaults } from "../../study/schema/tune.ts";

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

/**
 * The weighted mean of what a trial's runs came to, turned over where lower is better; null where one of them failed.
 *
 * @param weights One an outcome, above 0.
 */
export function trialScore(
  outcomes: readonly RunOutcome[],
  weights: readonly number[],
): number | null {
  const merits = outcomes.map(({ metric, score }) => score === null ? NaN : meritOf(metric, score));
  if (merits.length === 0 || !merits.every(Number.isFinite)) return null;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return merits.reduce((sum, merit, i) => sum + weights[i]! * merit, 0) / total;
}

/** What came of a trial. */
export interface TrialOutcome extends ScoredPoint {
  /** The primary metric of its tasks, or `average` where these have different ones. */
  readonly metric: string;
  /** Share of the steps that it was trained for. */
  readonly share: number;
  /** Of each of its runs, in their order. */
  readonly runs: readonly RunOutcome[];
}

interface ScoredPoint {
  readonly point: Point;
  /** The higher the better; null where a run of it failed. */
  readonly score: number | null;
  /** Whether it was trained to the end: others are not chosen. Default true. */
  readonly isWhole?: boolean;
}

/** The settings that were chosen for a combination. */
export interface Choice {
  readonly best: ScoredPoint & { readonly score: number };
  /** Settings whose best value lies at the edge of all that were tried. */
  readonly edges: readonly Edge[];
}

/**
 * The trial with the best score; null where every trial failed. Of several with the same score it is one at an edge, which tells that
 * values within did no better, else the first.
 *
 * @param trials In the order in which they were drawn.
 */
export function choiceOf(space: Space, trials: readonly ScoredPoint[]): Choice | null {
  const whole = trials.filter((trial): trial is Choice["best"] =>
    trial.score !== null && trial.isWhole !== false
  );
  const most = Math.max(...whole.map(({ score }) => score));
  const points = trials.map(({ point }) => point);
  const choices = whole.filter(({ score }) => score === most)
    .map((best): Choice => ({ best, edges: edgesOf(space, points, best.point) }));
  return choices.find(({ edges }) => edges.some(({ isOpen }) => isOpen)) ??
    choices.find(({ edges }) => edges.length > 0) ?? choices[0] ?? null;
}

/** Rounds of further trials at most: ranges are widened by half of themselves in each, so that limits are met before. */
const mostRounds = 32;

/** The stream of all that a tuning draws, the same for all combinations. */
function streamOf({ seeds }: SeededTune): RandomStream {
  return RandomStream.fromSeed(seeds[0]!).fork("tune");
}

/** The points that a combination begins with. */
export function firstPoints(tune: SeededTune, { space }: Combination): readonly Point[] {
  const count = trialsOf(tune.trials, space);
  return (tune.search ?? tuneDefaults.search) === "grid"
    ? gridPoints(space, count)
    : drawnPoints(space, streamOf(tune), count);
}

interface Scored {
  readonly combination: Combination;
  readonly trials: readonly ScoredPoint[];
}

/** Combinations that are compared with each other: those of a task and budget. */
function contestOf({ of: { task, budget } }: Combination): string {
  return JSON.stringify([task ?? null, budget ?? null]);
}

/**
 * The points that are tried next: none where no best value lies at an edge that may be widened. Where one does, all combinations of
 * its task and budget are given more, by the same rule, so that no method has more trials than another but for its settings.
 *
 * @param scored All combinations with all their trials.
 * @param round How many such rounds there were.
 */
export function nextPoints(
  tune: SeededTune,
  scored: readonly Scored[],
  round: number,
): readonly (readonly Point[])[] {
  const choices = scored.map(({ combination: { space }, trials }) => choiceOf(space, trials));
  const isOpen = (i: number) => choices[i]?.edges.some((edge) => edge.isOpen) ?? false;
  const open = new Set(
    scored.filter((_, i) => isOpen(i)).map(({ combination }) => contestOf(combination)),
  );
  return scored.map(({ combination, trials }, i) => {
    const choice = choices[i]!;
    if (choice === null || round >= mostRounds || !open.has(contestOf(combination))) return [];
    return furtherPoints(
      combination.space,
      trials.map(({ point }) => point),
      choice.best.point,
      Math.max(2, Math.ceil(trialsOf(tune.trials, combination.space) / 2)),
      streamOf(tune),
    );
  });
}
