/**
 * What the spectra of trained updates say of their ranks.
 *
 * @module
 */
import { html } from "../html.ts";
import { charts, command, folded, type Section, table } from "../section.ts";
import { moduleSpectraTable, usedRanksTable } from "../tables/spectra.ts";

/** Ranks given and ranks used: the chart of all methods, their table, then charts of each method, together. */
export const areTheRanksUsed: Section = {
  title: "Are the ranks used?",
  id: "spectra",
  empty: (analysis) =>
    html`The trained updates were not read yet: ${
      command("spectra", analysis)
    } finds their singular values, intruder dimensions and the overlap between seeds.`,
  blocks: [
    [
      charts(({ charts }) => charts.spectra.filter(({ label }) => label === undefined)),
      table(usedRanksTable),
      charts(({ charts }) => charts.spectra.filter(({ label }) => label !== undefined), {
        isByMethod: true,
      }),
    ],
    folded(moduleSpectraTable),
  ],
};
