/**
 * Each method's metric at each budget.
 *
 * @module
 */
import { charts, folded, noRuns, type Section, table } from "../section.ts";
import { methodsTable, scoresTable } from "../tables/scores.ts";

/** The scores. */
export const scores: Section = {
  title: "Scores",
  isPrinted: true,
  empty: noRuns,
  blocks: [
    table((analysis) => methodsTable(analysis)),
    charts(({ charts }) => charts.metric.slice(1), { says: ({ answer }) => answer.sentence }),
    folded(scoresTable),
  ],
};
