/**
 * One row a run.
 *
 * @module
 */
import { folded, noRuns, type Section } from "../section.ts";
import { runsTable } from "../tables/runs.ts";

/** Every run. */
export const allRuns: Section = {
  title: "All runs",
  id: "runs",
  empty: noRuns,
  blocks: [folded(runsTable)],
};
