/**
 * Each setting that a study varies.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { VariedRow, variedRows } from "../../analysis/varied.ts";
import { fixed, interval, nothing, signed } from "../../base/format.ts";
import { scaled } from "../columns.ts";
import { charts, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";

/** The values of the settings that vary. */
function variedTable(results: Analysis): ReportTable {
  const shown = ({ metric }: VariedRow, value: number | null) =>
    metric === null ? null : scaled({ metric }, value);
  return reportTable(variedRows(results), {
    id: "varied",
    title: "Settings that vary",
    note:
      "Each row is one value of a setting. A run counts where every other value has a run with the same task, method, budget, seed " +
      "and other settings. Means are over these runs, × 100 for metrics within [−1, 1]. Differences are from the best value, with " +
      "95% t intervals over seeds. The best value is chosen by the same scores, so it looks slightly better than it is. " +
      "“Best in” counts the combinations of task, method, budget and other settings in which no value has a better mean.",
    csv: ({ bestFor, ...row }) => ({ ...row, bestFor: bestFor.join(", ") }),
    columns: [
      text("setting", (row) => row.setting),
      number("value", (row) => row.value),
      number("runs", (row) => String(row.n)),
      number("mean", (row) => fixed(shown(row, row.mean), 2)),
      number(
        "difference",
        (row) => row.difference === 0 ? "best" : signed(shown(row, row.difference), 2),
        (row) => row.difference === 0 ? "good" : "plain",
      ),
      number("95% interval", (row) => interval(shown(row, row.low), shown(row, row.high), 2)),
      number("best in", (row) => row.of === 0 ? nothing : `${row.bestIn} of ${row.of}`),
      text("best for", (row) => row.bestFor.join(", ") || nothing),
    ],
  });
}

/** A row a value of each setting. */
export const settingsThatVary: Section = {
  title: "Settings that vary",
  id: "varied",
  blocks: [table(variedTable), charts(({ charts }) => charts.varied)],
};
