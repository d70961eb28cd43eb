/**
 * What quality costs: time, and parameters asked for, held and left to store.
 *
 * @module
 */
import { charts, finding, noRuns, type Section, titled } from "../section.ts";
import { budgetsTable } from "../tables/budgets.ts";
import { costTable } from "../tables/cost.ts";

/** Quality beside its price. */
export const cost: Section = {
  title: "Cost",
  empty: noRuns,
  blocks: [
    charts(({ charts }) => charts.cost, { says: finding("Quality for its cost") }),
    titled((analysis) => costTable(analysis, analysis.baseline)),
    titled(budgetsTable),
  ],
};
