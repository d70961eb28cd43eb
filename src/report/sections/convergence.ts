/**
 * Whether training had converged, and how long it takes to a score.
 *
 * @module
 */
import { charts, type Section, table, titled } from "../section.ts";
import { convergenceTable } from "../tables/convergence.ts";
import { targetsTable } from "../tables/targets.ts";

/** Learning curves, the cells that had converged, and the way to a score. */
export const convergence: Section = {
  title: "Convergence",
  empty: () =>
    "Learning curves need evaluations before the end: set train.evaluateEvery or train.evaluateEpochs.",
  blocks: [
    charts(({ charts }) => charts.learning),
    table(convergenceTable),
    titled(targetsTable),
  ],
};
