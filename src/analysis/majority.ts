/**
 * The score of always predicting the majority class: what every method has to beat.
 *
 * @module
 */
import type { Basis } from "./basis.ts";
import { allTasks } from "./run_rows.ts";

/** How tables call the baseline; a regression has no classes, and its mean is predicted. */
export const majorityLabel = "majority class";

/**
 * Score by task, in the primary metric as recorded: the mean over runs, whose limits may differ by seed. Several tasks that all have
 * one have their mean too.
 */
export function majorityScores(results: Basis): ReadonlyMap<string, number> {
  const known = results.runs.flatMap(({ record: { asked, happened } }) => {
    const score = happened.majority?.[happened.primaryMetric];
    return score === undefined || !Number.isFinite(score) ? [] : [{ task: asked.task, score }];
  });
  const scores = new Map(
    [...Map.groupBy(known, ({ task }) => task)].map(([task, own]) => [
      task,
      own.reduce((sum, { score }) => sum + score, 0) / own.length,
    ]),
  );
  const { tasks } = results.grid;
  return tasks.length > 0 && tasks.every((task) => scores.has(task))
    ? scores.set(allTasks, tasks.reduce((sum, task) => sum + scores.get(task)!, 0) / tasks.length)
    : scores;
}

/** Said in the note of a table that shows the baseline; empty where no record has it. */
export function majorityNote(majority: ReadonlyMap<string, number>): string {
  return majority.size === 0
    ? ""
    : " The majority class is the score of always predicting the class that is most frequent in training " +
      "(for a number to predict: its mean in training).";
}
