/**
 * Whether the runs of each cell had converged, and the figures that say so.
 *
 * @module
 */
import { needsMoreSteps } from "../../record/convergence.ts";
import { defaultConvergence } from "../../study/schema/study.ts";
import { changeText, learnedNothing, stateText } from "../../analysis/convergence.ts";
import { type Row, tableFrom } from "../../analysis/run_rows.ts";
import { fixed, nothing, significant, whole } from "../../base/format.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { ReportTable } from "../types.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";

const names = [
  "task",
  "label",
  "budget",
  "state",
  "runs",
  "early",
  "atPlateau",
  "idle",
  "steps",
  "gain",
  "gainError",
  "fall",
  "fallError",
];

const change = (row: Row, name: string, digits: number): string => {
  const value = row[name];
  const error = row[`${name}Error`];
  return typeof value !== "number"
    ? nothing
    : changeText({ change: value, error: typeof error === "number" ? error : null }, digits)!;
};

/** Said of a cell in place of its convergence: scores at chance do not change either. */
const nothingLearned = "nothing learned";

/** One row a task, method and budget. */
export function convergenceTable(results: Analysis): ReportTable {
  const { lossShare, scoreGain } = { ...defaultConvergence, ...results.study.convergence };
  const cells = results.cells.filter(({ state }) => state !== "failed");
  const hasPlateaus = cells.some(({ atPlateau }) => atPlateau > 0);
  const inShares = new Set(cells.flatMap(({ task, gainIn }) => gainIn === "%" ? [task] : []));
  const rows = cells.map(({ gain, gainIn: _, fall, ...cell }): Row => ({
    ...cell,
    state: learnedNothing({ runs: cell.runs, idle: cell.idle }) ? nothingLearned : cell.state,
    gain: gain?.change ?? null,
    gainError: gain?.error ?? null,
    fall: fall?.change ?? null,
    fallError: fall?.error ?? null,
  }));
  return {
    id: "convergence",
    title: "Had training converged?",
    note:
      `The last fifth of the steps compared with the fifth before it: the mean change over seeds, ± standard error. A cell (a task, ` +
      `method and budget) needs more steps if its score rises by more than ${
        significant(100 * scoreGain)
      } ${scoreGain === 0.01 ? "point" : "points"}${
        inShares.size === 0
          ? ""
          : `, or ${significant(100 * scoreGain)} % of a score without bound,`
      } or its task loss falls by more than ${
        significant(100 * lossShare)
      } %, and if this change also exceeds 2.33 standard errors. ` +
      `It needs more, too, if more than one in five of its runs do. Such a cell gets no verdict.` +
      (rows.some(({ state }) => state === nothingLearned)
        ? " “Nothing learned”: all runs collapsed or are no better than the majority class, so that convergence says nothing."
        : "") +
      (hasPlateaus ? " Runs that ended at their plateau have converged by that rule." : ""),
    table: tableFrom(rows, names),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      {
        title: "converged?",
        align: "left",
        cell: (row) =>
          row["state"] === nothingLearned
            ? nothingLearned
            : stateText(row["state"] as Parameters<typeof stateText>[0]),
        tone: (row) =>
          row["state"] === nothingLearned ||
            needsMoreSteps({ state: row["state"] as Parameters<typeof stateText>[0] })
            ? "bad"
            : "muted",
      },
      {
        title: "runs that need more",
        align: "right",
        cell: (row) => `${whole(row["early"])} of ${whole(row["runs"])}`,
      },
      { title: "steps (mean)", align: "right", cell: (row) => fixed(row["steps"], 0) },
      ...(hasPlateaus
        ? [{
          title: "ended by plateau",
          align: "right" as const,
          cell: (row: Row) => whole(row["atPlateau"]),
        }]
        : []),
      {
        title: inShares.size === 0 ? "score gains, points" : "score gains, points or %",
        align: "right",
        cell: (row) =>
          change(row, "gain", 2) +
          (row["gain"] !== null && inShares.has(String(row["task"])) ? " %" : ""),
      },
      { title: "loss falls, %", align: "right", cell: (row) => change(row, "fall", 1) },
    ],
  };
}
