/**
 * The comparisons that a study asks for.
 *
 * @module
 */
import { type Section, table } from "../section.ts";
import { comparisonsTable } from "../tables/comparisons.ts";

/** Any two arms, paired by seed. */
export const comparisonsAskedFor: Section = {
  title: "Comparisons asked for",
  id: "comparisons",
  blocks: [table(comparisonsTable)],
};
