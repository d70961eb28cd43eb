/**
 * Methods by mean rank, with letters, tests and all pairs.
 *
 * @module
 */
import { charts, finding, folded, type Section, table, titled } from "../section.ts";
import { rankingPairsTable, rankingTable, rankingTestsTable } from "../tables/ranking.ts";

/** The order of methods at each budget. */
export const ranking: Section = {
  title: "Ranking",
  empty: () => "A ranking needs two methods that have a score on the same task and seed.",
  blocks: [
    charts(({ charts }) => charts.ranking, { says: finding("Mean ranks") }),
    table((analysis) => rankingTable(analysis, analysis.tests.rankings)),
    titled(({ tests }) => rankingTestsTable(tests.rankings)),
    charts(({ charts }) => charts.overTasks, {
      folded: "Chances of improvement and performance profiles",
    }),
    folded(rankingPairsTable),
  ],
};
