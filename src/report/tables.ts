/**
 * The tables of a report.
 *
 * @module
 */
export { ablationTable, removalsTable } from "./tables/ablation.ts";
export { allocationsTable } from "./tables/allocations.ts";
export { budgetsTable } from "./tables/budgets.ts";
export { comparisonsTable } from "./tables/comparisons.ts";
export { convergenceTable } from "./tables/convergence.ts";
export { claimsTable, claimTasksTable } from "./tables/claims.ts";
export { costTable } from "./tables/cost.ts";
export { overTasksTable } from "./tables/over_tasks.ts";
export { pairedTable, pairedVerdictsTable, replayTable } from "./tables/paired.ts";
export { examplesTable } from "./tables/paired_examples.ts";
export { factorialTable } from "./tables/factorial.ts";
export { provenanceTable } from "./tables/provenance.ts";
export { rankMetricTable } from "./tables/rank_metric.ts";
export { rankingPairsTable, rankingTable, rankingTestsTable } from "./tables/ranking.ts";
export { failedTable, runsTable } from "./tables/runs.ts";
export { methodsTable, scoresTable } from "./tables/scores.ts";
export { sequencesTable, stagesTable } from "./tables/sequence.ts";
export { settingsTable } from "./tables/settings.ts";
export { moduleSpectraTable, usedRanksTable } from "./tables/spectra.ts";
export { stochasticOrderTable } from "./tables/stochastic_order.ts";
export { targetsTable } from "./tables/targets.ts";
export { groupedTable } from "./tables/grouped.ts";
export { truncationsTable } from "./tables/truncations.ts";
export { tuningTable } from "./tables/tuning.ts";
export { variedTable } from "./tables/varied.ts";
export { verificationTable } from "./tables/verification.ts";
