/**
 * What a claim's tasks say each for itself: whether they agree with their average, and what holds on every one of them.
 *
 * @module
 */
import { meanOf } from "../../stats/statistics.ts";
import {
  type StoppingPlan,
  type StoppingState,
  stoppingState,
  type StoppingVerdict,
} from "../../stats/stopping.ts";
import { chanceOfConditions } from "../../stats/two_way.ts";
import { listed, signed, significant } from "../../base/format.ts";
import { metricInfo } from "../metrics.ts";
import { type ClaimNoise, withoutNoise } from "./example_noise.ts";
import type { SeedDifference } from "./series.ts";

/** Chance with which tasks whose true differences are the same are taken to differ. */
const level = 0.05;

/** What a claim's seeds say of one of its tasks. */
export interface TaskSeries {
  /** Its name. */
  readonly task: string;
  /** One difference a seed, in margins. */
  readonly values: readonly number[];
  /** Their mean in the unit in which the metric is shown, as `+1.2`. */
  readonly mean: string;
}

/** The differences of seeds, task by task. */
export function seriesOfTasks(differences: readonly SeedDifference[]): readonly TaskSeries[] {
  const all = differences.flatMap(({ tasks }) => tasks);
  return [...Map.groupBy(all, ({ task }) => task)].map(([task, own]) => ({
    task,
    values: own.map(({ difference, margin }) => difference / margin),
    mean: signed(
      meanOf(own.map(({ difference }) => difference)) * metricInfo(own[0]!.metric).scale,
      2,
    ),
  }));
}

/**
 * The chance of tasks as different as these where the true differences, in margins, are the same on all; null where there is no test.
 *
 * @param noise What other examples would change of each task's mean. Default: nothing.
 */
export function chanceOfTasks(
  differences: readonly SeedDifference[],
  noise: ClaimNoise = withoutNoise,
): number | null {
  const tasks = seriesOfTasks(differences);
  if (tasks.length < 2) return null;
  const seeds = differences.map((_, seed) => tasks.map(({ values }) => values[seed]!));
  return chanceOfConditions(seeds, tasks.map(({ task }) => noise(differences.length, task)));
}

/** Whether a mean, in margins, lies where a verdict says that the true one is. */
function isWithin(mean: number, verdict: StoppingVerdict, plan: StoppingPlan): boolean {
  const { margin, betterThan, question } = plan;
  if (verdict === "equivalent") return Math.abs(mean) < margin;
  if (verdict === "not worse") return mean > -margin;
  if (question === "not worse") return mean < -margin;
  return verdict === "better" ? mean > betterThan : mean < -betterThan;
}

/**
 * Why a verdict on an average does not stand for its tasks; null where it does.
 *
 * Tasks disagree where their differences are not the same (analysis of variance over seeds, and over examples where the claim is about
 * these too, at 5 %) and that of one lies outside of what the verdict says of their average. So two tasks that differ by less than matters do agree.
 */
export function disagreementOf(
  differences: readonly SeedDifference[],
  verdict: StoppingVerdict,
  plan: StoppingPlan,
  noise: ClaimNoise = withoutNoise,
): string | null {
  if (verdict === "undecided") return null;
  const tasks = seriesOfTasks(differences);
  if (tasks.every(({ values }) => isWithin(meanOf(values), verdict, plan))) return null;
  const p = chanceOfTasks(differences, noise);
  if (p === null || p >= level) return null;
  const own = tasks.map(({ task, values, mean }) =>
    `${task} ${mean} (${stoppingState(values, plan, (n) => noise(n, task)).verdict})`
  );
  return `${verdict} on average, but the tasks differ (p ${significant(p, 2)}): ${listed(own)}`;
}

/** How a claim about every task stands. */
export interface EveryTask {
  /** Of the task that decides, or is furthest from what is claimed. */
  readonly state: StoppingState;
  /** That task. */
  readonly series: TaskSeries;
  /** The rule at the level that decides. */
  readonly by: StoppingPlan;
}

/**
 * How a claim stands that is to hold on every one of its tasks.
 *
 * It is supported once each task's own test says so at the claim's level: where it is false on some task, that task's test errs, so
 * that no correction is needed (intersection-union; Berger, Technometrics 24, 1982). One task is enough to refute it, so that each has
 * only its share of the level for that.
 *
 * @param plan The rule at the claim's level.
 * @param strict The rule at the claim's level over the number of tasks.
 * @param noise What other examples would change of each task's mean.
 */
export function everyTask(
  tasks: readonly TaskSeries[],
  says: StoppingVerdict,
  plan: StoppingPlan,
  strict: StoppingPlan,
  noise: ClaimNoise,
): EveryTask {
  const stateOf = (series: TaskSeries, plan: StoppingPlan) => ({
    series,
    by: plan,
    state: stoppingState(series.values, plan, (n) => noise(n, series.task)),
  });
  const against = tasks.map((series) => stateOf(series, strict))
    .filter(({ state }) => state.verdict !== "undecided" && state.verdict !== says)
    .toSorted((a, b) => a.state.n - b.state.n);
  if (against.length > 0) return against[0]!;
  const states = tasks.map((series) => stateOf(series, plan));
  const shortOf = ({ state }: EveryTask) =>
    says === "equivalent" ? Math.abs(state.mean ?? 0) : -(state.mean ?? 0);
  // Those that are not decided first; of those that are, the one that was last.
  const isOpen = ({ state }: EveryTask) => state.verdict === "undecided" ? 1 : 0;
  return states.toSorted((a, b) =>
    isOpen(b) - isOpen(a) || b.state.n - a.state.n || shortOf(b) - shortOf(a)
  )[0]!;
}
