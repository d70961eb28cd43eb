/**
 * Layer-rank ablation: whether the modules that were given rank are the ones whose removal hurts.
 *
 * @module
 */
import { meritOf } from "../tasks/metrics.ts";
import type { RemovalKind } from "../record/types.ts";
import {
  bootstrapInterval,
  type Interval,
  kendall,
  meanOf,
  spearman,
  summarise,
} from "../stats/statistics.ts";
import type { Basis } from "./basis.ts";
import { metricInfo } from "./metrics.ts";
import { type Cell, cellKeys, cellOf, orderOf, rolledUp } from "./run_rows.ts";

/** How well rank and loss of metric agree, for one task, method, budget and kind of removal. */
export interface AblationRow extends Cell {
  /** What is removed at a time. */
  readonly kind: RemovalKind;
  /** Ablated runs whose correlation is defined. */
  readonly n: number;
  /** Ablated runs in which all removed pieces had equal rank (or lost equally), so that none is. */
  readonly undefinedRuns: number;
  /** Removals a run. */
  readonly pieces: number;
  /** Spearman’s ρ, the mean over runs. */
  readonly spearman: number | null;
  /** Ends of its interval. */
  readonly low: number | null;
  /** See {@linkcode AblationRow.low}. */
  readonly high: number | null;
  /** Kendall’s τ, the mean over runs. */
  readonly kendall: number | null;
  /** Where the interval comes from. */
  readonly interval: "t over runs" | "bootstrap over removals" | "none";
}

/** One removed piece, averaged over the runs (seeds) of a cell. */
export interface AblationPoint extends Cell {
  readonly kind: RemovalKind;
  readonly name: string;
  readonly rank: number;
  /** Mean loss of the metric, in the report's scale. */
  readonly loss: number;
  readonly runs: number;
}

/** All removals; a positive loss means that removing the piece hurt, whichever way the metric is better. */
function removalsOf({ runs }: Basis) {
  return runs.flatMap(({ record, ablation }) => {
    if (ablation === null) return [];
    const { scale } = metricInfo(ablation.metric);
    return ablation.removals.filter(({ loss }) => Number.isFinite(loss)).map((removal) => ({
      ...{ ...cellOf(record), kind: removal.kind, name: removal.name, rank: removal.rank },
      loss: meritOf(ablation.metric, removal.loss * scale),
      run: record.id,
    }));
  });
}

const kinds: readonly RemovalKind[] = ["layer", "module", "part"];

/** The removed pieces of each cell, rank and loss averaged over its runs. */
export function ablationPoints(results: Basis): readonly AblationPoint[] {
  return rolledUp(removalsOf(results), ["kind", ...cellKeys, "name"], (own) => ({
    rank: meanOf(own.map(({ rank }) => rank)),
    loss: meanOf(own.map(({ loss }) => loss)),
    runs: own.length,
  }));
}

/** The same, the most missed first within each cell. */
export function removals(results: Basis): readonly AblationPoint[] {
  return ablationPoints(results).toSorted(byKindThen(results, (a, b) => b.loss - a.loss));
}

/** Sorts by what was removed, then by cell. */
function byKindThen<T extends Pick<AblationRow, "kind" | (typeof cellKeys)[number]>>(
  { grid }: Basis,
  then: (a: T, b: T) => number = () => 0,
): (a: T, b: T) => number {
  const order = orderOf(grid);
  return (a, b) =>
    kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || order(a) - order(b) || then(a, b);
}

/**
 * Rank correlations between rank given and metric lost.
 *
 * Each run gives one correlation over its pieces; with two runs or more the interval is a t interval over runs,
 * with one run a percentile bootstrap over its pieces (seeded, so it repeats).
 */
export function ablationRows(results: Basis): readonly AblationRow[] {
  return rolledUp(removalsOf(results), ["kind", ...cellKeys], (cell) => {
    const runs = [...Map.groupBy(cell, (r) => r.run).values()].map((removals) => ({
      ranks: removals.map((r) => r.rank),
      losses: removals.map((r) => r.loss),
    }));
    const correlated = runs.flatMap((run) => {
      const rho = spearman(run.ranks, run.losses);
      return rho === null ? [] : [{ ...run, rho, tau: kendall(run.ranks, run.losses) }];
    });
    const summary = summarise(correlated.map((run) => run.rho));
    const only = correlated.length === 1 ? correlated[0]! : null;
    const bootstrap: Interval | null = only === null ? null : bootstrapInterval(
      only.ranks.length,
      (units) => spearman(units.map((u) => only.ranks[u]!), units.map((u) => only.losses[u]!)),
      { seed: 0 },
    );
    // Correlations that are all equal (a few pieces often give 1) leave nothing to estimate a spread from.
    const hasSpread = bootstrap !== null || (summary.sd !== null && summary.sd > 1e-12);
    // A correlation lies within [−1, 1]; so do the ends of its interval.
    const clamp = (end: number | null) =>
      end === null || !hasSpread ? null : Math.max(-1, Math.min(1, end));
    return {
      n: summary.n,
      undefinedRuns: runs.length - correlated.length,
      pieces: Math.max(...runs.map((run) => run.ranks.length)),
      spearman: summary.mean,
      low: clamp(bootstrap?.low ?? summary.low),
      high: clamp(bootstrap?.high ?? summary.high),
      kendall: summarise(correlated.flatMap((run) => run.tau === null ? [] : [run.tau])).mean,
      interval: bootstrap !== null
        ? "bootstrap over removals" as const
        : hasSpread
        ? "t over runs" as const
        : "none" as const,
    };
  }).toSorted(byKindThen(results));
}

/** The metric at a rank, over the runs (seeds) of a cell. */
interface TruncationRow extends Cell {
  readonly rank: number;
  readonly n: number;
  /** In the report's scale. */
  readonly mean: number | null;
  readonly sd: number | null;
  /** Mean of what the whole adapter has more; positive means that cutting hurt, whichever way the metric is better. */
  readonly loss: number | null;
}

/** The ablated runs' metrics at each rank, cell by cell. */
export function truncationRows(results: Basis): readonly TruncationRow[] {
  const order = orderOf(results.grid);
  const cuts = results.runs.flatMap(({ record, ablation }) => {
    if (ablation === null) return [];
    const { scale } = metricInfo(ablation.metric);
    return (ablation.truncations ?? []).map(({ rank, metric }) => ({
      ...{ ...cellOf(record), rank, metric: metric * scale },
      loss: meritOf(ablation.metric, (ablation.baseline - metric) * scale),
    }));
  });
  return rolledUp(cuts, [...cellKeys, "rank"], (own) => {
    const { n, mean, sd } = summarise(own.map(({ metric }) => metric));
    return { n, mean, sd, loss: summarise(own.map(({ loss }) => loss)).mean };
  }).toSorted((a, b) => order(a) - order(b) || a.rank - b.rank);
}
