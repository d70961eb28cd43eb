/**
 * Tables with one row a run: all of them, and those that failed.
 *
 * @module
 */
import {
  budgetName,
  factOf,
  keptEvaluation,
  type Row,
  tableFrom,
} from "../../analysis/run_rows.ts";
import { counted, duration, fixed, nothing, significant, whole } from "../../base/format.ts";
import { majorityNote } from "../../analysis/scores.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { flagName } from "../../analysis/run_flags.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { budgetColumn, majorityColumn, methodColumn, metricColumn, taskColumn } from "./columns.ts";

const names = [
  "id",
  "task",
  "label",
  "method",
  "budget",
  "seed",
  "state",
  "metric",
  "score",
  "kept_step",
  "evaluation_loss",
  "final_train_loss",
  "steps",
  "epochs",
  "rank_events",
  "ranks_moved",
  "trainable_parameters",
  "wall_millis",
  "median_step_millis",
  "tokens_per_second",
  "jobs",
  "flags",
  "majority",
];

/** Every run with its score, its other metrics (CSV), its steps and its time. */
export function runsTable(results: Analysis): ReportTable {
  const rows = results.runs.map(({ record }): Row => {
    const { happened } = record;
    const fact = factOf(record);
    const kept = keptEvaluation(record);
    const row: Record<string, unknown> = {
      ...fact,
      kept_step: kept?.step ?? null,
      evaluation_loss: kept?.loss ?? null,
      final_train_loss: happened.finalTrainLoss,
      steps: happened.steps,
      epochs: happened.epochs,
      rank_events: happened.rankEvents,
      ranks_moved: happened.ranksMoved,
      trainable_parameters: happened.parameters.trainable,
      wall_millis: happened.time.wallMillis,
      median_step_millis: happened.time.medianStepMillis,
      tokens_per_second: happened.time.tokensPerSecond,
      jobs: happened.time.jobs ?? null,
      flags: happened.flags?.map(flagName).join(", ") ?? null,
      majority: happened.majority?.[happened.primaryMetric] ?? null,
    };
    for (const evaluation of kept === null ? [] : [kept, ...happened.others]) {
      for (const [name, value] of Object.entries(evaluation.metrics)) {
        row[`${evaluation.split}_${name}`] = value;
      }
    }
    return row;
  });
  const known = new Set(names);
  const more = new Set(
    rows.flatMap((row) => Object.keys(row).filter((name) => /_/.test(name) && !known.has(name))),
  );
  return {
    id: "runs",
    title: "All runs",
    note: "One row a run. The score is the primary metric of the evaluation that counts " +
      "(metrics within [−1, 1] are shown × 100). A run collapsed if it predicts the same for every text, or if its training loss is far " +
      "above chance at the end; the same column names scores that are no better than the majority class. Records of older versions do not say. " +
      "The CSV holds every metric of every split." + majorityNote(results.majority),
    table: tableFrom(rows, [...names, ...more]),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      { title: "seed", align: "right", cell: (row) => String(row["seed"]) },
      {
        title: "state",
        align: "left",
        cell: (row) => String(row["state"]),
        tone: (row) => row["state"] === "failed" ? "bad" : "plain",
      },
      metricColumn,
      {
        title: "score",
        align: "right",
        cell: (row) =>
          typeof row["score"] === "number"
            ? fixed(row["score"] * metricInfo(String(row["metric"])).scale, 2)
            : nothing,
      },
      ...majorityColumn(results),
      {
        title: "collapse",
        align: "left",
        cell: (row) =>
          row["flags"] === null ? "not known" : row["flags"] === "" ? "none" : String(row["flags"]),
        tone: (row) => row["flags"] === null || row["flags"] === "" ? "muted" : "bad",
      },
      { title: "loss ↓", align: "right", cell: (row) => fixed(row["evaluation_loss"], 4) },
      { title: "train loss ↓", align: "right", cell: (row) => fixed(row["final_train_loss"], 4) },
      { title: "steps", align: "right", cell: (row) => whole(row["steps"]) },
      { title: "ranks moved", align: "right", cell: (row) => whole(row["ranks_moved"]) },
      {
        title: "ms a step ↓",
        align: "right",
        cell: (row) => significant(row["median_step_millis"]),
      },
      { title: "time ↓", align: "right", cell: (row) => duration(row["wall_millis"]) },
      { title: "id", align: "left", cell: (row) => String(row["id"]).slice(0, 12) },
    ],
  };
}

/** The runs that failed, with cause, step and message. */
export function failedTable(results: Analysis): ReportTable {
  const rows = results.runs.flatMap(({ record: { id, asked, happened: { outcome } } }): Row[] =>
    outcome.state === "finished" ? [] : [{
      id,
      task: asked.task,
      label: asked.label,
      budget: budgetName(asked.budget),
      seed: asked.seed,
      cause: outcome.cause,
      step: outcome.step,
      message: outcome.message,
    }]
  );
  const unrecorded = results.planned.length - results.runs.length - results.damaged.length;
  return {
    id: "failed",
    title: "Failed runs",
    note:
      (rows.length === 0
        ? "No run failed."
        : `${counted(rows.length, "run")} failed and ${
          rows.length === 1 ? "counts" : "count"
        } in no mean.`) +
      (unrecorded > 0
        ? ` ${
          counted(unrecorded, "planned run has", "planned runs have")
        } not been made yet: run the sweep again.`
        : ""),
    table: tableFrom(rows, ["id", "task", "label", "budget", "seed", "cause", "step", "message"]),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      { title: "seed", align: "right", cell: (row) => String(row["seed"]) },
      { title: "cause", align: "left", cell: (row) => String(row["cause"]), tone: () => "bad" },
      { title: "step", align: "right", cell: (row) => whole(row["step"]) },
      { title: "message", align: "left", cell: (row) => String(row["message"]) },
    ],
  };
}
