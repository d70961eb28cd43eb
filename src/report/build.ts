/**
 * Builds a whole report from a study's results.
 *
 * @module
 */
import { chartsOf } from "./charts.ts";
import { csvOf } from "./csv.ts";
import { answerOf } from "./findings/answer.ts";
import { findingsOf } from "./findings/findings.ts";
import { labelMeanings } from "./labels.ts";
import { markdownOf } from "./markdown.ts";
import { noticesOf } from "./notices.ts";
import { pageOf } from "./page.ts";
import { type Picture, renderChart } from "./render.ts";
import {
  ablationTable,
  allocationsTable,
  budgetsTable,
  claimsTable,
  claimTasksTable,
  comparisonsTable,
  convergenceTable,
  costTable,
  examplesTable,
  factorialTable,
  failedTable,
  groupedTable,
  methodsTable,
  moduleSpectraTable,
  overTasksTable,
  pairedTable,
  pairedVerdictsTable,
  provenanceTable,
  rankingPairsTable,
  rankingTable,
  rankingTestsTable,
  rankMetricTable,
  removalsTable,
  replayTable,
  runsTable,
  scoresTable,
  sequencesTable,
  settingsTable,
  stagesTable,
  stochasticOrderTable,
  targetsTable,
  truncationsTable,
  tuningTable,
  usedRanksTable,
  variedTable,
  verificationTable,
} from "./tables.ts";
import type { Analysis } from "../analysis/analysis.ts";
import type { ReportTable } from "./table.ts";
import type { ReportFiles } from "./types.ts";

/** All tables of a report; those without rows are among them. */
export function tablesOf(results: Analysis): readonly ReportTable[] {
  const { baseline, claimsReport: claims, replay, tests: { rankings } } = results;
  const replayTables = replay === null ? [] : [
    { ...methodsTable(replay, "replay_methods"), title: "Scores of the replays" },
    replayTable(results),
  ];
  return [
    claimsTable(claims),
    claimTasksTable(claims),
    settingsTable(results),
    tuningTable(results),
    methodsTable(results),
    scoresTable(results),
    convergenceTable(results),
    targetsTable(results),
    variedTable(results),
    factorialTable(results),
    sequencesTable(results),
    stagesTable(results),
    rankingTable(results, rankings),
    rankingTestsTable(rankings),
    rankingPairsTable(results),
    comparisonsTable(results),
    pairedVerdictsTable(results),
    pairedTable(results),
    overTasksTable(results),
    examplesTable(results),
    allocationsTable(results),
    usedRanksTable(results),
    moduleSpectraTable(results),
    ablationTable(results),
    removalsTable(results),
    rankMetricTable(results),
    truncationsTable(results),
    ...replayTables,
    costTable(results, baseline),
    budgetsTable(results),
    verificationTable(results),
    provenanceTable(results),
    failedTable(results),
    runsTable(results),
  ];
}

/** What a report has besides. */
export interface ReportOptions {
  /** What a further table groups scores by, as {@linkcode groupedTable} takes it; it stands in the files alone. Default: nothing. */
  readonly by?: readonly string[];
  /** Whether a table has the almost stochastic order of each method and the baseline. Default false. */
  readonly hasStochasticOrder?: boolean;
}

/**
 * Builds the report: `report.html`, `charts/*.svg`, `tables/*.md` and `tables/*.csv` (tables without rows are left out).
 *
 * The same results give the same bytes.
 *
 * @throws {Error} If a chart cannot be drawn; the message names it.
 * @throws {UsageError} If there is nothing of a name to group by.
 */
export async function buildReport(
  results: Analysis,
  { by = [], hasStochasticOrder = false }: ReportOptions = {},
): Promise<ReportFiles> {
  const tables = [
    ...tablesOf(results),
    ...(hasStochasticOrder ? [stochasticOrderTable(results)] : []),
  ];
  const labels = labelMeanings(results);
  const charts = chartsOf(results);
  const pictures = new Map<string, Picture>();
  for (const chart of Object.values(charts).flat()) {
    pictures.set(chart.id, await renderChart(chart));
  }
  const page = pageOf({
    results,
    labels,
    claims: results.claimsReport,
    answer: answerOf(results),
    notices: noticesOf(results),
    findings: findingsOf(results),
    charts,
    pictures: new Map([...pictures].map(([id, { page }]) => [id, page])),
    tables: new Map(tables.map((table) => [table.id, table])),
  });
  const grouped = by.length === 0 ? [] : [groupedTable(results, by)];
  const filled = [...tables, ...grouped].filter((table) => table.rows.length > 0);
  return {
    files: Object.fromEntries([
      ["report.html", page],
      ...[...pictures].map(([id, { file }]) => [`charts/${id}.svg`, file + "\n"]),
      ...filled.flatMap((table) => [
        [`tables/${table.id}.md`, markdownOf(table, labels)],
        [`tables/${table.id}.csv`, csvOf(table)],
      ]),
    ]),
  };
}
