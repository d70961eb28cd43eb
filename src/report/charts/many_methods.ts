/**
 * Metrics of many methods: a row each, where lines over budgets could no longer be told apart.
 *
 * @module
 */
import { allTasks, groupBy, keyOf, noBudget } from "../facts.ts";
import { fixed } from "../format.ts";
import { metricInfo, metricTitle } from "../metrics.ts";
import { averageRanks } from "../statistics.ts";
import { budgetColour, chartColours } from "../style.ts";
import type { ScoreRow } from "../tables/scores.ts";
import type { Chart } from "../types.ts";

/** A cell with its mean turned so that higher is better, as the place 0 … 1 it takes within its task (1 is best). */
interface Placed {
  readonly row: ScoreRow;
  readonly place: number;
}

function placesOf(rows: readonly ScoreRow[]): readonly Placed[] {
  return [...groupBy(rows, (row) => row.task).values()].flatMap((group) => {
    const sign = metricInfo(group[0]!.metric).isHigherBetter ? 1 : -1;
    const ranks = averageRanks(group.map((row) => sign * row.mean!));
    return group.map((row, i) => ({
      row,
      place: group.length < 2 ? 0.5 : (ranks[i]! - 1) / (group.length - 1),
    }));
  });
}

/** Labels from best to worst by their mean place over tasks and budgets. */
export function labelsByPlace(rows: readonly ScoreRow[]): readonly string[] {
  const labels = groupBy(placesOf(rows), ({ row }) => row.label);
  const mean = (group: readonly Placed[]) =>
    group.reduce((sum, { place }) => sum + place, 0) / group.length;
  return [...labels].toSorted(([, a], [, b]) => mean(b) - mean(a)).map(([label]) => label);
}

/** A panel a task: methods down, the metric across, one mark with its interval a budget. */
export function methodRowsChart(
  rows: readonly ScoreRow[],
  names: { readonly id: string; readonly title: string; readonly caption: string },
): Chart {
  const order = labelsByPlace(rows);
  const budgets = [...new Set(rows.map((row) => row.budget))].filter((name) => name !== noBudget);
  const groups = [...groupBy(rows, (row) => row.task).values()];
  const columns = groups.length === 1 ? 1 : 2;
  return {
    ...names,
    spec: {
      concat: groups.map((group, i) =>
        methodRows(group, order, budgets, {
          width: columns === 1 ? 560 : 340,
          hasNames: i % columns === 0,
        })
      ),
      columns,
      bounds: "flush",
      spacing: { row: 72, column: 40 },
      padding: { left: 6, right: 12, top: 6, bottom: 6 },
    },
  };
}

function methodRows(
  group: readonly ScoreRow[],
  order: readonly string[],
  budgets: readonly string[],
  options: { readonly width: number; readonly hasNames: boolean },
): object {
  const { metric, task } = group[0]!;
  const { scale } = metricInfo(metric);
  const points = group.map((row) => ({
    label: row.label,
    budget: row.budget,
    mean: row.mean! * scale,
    // An interval that three deviations do not cover (two seeds) would flatten all others.
    low: Math.max(row.low ?? row.mean!, row.mean! - 3 * (row.sd ?? 0)) * scale,
    high: Math.min(row.high ?? row.mean!, row.mean! + 3 * (row.sd ?? 0)) * scale,
  }));
  const budgeted = points.filter((point) => point.budget !== noBudget);
  const free = points.filter((point) => point.budget === noBudget);
  const y = {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    scale: { domain: order, paddingInner: 0.35 },
    axis: {
      labels: options.hasNames,
      labelLimit: 240,
      labelPadding: 8,
      domain: false,
      ticks: false,
      grid: true,
    },
  };
  const x = (field: string) => ({
    field,
    type: "quantitative",
    title: metricTitle(metric),
    scale: { zero: false, nice: false, padding: 10 },
    axis: { grid: false, tickCount: 6 },
  });
  const own = {
    y,
    yOffset: { field: "budget", type: "nominal", scale: { domain: budgets } },
    color: budgetColour(budgets),
  };
  const grey = { y, color: { value: chartColours.muted } };
  const layers = (values: readonly object[], encoding: object, shape: string) =>
    values.length === 0 ? [] : [
      {
        data: { values },
        mark: { type: "rule", strokeWidth: 1.8, opacity: 0.75 },
        encoding: { ...encoding, x: x("low"), x2: { field: "high" } },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 46, opacity: 1, shape },
        encoding: { ...encoding, x: x("mean") },
      },
    ];
  return {
    title: { text: task },
    width: options.width,
    height: { step: 14 + 8 * Math.max(1, budgets.length), for: "position" },
    layer: [...layers(budgeted, own, "circle"), ...layers(free, grey, "diamond")],
  };
}

/** Every mean in one picture: methods down, tasks across, a panel a budget; colour is the place within the task. */
export function scoreHeatmap(rows: readonly ScoreRow[]): Chart {
  const order = labelsByPlace(rows);
  const tasks = [...new Set(rows.map((row) => row.task))]
    .toSorted((a, b) => Number(b === allTasks) - Number(a === allTasks));
  const places = new Map(
    placesOf(rows).map(({ row, place }) => [keyOf(row.task, row.label, row.budget), place]),
  );
  const values = rows.map((row) => ({
    task: row.task,
    label: row.label,
    budget: row.budget,
    text: fixed(row.mean! * metricInfo(row.metric).scale, 1),
    place: places.get(keyOf(row.task, row.label, row.budget))!,
  }));
  const x = {
    field: "task",
    type: "nominal",
    sort: tasks,
    title: null,
    axis: { orient: "top", labelAngle: -35, domain: false, ticks: false, grid: false },
  };
  const y = {
    field: "label",
    type: "nominal",
    sort: order,
    title: null,
    axis: { domain: false, ticks: false, labelLimit: 240, grid: false },
  };
  const budgets = [...new Set(rows.map((row) => row.budget))]
    .toSorted((a, b) => Number(a === noBudget) - Number(b === noBudget));
  return {
    id: "score_heatmap",
    title: "All means",
    caption:
      "The number is the mean over seeds; the colour is its place among all methods and budgets of the task, from worst (pale) to best (dark). " +
      "Methods are sorted by their mean place. Colour says nothing of whether two can be told apart.",
    spec: {
      data: { values },
      facet: { column: { field: "budget", type: "nominal", title: null, sort: budgets } },
      spec: {
        width: { step: 54 },
        height: { step: 21 },
        layer: [
          {
            mark: { type: "rect", stroke: chartColours.background, strokeWidth: 1.5 },
            encoding: {
              x,
              y,
              color: {
                field: "place",
                type: "quantitative",
                scale: {
                  domain: [0, 1],
                  range: ["#f3f1ec", "#8db4d9", "#2c5f9e"],
                  interpolate: "rgb",
                },
                legend: null,
              },
            },
          },
          {
            mark: { type: "text", fontSize: 11 },
            encoding: {
              x,
              y,
              text: { field: "text" },
              color: {
                condition: { test: "datum.place > 0.7", value: "#ffffff" },
                value: "#2a2f36",
              },
            },
          },
        ],
      },
      spacing: 18,
    },
  };
}
