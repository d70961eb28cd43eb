/**
 * How many seeds would tell methods from the baseline.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { seedsForMargin, seedsNeeded } from "../../analysis/foreign/seeds_needed.ts";
import { listed, nothing, signed, whole } from "../../base/format.ts";
import { budgetColumn, methodColumn, scaled, scoreOf, taskColumn } from "../columns.ts";
import { html } from "../html.ts";
import { prose, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable } from "../table.ts";

/** Spreads of differences that are shown where none is known, in margins. */
const spreads = [
  ["half a margin", 0.5],
  ["one margin", 1],
  ["two margins", 2],
] as const;

/** What is said where a method shares one seed with the baseline. */
export function oneSeedText(): string {
  const needed = spreads.map(([name, spread]) => `${name}: ${whole(seedsForMargin(spread))}`);
  return `One seed decides nothing: how far seeds differ is not known from it. The seeds that tell a difference of one margin from none in 80 of 100 studies, where the differences of seeds have a standard deviation of ${
    listed(needed)
  }.`;
}

function seedsTable(results: Analysis): ReportTable {
  const baseline = results.baseline ?? "the baseline";
  const rows = seedsNeeded(results);
  return reportTable(rows, {
    id: "seeds_needed",
    title: `Seeds that tell methods from ${baseline}`,
    note:
      `Mean and standard deviation of the differences from ${baseline}, over seeds in common. Wanted are the seeds that tell a difference of one ` +
      "margin from none in 80 of 100 studies, by a two-sided t test at 5 %, if the spread is at the upper end of its 60% interval.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      number("seeds", (row) => whole(row.n)),
      number("difference", (row) => signed(scaled(row, row.mean), 2)),
      number("sd", (row) => scoreOf(row, row.sd)),
      number("margin", (row) => `±${scoreOf(row, row.margin)}`),
      number("seeds wanted", (row) => row.needed === null ? nothing : whole(row.needed)),
      number(
        "more",
        (row) => row.needed === null ? "not known" : whole(Math.max(0, row.needed - row.n)),
      ),
    ],
  });
}

/** The seeds that are missing. */
export const seedsThatDecide: Section = {
  title: "Seeds that decide",
  blocks: [
    prose(({ analysis }) =>
      seedsNeeded(analysis).some(({ n }) => n === 1) ? [html`<p>${oneSeedText()}</p>`] : []
    ),
    table(seedsTable),
  ],
};
