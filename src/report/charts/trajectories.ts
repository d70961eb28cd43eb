/**
 * Curves over training: ranks, importance and losses.
 *
 * @module
 */
import { type Grid, groupBy } from "../facts.ts";
import {
  type Curve,
  evaluationCurves,
  type Grouping,
  importanceCurves,
  lossCurves,
  rankCurves,
} from "../series.ts";
import { slugsOf } from "../slug.ts";
import { labelScales, type LabelStyles, manyLabels, partColour } from "../style.ts";
import type { Chart, StudyResults } from "../types.ts";
import { partTitle, rowHeader, sortParts } from "./ranks.ts";
import { largestBudget, lossPanels } from "./small_multiples.ts";

const points = 41;

const progressAxis = {
  field: "progress",
  type: "quantitative",
  title: "training done (%)",
  scale: { domain: [0, 100], nice: false },
  axis: { values: [0, 25, 50, 75, 100], grid: false },
};

/** Curves as rows, one a point that has a value. */
function rowsOfCurves(curves: readonly Curve[], progressOf: (point: number) => number) {
  return curves.flatMap(({ values, task, label, budget, name }) =>
    values.flatMap((value, point) =>
      value === null ? [] : [{
        task,
        label,
        budget,
        name: partTitle(name),
        progress: progressOf(point),
        value: Number(value.toPrecision(5)),
      }]
    )
  );
}

const onGrid = (point: number) => 100 * point / (points - 1);

/** Colours of groups: parts have their own, layers run from dark (first) to light (last). */
function groupColour(names: readonly string[], grouping: Grouping): object {
  const legend = { title: null, orient: "top", columns: 6, symbolType: "stroke", symbolSize: 160 };
  if (grouping === "part") {
    const parts = sortParts(names);
    return {
      field: "name",
      type: "nominal",
      scale: { domain: parts.map(partTitle), range: parts.map(partColour) },
      legend: { ...legend, symbolStrokeWidth: 2.5 },
    };
  }
  const layers = [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return {
    field: "name",
    type: "ordinal",
    scale: { domain: layers, scheme: { name: "plasma", extent: [0.05, 0.82] } },
    legend: { ...legend, symbolStrokeWidth: 2.5 },
  };
}

function facetOfCurves(curves: readonly Curve[], grid: Grid, grouping: Grouping, title: string) {
  const names = [...new Set(curves.map((curve) => curve.name))];
  return {
    data: { values: rowsOfCurves(curves, onGrid) },
    facet: {
      row: { field: "task", type: "nominal", title: null, sort: grid.tasks, header: rowHeader },
      column: { field: "budget", type: "nominal", title: null, sort: grid.budgets },
    },
    spec: {
      width: 250,
      height: 150,
      mark: { type: "line", strokeWidth: 1.8, interpolate: "step-after", clip: true },
      encoding: {
        x: progressAxis,
        y: { field: "value", type: "quantitative", title, scale: { zero: false } },
        color: groupColour(names, grouping),
      },
    },
    resolve: { scale: { y: "independent" } },
    spacing: { row: 22, column: 26 },
  };
}

function chartsByGroup(
  results: StudyResults,
  grid: Grid,
  kind: {
    readonly id: string;
    readonly title: string;
    readonly axis: string;
    readonly caption: string;
    readonly curves: (
      results: StudyResults,
      grouping: Grouping,
      points: number,
    ) => readonly Curve[];
  },
): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const byLabel = (["layer", "part"] as const).flatMap((grouping) =>
    [...groupBy(kind.curves(results, grouping, points), (curve) => curve.label)]
      .map(([label, curves]) => ({ label, grouping, curves }))
  );
  return byLabel
    .toSorted((a, b) => grid.labels.indexOf(a.label) - grid.labels.indexOf(b.label))
    .map(({ label, grouping, curves }) => ({
      id: `${kind.id}_${grouping}_${slugs.get(label)}`,
      label,
      title: `${label}: ${kind.title} by ${grouping === "layer" ? "layer" : "kind of module"}`,
      caption: kind.caption,
      spec: facetOfCurves(curves, grid, grouping, kind.axis),
    }));
}

/** Mean rank of each layer, and of each kind of module, over training; two charts a method that moved ranks. */
export function rankTrajectories(results: StudyResults, grid: Grid): readonly Chart[] {
  return chartsByGroup(results, grid, {
    id: "trajectory",
    title: "rank",
    axis: "mean rank",
    caption: "Mean rank of the modules of a group, averaged over seeds.",
    curves: rankCurves,
  });
}

/** Importance of each layer, and of each kind of module, over training; two charts a method that logged it. */
export function importanceTrajectories(results: StudyResults, grid: Grid): readonly Chart[] {
  return chartsByGroup(results, grid, {
    id: "importance",
    title: "importance",
    axis: "× average module",
    caption:
      "Summed score of a module as a multiple of the average module's at that step (1 is average), averaged over each group and over seeds.",
    curves: importanceCurves,
  });
}

const lossBins = 50;

/** Training loss (lines) and evaluation loss (dashed, with points), a panel a task and budget. */
export function lossChart(results: StudyResults, grid: Grid, styles: LabelStyles): Chart | null {
  const train = rowsOfCurves(lossCurves(results, lossBins), (bin) => 100 * (bin + 0.5) / lossBins);
  const evaluation = rowsOfCurves(evaluationCurves(results, points), onGrid);
  if (train.length + evaluation.length === 0) return null;
  const shown = new Set([...train, ...evaluation].map((row) => row.label));
  const caption =
    `Lines are the task loss on training batches (means of ${lossBins} stretches), dashed lines with points the loss on the evaluation split; averaged over seeds.`;
  if (shown.size >= manyLabels) {
    const rows = [
      ...train.map((row) => ({ ...row, kind: "train" as const })),
      ...evaluation.map((row) => ({ ...row, kind: "evaluation" as const })),
    ];
    return {
      id: "loss",
      title: `Loss over training, ${largestBudget(grid)}`,
      caption: `${caption} Methods without budget are shown too.`,
      spec: lossPanels(rows, grid),
    };
  }
  const { color } = labelScales(styles, shown);
  const y = { field: "value", type: "quantitative", title: "loss ↓", scale: { zero: false } };
  return {
    id: "loss",
    title: "Loss over training",
    caption,
    spec: {
      data: {
        values: [
          ...train.map((row) => ({ ...row, kind: "train" })),
          ...evaluation.map((row) => ({ ...row, kind: "evaluation" })),
        ],
      },
      facet: {
        row: { field: "task", type: "nominal", title: null, sort: grid.tasks, header: rowHeader },
        column: { field: "budget", type: "nominal", title: null, sort: grid.budgets },
      },
      spec: {
        width: 240,
        height: 160,
        layer: [
          {
            transform: [{ filter: "datum.kind === 'train'" }],
            mark: { type: "line", strokeWidth: 1.5, opacity: 0.85 },
            encoding: { x: progressAxis, y, color },
          },
          {
            transform: [{ filter: "datum.kind === 'evaluation'" }],
            mark: {
              type: "line",
              strokeWidth: 1.5,
              strokeDash: [4, 3],
              point: { size: 28, filled: true },
            },
            encoding: { x: progressAxis, y, color },
          },
        ],
      },
      spacing: { row: 22, column: 26 },
    },
  };
}
