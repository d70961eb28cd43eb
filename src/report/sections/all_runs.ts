/**
 * One row a run.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { flagName } from "../../analysis/run_flags.ts";
import { runRowOf, selectedEvaluation } from "../../analysis/run_rows.ts";
import { majorityNote } from "../../analysis/scores.ts";
import { duration, fixed, significant, whole } from "../../base/format.ts";
import { folded, noRuns, type Section } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import {
  budgetColumn,
  majorityColumn,
  methodColumn,
  metricColumn,
  scoreOf,
  taskColumn,
} from "../columns.ts";

/** Every run with its score, its other metrics (CSV), its steps and its time. */
function runsTable(results: Analysis): ReportTable {
  const rows = results.runs.map(({ record }) => {
    const { happened } = record;
    const { id, task, label, method, budget, seed, state, metric, score } = runRowOf(record);
    const selected = selectedEvaluation(record);
    return {
      ...{ id, task, label, method, budget, seed, state, metric, score },
      kept_step: selected?.step,
      evaluation_loss: selected?.loss,
      final_train_loss: happened.finalTrainLoss,
      steps: happened.steps,
      epochs: happened.epochs,
      rank_events: happened.rankEvents,
      ranks_moved: happened.ranksMoved,
      trainable_parameters: happened.parameters.trainable,
      wall_millis: happened.time.wallMillis,
      median_step_millis: happened.time.medianStepMillis,
      tokens_per_second: happened.time.tokensPerSecond,
      jobs: happened.time.jobs,
      flags: happened.flags?.map(flagName).join(", ") ?? null,
      majority: happened.majority?.[happened.primaryMetric] ?? null,
      metrics: Object.fromEntries(
        (selected === null ? [] : [selected, ...happened.others]).flatMap(({ split, metrics }) =>
          Object.entries(metrics).map(([name, value]) => [`${split}_${name}`, value])
        ),
      ),
    };
  });
  return reportTable(rows, {
    id: "runs",
    title: "All runs",
    note: "One row a run. The score is the primary metric of the selected evaluation " +
      "(metrics within [−1, 1] are shown × 100). A run collapsed if it predicts the same for every text, or if its training loss is far " +
      "above chance at the end; the same column names scores that are no better than the majority class. Records of older versions do not say. " +
      "The CSV holds every metric of every split." + majorityNote(results.majority),
    csv: ({ metrics, ...row }) => ({ ...row, ...metrics }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("seed", (row) => String(row.seed)),
      text("state", (row) => row.state, (row) => row.state === "failed" ? "bad" : "plain"),
      metricColumn,
      number("score", (row) => scoreOf(row, row.score)),
      majorityColumn(results),
      text(
        "collapse",
        (row) => row.flags === null ? "not known" : row.flags === "" ? "none" : row.flags,
        (row) => row.flags === null || row.flags === "" ? "muted" : "bad",
      ),
      number("loss ↓", (row) => fixed(row.evaluation_loss, 4)),
      number("train loss ↓", (row) => fixed(row.final_train_loss, 4)),
      number("steps", (row) => whole(row.steps)),
      number("ranks moved", (row) => whole(row.ranks_moved)),
      number("ms a step ↓", (row) => significant(row.median_step_millis)),
      number("time ↓", (row) => duration(row.wall_millis)),
      text("id", (row) => row.id.slice(0, 12)),
    ],
  });
}

/** Every run. */
export const allRuns: Section = {
  title: "All runs",
  id: "runs",
  empty: noRuns,
  blocks: [folded(runsTable)],
};
