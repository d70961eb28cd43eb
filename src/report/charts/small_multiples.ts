/**
 * Charts of many methods as a small panel each: curves and points of one method do not hide another's.
 *
 * @module
 */
import { type Grid, groupBy, keyOf, noBudget } from "../facts.ts";
import { fixed } from "../format.ts";
import type { AblationPoint, AblationRow } from "../tables/ablation.ts";
import { chartColours, taskColour } from "../style.ts";

const columns = 4;

/** The budget that small panels show: the largest, and none for methods without. */
export function largestBudget(grid: Grid): string {
  return grid.budgets.findLast((name) => name !== noBudget) ?? noBudget;
}

function panelsOf(
  values: readonly object[],
  grid: Grid,
  spec: object,
): Readonly<Record<string, unknown>> {
  return {
    data: { values },
    facet: { field: "label", type: "nominal", title: null, sort: grid.labels },
    columns,
    spec: { width: 190, height: 120, ...spec },
    spacing: { row: 18, column: 20 },
  };
}

/** A point of a loss curve. */
export interface LossPoint {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly kind: "train" | "evaluation";
  readonly progress: number;
  readonly value: number;
}

/** Losses at the largest budget: a panel a method, a colour a task. */
export function lossPanels(
  rows: readonly LossPoint[],
  grid: Grid,
): Readonly<Record<string, unknown>> {
  const budget = largestBudget(grid);
  const shown = rows.filter((row) => row.budget === budget || row.budget === noBudget);
  const encoding = {
    x: {
      field: "progress",
      type: "quantitative",
      title: "training done (%)",
      scale: { domain: [0, 100], nice: false },
      axis: { values: [0, 50, 100], grid: false },
    },
    y: { field: "value", type: "quantitative", title: "loss ↓", scale: { zero: false } },
    color: taskColour(grid.tasks),
  };
  return panelsOf(shown, grid, {
    layer: [
      {
        transform: [{ filter: "datum.kind === 'train'" }],
        mark: { type: "line", strokeWidth: 1.4 },
        encoding,
      },
      {
        transform: [{ filter: "datum.kind === 'evaluation'" }],
        mark: { type: "line", strokeDash: [4, 3], strokeWidth: 1.2, point: { size: 18 } },
        encoding,
      },
    ],
  });
}

/** The largest budget of which anything was ablated. */
export function ablatedBudget(points: readonly AblationPoint[], grid: Grid): string {
  return grid.budgets.findLast((name) => points.some((point) => point.budget === name)) ?? "";
}

/** Rank held against metric lost at the largest budget: a panel a method, a colour a task, the range of ρ written in. */
export function ablationPanels(
  points: readonly AblationPoint[],
  rows: readonly AblationRow[],
  grid: Grid,
): Readonly<Record<string, unknown>> {
  const budget = ablatedBudget(points, grid);
  const texts = [
    ...groupBy(
      rows.filter((row) => row.budget === budget && row.spearman !== null),
      (row) => keyOf(row.label),
    ).values(),
  ].map((group) => {
    const values = group.map((row) => row.spearman!);
    const [low, high] = [fixed(Math.min(...values), 2), fixed(Math.max(...values), 2)];
    return {
      label: group[0]!.label,
      isText: true,
      text: low === high ? `ρ ${low}` : `ρ ${low} … ${high}`,
    };
  });
  const shown = points.filter((point) => point.budget === budget)
    .map((point) => ({ ...point, isText: false }));
  const labels = new Set(shown.map((point) => point.label));
  return panelsOf([...shown, ...texts.filter(({ label }) => labels.has(label))], grid, {
    layer: [
      {
        transform: [{ filter: "!datum.isText" }],
        mark: { type: "point", filled: true, size: 30, opacity: 0.75 },
        encoding: {
          x: {
            field: "rank",
            type: "quantitative",
            title: "rank held",
            scale: { zero: false, padding: 6 },
            axis: { tickCount: 4, grid: false },
          },
          y: {
            field: "loss",
            type: "quantitative",
            title: "lost (× 100)",
            scale: { zero: true, padding: 10 },
            axis: { tickCount: 4 },
          },
          color: taskColour(grid.tasks),
        },
      },
      {
        transform: [{ filter: "datum.isText" }],
        mark: { type: "text", align: "left", x: 6, y: 6, fontSize: 11, fontWeight: 600 },
        encoding: { text: { field: "text" }, color: { value: chartColours.ink } },
      },
    ],
  });
}
