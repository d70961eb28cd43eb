/**
 * How ranks moved, where they ended, and the metric meanwhile.
 *
 * @module
 */
import { charts, folded, type Section, titled } from "../section.ts";
import { allocationsTable } from "../tables/allocations.ts";
import { rankMetricTable } from "../tables/rank_metric.ts";

/** What rank policies did. */
export const ranks: Section = {
  title: "Ranks",
  empty: () => "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.",
  blocks: [
    charts(({ charts }) => [...charts.ranks, ...charts.trajectories], { isByMethod: true }),
    titled(allocationsTable),
    charts(({ charts }) => charts.rankMetric),
    folded(rankMetricTable),
  ],
};
