/**
 * What the metric loses without a layer, a module or a part.
 *
 * @module
 */
import { removals, truncationRows } from "../../analysis/ablation.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { fixed, interval, nothing, significant, whole } from "../../base/format.ts";
import { budgetColumn, methodColumn, taskColumn } from "../columns.ts";
import { html } from "../html.ts";
import { charts, command, folded, type Section, titled } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

/** The table of {@linkcode ablationRows}. */
function ablationTable(results: Analysis): ReportTable {
  return reportTable(results.ablation, {
    id: "ablation",
    title: "Rank and metric lost",
    note:
      "The adapters of one layer, of one module, or of one part of all layers (all query, for instance) are removed from the " +
      "trained model and the metric is evaluated again. " +
      "ρ (Spearman) and τ (Kendall’s τ-b) correlate the rank that was removed with the metric lost: near 1, rank went where it was needed. " +
      "n counts runs. With several runs the 95% interval is a t interval over runs, with one run a bootstrap over what was removed. " +
      "Where all ranks are equal there is no correlation.",
    columns: [
      text("removed", (row) => `one ${row.kind}`),
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("removals a run", (row) => whole(row.pieces)),
      number(
        "ρ",
        (row) => row.spearman === null ? "ranks equal" : fixed(row.spearman, 2),
        (row) => row.spearman === null ? "muted" : "plain",
      ),
      number("95% interval of ρ", (row) => interval(row.low, row.high, 2)),
      number("τ", (row) => fixed(row.kendall, 2)),
      text(
        "interval from",
        (row) => row.interval === "none" ? nothing : String(row.interval),
        () => "muted",
      ),
    ],
  });
}

/** Every removed piece with its mean rank and loss, the most missed first within each cell. */
function removalsTable(results: Analysis): ReportTable {
  return reportTable(removals(results), {
    id: "removals",
    title: "Every removal",
    note:
      "The rank removed and the metric lost, means over runs (metrics within [−1, 1] are shown × 100). Positive: the removal hurt.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      text("removed", (row) => row.name),
      number("rank", (row) => significant(row.rank)),
      number("metric lost", (row) => fixed(row.loss, 2)),
      number("runs", (row) => whole(row.runs)),
    ],
  });
}

/** The table of {@linkcode truncationRows}. */
function truncationsTable(results: Analysis): ReportTable {
  return reportTable(truncationRows(results), {
    id: "truncations",
    title: "Cut to fewer ranks",
    note:
      "The metric on the evaluation split (metrics within [−1, 1] are shown × 100) when each module keeps only its first ranks, without " +
      "training again; for methods that train first ranks to work alone. Mean and standard deviation over n runs. " +
      "The last row of each method and budget is the whole adapter.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("rank", (row) => whole(row.rank)),
      number("n", (row) => whole(row.n)),
      number("mean", (row) => fixed(row.mean, 2)),
      number("sd", (row) => fixed(row.sd, 2)),
      number("lost", (row) => fixed(row.loss, 2)),
    ],
  });
}

/** Whether rank went where it was needed. */
export const layerRankAblation: Section = {
  title: "Layer-rank ablation",
  id: "ablation",
  empty: (analysis) =>
    html`No run was ablated yet: ${
      command("ablate", analysis)
    } removes the adapters of each layer, module and part in turn and evaluates again.`,
  blocks: [
    charts(({ charts }) => charts.ablation),
    titled(ablationTable),
    titled(truncationsTable),
    folded(removalsTable),
  ],
};
