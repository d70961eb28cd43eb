/**
 * Runs that failed, with cause, step and message.
 *
 * @module
 */
import { noRuns, type Section, table } from "../section.ts";
import { failedTable } from "../tables/runs.ts";

/** What failed. */
export const failedRuns: Section = {
  title: "Failed runs",
  id: "failed",
  empty: (analysis) => analysis.runs.length > 0 ? failedTable(analysis).note : noRuns(analysis),
  blocks: [table(failedTable)],
};
