/**
 * Layer-rank ablation: whether the modules that were given rank are the ones whose removal hurts.
 *
 * @module
 */
import { budgetName, keyOf } from "../../analysis/run_rows.ts";
import { fixed, interval, nothing, significant, whole } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import {
  bootstrapInterval,
  type Interval,
  kendall,
  spearman,
  summarise,
} from "../../stats/statistics.ts";
import type { RemovalKind } from "../../record/types.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { budgetColumn, methodColumn, taskColumn } from "./columns.ts";
import { orderOf } from "../../analysis/scores.ts";

/** How well rank and loss of metric agree, for one task, method, budget and kind of removal. */
export interface AblationRow {
  readonly kind: RemovalKind;
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  /** Ablated runs whose correlation is defined. */
  readonly n: number;
  /** Ablated runs in which all removed pieces had equal rank (or lost equally), so that none is. */
  readonly undefinedRuns: number;
  /** Removals a run. */
  readonly pieces: number;
  readonly spearman: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly kendall: number | null;
  /** Where the interval comes from. */
  readonly interval: "t over runs" | "bootstrap over removals" | "none";
}

/** One removed piece, averaged over the runs (seeds) of a cell. */
export interface AblationPoint {
  readonly kind: RemovalKind;
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly name: string;
  readonly rank: number;
  /** Mean loss of the metric, in the report's scale. */
  readonly loss: number;
  readonly runs: number;
}

interface Removal {
  readonly kind: RemovalKind;
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly run: string;
  readonly name: string;
  readonly rank: number;
  readonly loss: number;
}

/** All removals; a positive loss means that removing the piece hurt, whichever way the metric is better. */
function removalsOf(results: Analysis): readonly Removal[] {
  return results.runs.flatMap(({ record, ablation }) => {
    if (ablation === null) return [];
    const { isHigherBetter, scale } = metricInfo(ablation.metric);
    return ablation.removals.filter((removal) => Number.isFinite(removal.loss)).map((removal) => ({
      kind: removal.kind,
      task: record.asked.task,
      label: record.asked.label,
      budget: budgetName(record.asked.budget),
      run: record.id,
      name: removal.name,
      rank: removal.rank,
      loss: removal.loss * scale * (isHigherBetter ? 1 : -1),
    }));
  });
}

const kinds: readonly RemovalKind[] = ["layer", "module", "part"];

/** The removed pieces of each cell, rank and loss averaged over its runs. */
export function ablationPoints(results: Analysis): readonly AblationPoint[] {
  const groups = Map.groupBy(
    removalsOf(results),
    (r) => keyOf(r.kind, r.task, r.label, r.budget, r.name),
  );
  return [...groups.values()].map((group) => {
    const { kind, task, label, budget, name } = group[0]!;
    const mean = (pick: (removal: Removal) => number) =>
      group.reduce((sum, removal) => sum + pick(removal), 0) / group.length;
    return {
      kind,
      task,
      label,
      budget,
      name,
      rank: mean((r) => r.rank),
      loss: mean((r) => r.loss),
      runs: group.length,
    };
  });
}

/**
 * Rank correlations between rank given and metric lost.
 *
 * Each run gives one correlation over its pieces; with two runs or more the interval is a t interval over runs,
 * with one run a percentile bootstrap over its pieces (seeded, so it repeats).
 */
export function ablationRows(results: Analysis): readonly AblationRow[] {
  const order = orderOf(results.grid);
  const cells = Map.groupBy(removalsOf(results), (r) => keyOf(r.kind, r.task, r.label, r.budget));
  return [...cells.values()].map((cell): AblationRow => {
    const { kind, task, label, budget } = cell[0]!;
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
      kind,
      task,
      label,
      budget,
      n: summary.n,
      undefinedRuns: runs.length - correlated.length,
      pieces: Math.max(...runs.map((run) => run.ranks.length)),
      spearman: summary.mean,
      low: clamp(bootstrap?.low ?? summary.low),
      high: clamp(bootstrap?.high ?? summary.high),
      kendall: summarise(correlated.flatMap((run) => run.tau === null ? [] : [run.tau])).mean,
      interval: bootstrap !== null ? "bootstrap over removals" : hasSpread ? "t over runs" : "none",
    };
  }).sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || order(a) - order(b));
}

/** The table of {@linkcode ablationRows}. */
export function ablationTable(results: Analysis): ReportTable {
  return reportTable(ablationRows(results), {
    id: "ablation",
    title: "Rank and metric lost",
    note:
      "The adapters of one layer, of one module, or of one part of all layers (all query, for instance) are removed from the " +
      "trained model and the metric is evaluated again. " +
      "ρ (Spearman) and τ (Kendall’s τ-b) correlate the rank that was removed with the metric lost: near 1, rank went where it was needed. " +
      "n counts runs. With several runs the 95% interval is a t interval over runs, with one run a bootstrap over what was removed. " +
      "Where all ranks are equal there is no correlation.",
    columns: [
      text("removed", (row) => `one ${row.kind}`),
      taskColumn,
      methodColumn,
      budgetColumn,
      number("n", (row) => whole(row.n)),
      number("removals a run", (row) => whole(row.pieces)),
      number(
        "ρ",
        (row) => row.spearman === null ? "ranks equal" : fixed(row.spearman, 2),
        (row) => row.spearman === null ? "muted" : "plain",
      ),
      number("95% interval of ρ", (row) => interval(row.low, row.high, 2)),
      number("τ", (row) => fixed(row.kendall, 2)),
      text(
        "interval from",
        (row) => row.interval === "none" ? nothing : String(row.interval),
        () => "muted",
      ),
    ],
  });
}

/** Every removed piece with its mean rank and loss, the most missed first within each cell. */
export function removalsTable(results: Analysis): ReportTable {
  const order = orderOf(results.grid);
  const points = ablationPoints(results).toSorted((a, b) =>
    kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || order(a) - order(b) || b.loss - a.loss
  );
  return reportTable(points, {
    id: "removals",
    title: "Every removal",
    note:
      "The rank removed and the metric lost, means over runs (metrics within [−1, 1] are shown × 100). Positive: the removal hurt.",
    columns: [
      taskColumn,
      methodColumn,
      budgetColumn,
      text("removed", (row) => row.name),
      number("rank", (row) => significant(row.rank)),
      number("metric lost", (row) => fixed(row.loss, 2)),
      number("runs", (row) => whole(row.runs)),
    ],
  });
}
