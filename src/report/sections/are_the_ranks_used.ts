/**
 * What the spectra of trained updates say of their ranks.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { usedRanksRows } from "../../analysis/spectra.ts";
import { fixed, nothing, significant, whole } from "../../base/format.ts";
import { html } from "../html.ts";
import { charts, command, folded, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "../columns.ts";

const overlapText = (overlap: number | null, chance: number | null) =>
  overlap === null ? nothing : `${fixed(overlap, 2)} (${fixed(chance, 2)})`;

/** Runs without spectra, as a sentence; empty where there are none. */
function leftOutText({ spectra }: Analysis): string {
  const reasons = Map.groupBy(spectra?.leftOut ?? [], ({ reason }) => reason);
  return [...reasons].map(([reason, runs]) =>
    ` Left out: ${runs[0]!.title}${
      runs.length === 1 ? "" : ` and ${runs.length - 1} more`
    } (${reason}).`
  ).join("");
}

/** The table of {@linkcode usedRanksRows}. */
function usedRanksTable(results: Analysis): ReportTable {
  const { top, threshold } = results.spectra ?? { top: 0, threshold: 0 };
  return reportTable(usedRanksRows(results), {
    id: "used_ranks",
    title: "Ranks given and ranks used",
    note:
      "Ranks are summed over modules, means over n runs (± standard deviation). The effective rank of an update is the exponential of the " +
      "entropy of its singular values, the stable rank its squared norm over its squared largest singular value: both say how many " +
      "directions carry it. The norm is that of the update over that of the frozen weight, the mean over modules. " +
      `Intruder dimensions are those of the first ${top} singular vectors of each new weight whose cosine with every one of the old weight's ` +
      `is below ${threshold}, summed over modules. Overlap is how far two seeds' updates write to (out) and read (in) the same directions, ` +
      "from 0 to 1; in brackets that of random subspaces." + leftOutText(results),
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("rank", (row) => fixed(row.rank, 1)),
      number(
        "effective rank",
        (row) =>
          row.effectiveRankSd === null
            ? fixed(row.effectiveRank, 1)
            : `${fixed(row.effectiveRank, 1)} ± ${fixed(row.effectiveRankSd, 1)}`,
      ),
      number(
        "used (%)",
        (row) => row.used === null ? nothing : fixed(100 * row.used, 0),
      ),
      number("stable rank", (row) => fixed(row.stableRank, 1)),
      number("norm (%)", (row) => significant(100 * row.relativeNorm)),
      number("intruders", (row) => fixed(row.intruders, 1)),
      number("overlap, out", (row) => overlapText(row.left, row.leftChance)),
      number("overlap, in", (row) => overlapText(row.right, row.rightChance)),
    ],
  });
}

/** The table of {@linkcode moduleSpectraRows}. */
function moduleSpectraTable(results: Analysis): ReportTable {
  return reportTable(
    results.moduleSpectra,
    {
      id: "module_spectra",
      title: "Updates by module",
      note:
        "Means over n runs; the CSV file has the singular values too, the largest first, with spaces between them.",
      csv: ({ values, ...row }) => ({
        ...row,
        values: values.map((value) => value.toPrecision(6)).join(" "),
      }),
      columns: [
        taskColumn,
        methodColumn,
        budgetColumn,
        text("module", (row) => row.module),
        number("n", (row) => whole(row.n)),
        number("rank", (row) => fixed(row.rank, 1)),
        number("effective rank", (row) => fixed(row.effectiveRank, 2)),
        number("stable rank", (row) => fixed(row.stableRank, 2)),
        number("norm", (row) => significant(row.norm)),
        number("norm (%)", (row) => significant(100 * row.relativeNorm)),
        number("intruders", (row) => fixed(row.intruders, 1)),
      ],
    },
  );
}

/** Ranks given and ranks used: the chart of all methods, their table, then charts of each method, together. */
export const areTheRanksUsed: Section = {
  title: "Are the ranks used?",
  id: "spectra",
  empty: (analysis) =>
    html`The trained updates were not read yet: ${
      command("spectra", analysis)
    } finds their singular values, intruder dimensions and the overlap between seeds.`,
  blocks: [
    [
      charts(({ charts }) => charts.spectra.filter(({ label }) => label === undefined)),
      table(usedRanksTable),
      charts(({ charts }) => charts.spectra.filter(({ label }) => label !== undefined), {
        isByMethod: true,
      }),
    ],
    folded(moduleSpectraTable),
  ],
};
