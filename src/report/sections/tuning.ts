/**
 * What was chosen from how many trials.
 *
 * @module
 */
import { charts, type Section, table } from "../section.ts";
import { tuningTable } from "../tables/tuning.ts";

/** The settings that were tuned. */
export const tuning: Section = {
  title: "Tuning",
  blocks: [table(tuningTable), charts(({ charts }) => charts.tuning)],
};
