/**
 * What methods came to on tasks that follow each other.
 *
 * @module
 */
import { charts, folded, type Section, table } from "../section.ts";
import { sequencesTable, stagesTable } from "../tables/sequence.ts";

/** Average accuracy and forgetting. */
export const sequencesOfTasks: Section = {
  title: "Sequences of tasks",
  id: "sequences",
  blocks: [
    table(sequencesTable),
    charts(({ charts }) => charts.sequences),
    folded(stagesTable),
  ],
};
