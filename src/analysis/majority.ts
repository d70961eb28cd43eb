/**
 * The score of always predicting the majority class: what every method has to beat.
 *
 * @module
 */
import { gridOf } from "./run_rows.ts";
import type { StudyResults } from "./results.ts";

/** How tables call the baseline; a regression has no classes, and its mean is predicted. */
export const majorityLabel = "majority class";

/** Score by task, in the primary metric as recorded: the mean over runs, whose limits may differ by seed. */
export function majorityScores(results: StudyResults): ReadonlyMap<string, number> {
  const known = results.runs.flatMap(({ record: { asked, happened } }) => {
    const score = happened.majority?.[happened.primaryMetric];
    return score === undefined || !Number.isFinite(score) ? [] : [{ task: asked.task, score }];
  });
  return new Map([...Map.groupBy(known, ({ task }) => task)].map(([task, own]) => [
    task,
    own.reduce((sum, { score }) => sum + score, 0) / own.length,
  ]));
}

/** The mean over all tasks of a study, null where one of them has no majority's score. */
export function majorityAverage(results: StudyResults): number | null {
  const { tasks } = gridOf(results);
  const scores = majorityScores(results);
  if (tasks.length === 0 || tasks.some((task) => !scores.has(task))) return null;
  return tasks.reduce((sum, task) => sum + scores.get(task)!, 0) / tasks.length;
}

/** Said in the note of a table that shows the baseline; empty where no record has it. */
export function majorityNote(results: StudyResults): string {
  return majorityScores(results).size === 0
    ? ""
    : " The majority class is the score of always predicting the class that is most frequent in training " +
      "(for a number to predict: its mean in training).";
}
