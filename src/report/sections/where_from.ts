/**
 * Where scores are from that were made elsewhere, and how they were read.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { runRowOf, selectedEvaluation } from "../../analysis/run_rows.ts";
import { nothing, whole } from "../../base/format.ts";
import { budgetColumn, methodColumn, metricColumn, scoreOf, taskColumn } from "../columns.ts";
import { html } from "../html.ts";
import { folded, prose, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

function sourcesTable({ foreign }: Analysis): ReportTable {
  return reportTable(foreign?.sources ?? [], {
    id: "sources",
    title: "Files",
    note: "The files that scores were read from, and their rows with a score.",
    columns: [text("file", (row) => row.file), number("rows", (row) => whole(row.rows))],
  });
}

/** Every run with the row that it begins with. */
function runsTable(results: Analysis): ReportTable {
  const rows = results.runs.map(({ record }) => {
    const { id, task, label, budget, seed, metric, score } = runRowOf(record);
    const { happened } = record;
    const selected = selectedEvaluation(record);
    return {
      ...{ task, label, budget, seed, metric, score },
      examples: happened.examples?.splits[selected?.split ?? ""] ?? null,
      parameters: happened.parameters.trainable || null,
      step: happened.steps || null,
      row: id,
      metrics: selected?.metrics ?? {},
    };
  });
  return reportTable(rows, {
    id: "runs",
    title: "All runs",
    note: "One row a run, with the line that it begins with. The CSV has its other metrics too.",
    csv: ({ metrics, ...row }) => ({ ...row, ...metrics }),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("seed", (row) => String(row.seed)),
      metricColumn,
      number("score", (row) => scoreOf(row, row.score)),
      number("examples", (row) => row.examples === null ? nothing : whole(row.examples)),
      number("parameters", (row) => row.parameters === null ? nothing : whole(row.parameters)),
      number("step", (row) => row.step === null ? nothing : whole(row.step)),
      text("line", (row) => row.row),
    ],
  });
}

/** Files, what was taken for granted, and all runs. */
export const whereFrom: Section = {
  title: "Where the scores are from",
  id: "sources",
  blocks: [
    prose(({ analysis: { foreign } }) => {
      const notes = foreign?.notes ?? [];
      return notes.length === 0
        ? []
        : [html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`];
    }),
    table(sourcesTable),
    folded(runsTable),
  ],
};
