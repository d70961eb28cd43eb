/**
 * Each method beside the baseline.
 *
 * @module
 */
import { folded, type Section, table } from "../section.ts";
import { overTasksTable } from "../tables/over_tasks.ts";
import { pairedTable, pairedVerdictsTable } from "../tables/paired.ts";
import { examplesTable } from "../tables/paired_examples.ts";
import { stochasticOrderTable } from "../tables/stochastic_order.ts";

/** Differences from the baseline, paired by seed. */
export const pairedDifferences: Section = {
  title: "Paired differences",
  id: "differences",
  empty: () => "Differences need a method to compare with: add LoRA to the study.",
  blocks: [
    table(pairedVerdictsTable),
    folded(overTasksTable),
    folded(pairedTable),
    folded(examplesTable),
    folded((analysis, { hasStochasticOrder = false }) =>
      hasStochasticOrder ? stochasticOrderTable(analysis) : null
    ),
  ],
};
