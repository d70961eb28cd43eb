/**
 * Layer-rank ablation: the rank each removed piece held against what the metric lost.
 *
 * @module
 */
import { type Grid, keyOf } from "../../analysis/run_rows.ts";
import { fixed, interval } from "../../base/format.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { channelsOf, keysOf, shownOf, taskStyles } from "../style.ts";
import {
  type AblationPoint,
  ablationPoints,
  type AblationRow,
  ablationRows,
} from "../../analysis/ablation.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import {
  boundsOf,
  cellsOf,
  columnsOf,
  numberAxis,
  panelOf,
  type PanelTitle,
  smallWidth,
} from "./panel.ts";

/** Methods that can lie over each other in a panel with their correlations written above it. */
const mostOverlaid = 5;

const kinds = ["layer", "module", "part"] as const;

/** Titles of the charts. */
const titles: Readonly<Record<(typeof kinds)[number], string>> = {
  layer: "Removing a layer's adapters",
  module: "Removing one module's adapter",
  part: "Removing a part's adapters in all layers",
};

/** Scatter charts, of removed layers, of removed modules and of removed parts: a panel a task and budget, ρ written above it. */
export function ablationCharts(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): readonly Chart[] {
  const points = ablationPoints(results);
  const rows = ablationRows(results);
  return kinds.flatMap((kind): Chart[] => {
    const own = points.filter((point) => point.kind === kind);
    if (own.length === 0) return [];
    const correlated = new Set(
      rows.filter((row) => row.kind === kind && row.spearman !== null)
        .map((row) => keyOf(row.task, row.label, row.budget)),
    );
    const uneven = own.filter((point) =>
      correlated.has(keyOf(point.task, point.label, point.budget))
    );
    // Where every method kept its ranks equal there is nothing to correlate, and the losses are shown as they are.
    const shown = uneven.length > 0 ? uneven : own;
    const ownRows = rows.filter((row) => row.kind === kind);
    const title = titles[kind];
    const labels = shownOf(styles, shown.map((point) => point.label));
    if (labels.size > mostOverlaid) {
      return [{
        id: `ablation_${kind}`,
        title: `${title}, ${ablatedBudget(shown, grid)}`,
        caption:
          `Each point is one ${kind} on one task, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
          "ρ is Spearman's rank correlation, from its lowest to its highest task; the table below has the intervals. All panels share their scales.",
        ...panelsByMethod(shown, ownRows, grid),
      }];
    }
    return [{
      id: `ablation_${kind}`,
      title,
      caption:
        `Each point is one ${kind}, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
        `ρ is Spearman's rank correlation (mean over runs) with its 95% interval. ` +
        "Budgets of a task share the scale of the loss, tasks of a budget that of the rank." +
        (uneven.length > 0 && uneven.length < own.length
          ? " Methods whose ranks are all equal have no correlation and are left out."
          : ""),
      ...panelsByCell(shown, ownRows, grid, labels),
    }];
  });
}

type Drawn = Pick<Chart, "keys" | "panels" | "columns">;

interface Domains {
  readonly rank: readonly [number, number];
  readonly loss: readonly [number, number];
}

function domainsOf(
  ranks: readonly AblationPoint[],
  losses: readonly AblationPoint[],
): Domains {
  return {
    rank: boundsOf(ranks.map(({ rank }) => rank), { margin: 0.06, leastSpan: 1 }),
    loss: boundsOf(losses.map(({ loss }) => loss), { margin: 0.06, hasZero: true }),
  };
}

function panel(
  title: PanelTitle,
  points: readonly AblationPoint[],
  series: { readonly field: "label" | "task"; readonly styles: SeriesStyles },
  domains: Domains,
  height: number,
): Panel {
  const { color, shape } = channelsOf(series.field, series.styles);
  return panelOf(title, { width: smallWidth, height }, {
    data: {
      values: points.map((point) => ({
        [series.field]: point[series.field],
        rank: point.rank,
        loss: point.loss,
      })),
    },
    mark: { type: "point", filled: true, size: 42, opacity: 0.8 },
    encoding: {
      x: {
        field: "rank",
        type: "quantitative",
        title: "rank held",
        scale: { domain: domains.rank, zero: false, nice: false },
        axis: { grid: false, tickCount: 5 },
      },
      y: {
        field: "loss",
        type: "quantitative",
        title: "metric lost (× 100)",
        scale: { domain: domains.loss, nice: false },
        axis: { ...numberAxis, tickCount: 5 },
      },
      color,
      shape,
    },
  });
}

/** A panel a task and budget, its methods over each other. */
function panelsByCell(
  points: readonly AblationPoint[],
  rows: readonly AblationRow[],
  grid: Grid,
  styles: SeriesStyles,
): Drawn {
  const cells = cellsOf(points, grid);
  const linesOf = (task: string, budget: string) =>
    [...styles.keys()].flatMap((label) => {
      const row = rows.find((row) =>
        row.task === task && row.budget === budget && row.label === label
      );
      return row === undefined || row.spearman === null
        ? []
        : [`${label}: ρ ${fixed(row.spearman, 2)} ${interval(row.low, row.high, 2)}`];
    });
  const most = Math.max(0, ...cells.map(({ task, budget }) => linesOf(task, budget).length));
  return {
    keys: keysOf(styles, "point"),
    panels: cells.map(({ task, budget, rows: own }) => {
      const lines = linesOf(task, budget);
      const padded = [...lines, ...Array.from({ length: most - lines.length }, () => " ")];
      return panel(
        { title: `${task}, ${budget}`, lines: padded },
        own,
        { field: "label", styles },
        domainsOf(
          points.filter((point) => point.budget === budget),
          points.filter((point) => point.task === task),
        ),
        180,
      );
    }),
    columns: columnsOf(cells),
  };
}

/** The largest budget of which anything was ablated. */
function ablatedBudget(points: readonly AblationPoint[], grid: Grid): string {
  return grid.budgets.findLast((name) => points.some((point) => point.budget === name)) ?? "";
}

/** A panel a method at the largest budget, a style a task, the range of ρ over tasks written above it. */
function panelsByMethod(
  points: readonly AblationPoint[],
  rows: readonly AblationRow[],
  grid: Grid,
): Drawn {
  const budget = ablatedBudget(points, grid);
  const shown = points.filter((point) => point.budget === budget);
  const correlations = Map.groupBy(
    rows.filter((row) => row.budget === budget && row.spearman !== null),
    (row) => row.label,
  );
  const lineOf = (label: string) => {
    const values = (correlations.get(label) ?? []).map((row) => row.spearman!);
    if (values.length === 0) return " ";
    const [low, high] = [fixed(Math.min(...values), 2), fixed(Math.max(...values), 2)];
    return low === high ? `ρ ${low}` : `ρ ${low} … ${high}`;
  };
  const styles = taskStyles(grid.tasks);
  const domains = domainsOf(shown, shown);
  return {
    keys: keysOf(styles, "point"),
    panels: grid.labels.flatMap((label) => {
      const own = shown.filter((point) => point.label === label);
      return own.length === 0 ? [] : [
        panel(
          { title: label, lines: [lineOf(label)] },
          own,
          { field: "task", styles },
          domains,
          120,
        ),
      ];
    }),
    columns: 3,
  };
}
