/**
 * Each setting that a study varies.
 *
 * @module
 */
import { charts, type Section, table } from "../section.ts";
import { variedTable } from "../tables/varied.ts";

/** A row a value of each setting. */
export const settingsThatVary: Section = {
  title: "Settings that vary",
  id: "varied",
  blocks: [table(variedTable), charts(({ charts }) => charts.varied)],
};
