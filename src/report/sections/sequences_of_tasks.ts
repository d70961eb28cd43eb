/**
 * What methods came to on tasks that follow each other.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { type SequenceScores, sequenceScores, stageAccuracies } from "../../analysis/sequences.ts";
import { fixed } from "../../base/format.ts";
import type { Summary } from "../../stats/statistics.ts";
import { charts, folded, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "../columns.ts";

const figures = [
  ["average", "average accuracy ↑"],
  ["taskAware", "task known ↑"],
  ["overTime", "average over time ↑"],
  ["forgetting", "forgetting ↓"],
] as const;

const sequenceColumn = text("sequence", (row: { readonly sequence: string }) => row.sequence);

const percent = (share: number | null) => fixed(share === null ? null : 100 * share, 2);

const meanText = ({ mean, sd }: Summary) =>
  percent(mean) + (sd === null ? "" : ` ± ${percent(sd)}`);

/** Average accuracy and forgetting of each method on each sequence, mean ± standard deviation over seeds. */
function sequencesTable(results: Analysis): ReportTable {
  return reportTable(sequenceScores(results), {
    id: "sequences",
    title: "Sequences of tasks",
    note:
      "Mean ± sample standard deviation over n seeds, × 100. Average accuracy is the mean over tasks after the last " +
      "stage, where a class is chosen among those of all tasks; “task known” chooses among those of the example’s task. " +
      "“Average over time” is the mean over stages of the mean over the tasks seen by then. Forgetting is the best " +
      "accuracy on a task before the last stage minus the one after it, averaged over all tasks but the last.",
    csv: ({ sequence, label, budget, n, ...row }) => ({
      ...{ sequence, label, budget, n },
      ...Object.fromEntries(
        figures.flatMap(([name]) => [[name, row[name].mean], [`${name}_sd`, row[name].sd]]),
      ),
    }),
    columns: [
      sequenceColumn,
      methodColumn,
      budgetColumn,
      ...figures.map(([name, title]) =>
        number<SequenceScores>(title, (row) => meanText(row[name]))
      ),
      number("n", (row) => String(row.n)),
    ],
  });
}

/** Accuracy on each task after each stage: the long form. */
function stagesTable(results: Analysis): ReportTable {
  return reportTable(stageAccuracies(results), {
    id: "sequence_accuracies",
    title: "Accuracy on each task after each stage",
    note:
      "Means over n seeds, × 100. “Accuracy” chooses a class among those of all tasks seen by then, “task known” among those of " +
      "the task alone.",
    columns: [
      sequenceColumn,
      methodColumn,
      budgetColumn,
      text("after", (row) => `${row.stage}. ${row.after}`),
      taskColumn,
      number("accuracy ↑", (row) => percent(row.classIncremental)),
      number("task known ↑", (row) => percent(row.taskAware)),
      number("n", (row) => String(row.n)),
    ],
  });
}

/** Average accuracy and forgetting. */
export const sequencesOfTasks: Section = {
  title: "Sequences of tasks",
  id: "sequences",
  blocks: [
    table(sequencesTable),
    charts(({ charts }) => charts.sequences),
    folded(stagesTable),
  ],
};
