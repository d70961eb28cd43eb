/**
 * What all runs share, then what differs.
 *
 * @module
 */
import { noRuns, type Section, table } from "../section.ts";
import { settingsTable } from "../tables/settings.ts";

/** The settings of all recorded runs. */
export const settings: Section = {
  title: "Settings",
  isPrinted: true,
  empty: noRuns,
  blocks: [table(settingsTable)],
};
