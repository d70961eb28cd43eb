/**
 * The charts of a report, by the section they stand in.
 *
 * @module
 */
import { specificationRows } from "../analysis/claims/specifications.ts";
import { claimCourseChart, claimsChart } from "./charts/claims.ts";
import { specificationsChart } from "./charts/specifications.ts";
import { costCharts } from "./charts/cost.ts";
import { ablationCharts, slotScoreCharts, spectraCharts } from "./charts/modules.ts";
import { improvementChart, profilesChart, rankingChart } from "./charts/ranking.ts";
import {
  importanceTrajectories,
  rankHeatmaps,
  rankOverview,
  rankTimelines,
  rankTrajectories,
} from "./charts/ranks.ts";
import { metricBudgetCharts, replayChart } from "./charts/scores.ts";
import { manyLabels } from "./charts/theme.ts";
import {
  expectedBestChart,
  learningChart,
  lossChart,
  rankMetricChart,
  sequenceCharts,
} from "./charts/training.ts";
import { variedCharts } from "./charts/varied.ts";
import { stylesOf } from "./method_styles.ts";
import type { Analysis } from "../analysis/analysis.ts";
import type { Chart } from "./types.ts";

/** Charts by section; a section without data has none. */
export interface ReportCharts {
  readonly claims: readonly Chart[];
  readonly claimCourses: readonly Chart[];
  readonly metric: readonly Chart[];
  readonly varied: readonly Chart[];
  readonly sequences: readonly Chart[];
  readonly ranking: readonly Chart[];
  readonly overTasks: readonly Chart[];
  readonly learning: readonly Chart[];
  readonly loss: readonly Chart[];
  readonly ranks: readonly Chart[];
  readonly rankMetric: readonly Chart[];
  readonly trajectories: readonly Chart[];
  readonly importance: readonly Chart[];
  readonly spectra: readonly Chart[];
  readonly ablation: readonly Chart[];
  readonly replay: readonly Chart[];
  readonly cost: readonly Chart[];
  readonly tuning: readonly Chart[];
}

/** All charts that the results have data for. */
export function chartsOf(results: Analysis): ReportCharts {
  const { claimsReport: claims, grid } = results;
  const styles = stylesOf(results);
  const list = (chart: Chart | null) => chart === null ? [] : [chart];
  return {
    claims: list(claims === null ? null : claimsChart(claims.verdicts)),
    claimCourses: list(claims === null ? null : claimCourseChart(claims.verdicts)),
    metric: metricBudgetCharts(results, styles),
    varied: variedCharts(results),
    sequences: sequenceCharts(results, grid, styles),
    ranking: list(rankingChart(results.tests.rankings, styles)),
    overTasks: [
      ...list(improvementChart(results, styles)),
      ...list(profilesChart(results, styles)),
    ],
    learning: list(learningChart(results, grid, styles)),
    loss: list(lossChart(results, grid, styles)),
    ranks: [
      ...(grid.labels.length < manyLabels ? [] : list(rankOverview(results, grid))),
      ...rankHeatmaps(results, grid),
    ],
    rankMetric: list(rankMetricChart(results, grid, styles)),
    trajectories: [...rankTimelines(results, grid), ...rankTrajectories(results, grid)],
    importance: [...importanceTrajectories(results, grid), ...slotScoreCharts(results, grid)],
    spectra: spectraCharts(results, grid, styles),
    ablation: ablationCharts(results, grid, styles),
    replay: list(replayChart(results, styles)),
    cost: costCharts(results, styles),
    tuning: [
      ...list(expectedBestChart(results)),
      ...list(specificationsChart(specificationRows(results))),
    ],
  };
}
