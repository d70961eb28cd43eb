/**
 * The score of always predicting the majority class: what every method has to beat.
 *
 * @module
 */
import { allTasks, gridOf, groupBy } from "./facts.ts";
import { fixed } from "./format.ts";
import { metricInfo } from "./metrics.ts";
import type { Row, StudyResults, TableColumn } from "./types.ts";

/** How tables call the baseline; a regression has no classes, and its mean is predicted. */
export const majorityLabel = "majority class";

/** Score by task, in the primary metric as recorded: the mean over runs, whose limits may differ by seed. */
export function majorityScores(results: StudyResults): ReadonlyMap<string, number> {
  const known = results.runs.flatMap(({ record: { asked, happened } }) => {
    const score = happened.majority?.[happened.primaryMetric];
    return score === undefined || !Number.isFinite(score) ? [] : [{ task: asked.task, score }];
  });
  return new Map([...groupBy(known, ({ task }) => task)].map(([task, own]) => [
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

/** A column with the majority's score of each row's task, or its own (`majority`); none where no record has one. */
export function majorityColumn(results: StudyResults): readonly TableColumn[] {
  const average = majorityAverage(results);
  const scores = new Map([
    ...majorityScores(results),
    ...(average === null ? [] : [[allTasks, average] as const]),
  ]);
  if (scores.size === 0) return [];
  return [{
    title: majorityLabel,
    align: "right",
    cell: (row) => {
      const own = row["majority"];
      return shownMajority(typeof own === "number" ? own : scores.get(String(row["task"])), row);
    },
    tone: () => "muted",
  }];
}

function shownMajority(score: number | undefined, row: Row): string {
  return fixed(
    score === undefined ? null : score * metricInfo(String(row["metric"])).scale,
    2,
  );
}
