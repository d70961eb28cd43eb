/**
 * Layer-rank ablation: the rank each removed piece held against what the metric lost.
 *
 * @module
 */
import { type Grid, groupBy, keyOf } from "../facts.ts";
import { fixed, interval } from "../format.ts";
import { labelScales, type LabelStyles } from "../style.ts";
import { type AblationPoint, ablationPoints, ablationRows } from "../tables/ablation.ts";
import type { Chart, StudyResults } from "../types.ts";
import { rowHeader } from "./ranks.ts";
import { ablatedBudget, ablationPanels } from "./small_multiples.ts";

/** Methods that can lie over each other in a panel with their correlations written in. */
const mostOverlaid = 5;

const kinds = ["layer", "module"] as const;

/** Two scatter charts, of removed layers and of removed modules: a panel a task and budget, ρ written into it. */
export function ablationCharts(
  results: StudyResults,
  grid: Grid,
  styles: LabelStyles,
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
    const title = kind === "layer"
      ? "Removing a layer's adapters"
      : "Removing one module's adapter";
    if (new Set(shown.map((point) => point.label)).size > mostOverlaid) {
      return [{
        id: `ablation_${kind}`,
        title: `${title}, ${ablatedBudget(shown, grid)}`,
        caption:
          `Each point is one ${kind} on one task, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
          "ρ is Spearman's rank correlation, from its lowest to its highest task; the table below has the intervals.",
        spec: ablationPanels(shown, rows.filter((row) => row.kind === kind), grid),
      }];
    }
    return [{
      id: `ablation_${kind}`,
      title,
      caption:
        `Each point is one ${kind}, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
        `ρ is Spearman's rank correlation (mean over runs) with its 95% interval.` +
        (uneven.length > 0 && uneven.length < own.length
          ? " Methods whose ranks are all equal have no correlation and are left out."
          : ""),
      spec: scatter(shown, rows.filter((row) => row.kind === kind), grid, styles),
    }];
  });
}

function scatter(
  points: readonly AblationPoint[],
  rows: ReturnType<typeof ablationRows>,
  grid: Grid,
  styles: LabelStyles,
): Readonly<Record<string, unknown>> {
  const labels = grid.labels.filter((label) => points.some((point) => point.label === label));
  const { color, shape } = labelScales(styles, labels);
  const texts = rows.filter((row) => row.spearman !== null).map((row) => ({
    task: row.task,
    budget: row.budget,
    label: row.label,
    text: `ρ ${fixed(row.spearman, 2)} ${interval(row.low, row.high, 2)}`,
    isText: true,
  }));
  const cells = [...groupBy(points, (point) => keyOf(point.task, point.budget)).keys()];
  const shownTexts = texts.filter((text) => cells.includes(keyOf(text.task, text.budget)));
  return {
    data: { values: [...points.map((point) => ({ ...point, isText: false })), ...shownTexts] },
    facet: {
      row: {
        field: "task",
        type: "nominal",
        title: null,
        sort: grid.tasks,
        header: rowHeader,
      },
      column: { field: "budget", type: "nominal", title: null, sort: grid.budgets },
    },
    spec: {
      width: 250,
      height: 200,
      layer: [
        {
          transform: [{ filter: "!datum.isText" }],
          mark: { type: "point", filled: true, size: 46, opacity: 0.8 },
          encoding: {
            x: {
              field: "rank",
              type: "quantitative",
              title: "rank held",
              scale: { zero: false, nice: true, padding: 8 },
            },
            y: {
              field: "loss",
              type: "quantitative",
              title: "metric lost (× 100)",
              scale: { zero: true, padding: 10 },
            },
            color,
            shape,
          },
        },
        ...labels.map((label, i) => ({
          transform: [{
            filter: { and: [{ field: "isText", equal: true }, { field: "label", equal: label }] },
          }],
          mark: {
            type: "text",
            align: "left",
            x: 6,
            y: 4 + 14 * i,
            fontSize: 11,
            fontWeight: 600,
          },
          encoding: { text: { field: "text" }, color },
        })),
      ],
    },
    resolve: { scale: { x: "independent", y: "independent" } },
    spacing: { row: 26, column: 30 },
  };
}
