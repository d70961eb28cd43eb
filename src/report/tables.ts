/**
 * The tables of a report.
 *
 * @module
 */
export { ablationTable, removalsTable } from "./tables/ablation.ts";
export { budgetsTable, costTable } from "./tables/cost.ts";
export { baselineOf, examplesTable, pairedTable } from "./tables/paired.ts";
export { provenanceTable } from "./tables/provenance.ts";
export { failedTable, runsTable } from "./tables/runs.ts";
export { methodsTable, scoresTable } from "./tables/scores.ts";
export { sequencesTable, stagesTable } from "./tables/sequence.ts";
