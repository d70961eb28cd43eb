/**
 * How losses fell.
 *
 * @module
 */
import { charts, noRuns, type Section } from "../section.ts";

/** Loss curves. */
export const losses: Section = {
  title: "Losses",
  id: "loss-curves",
  empty: noRuns,
  blocks: [charts(({ charts }) => charts.loss)],
};
