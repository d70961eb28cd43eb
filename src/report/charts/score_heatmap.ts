/**
 * Every mean of many methods in one picture.
 *
 * @module
 */
import { allTasks, keyOf, noBudget } from "../../analysis/run_rows.ts";
import { fixed } from "../../base/format.ts";
import { metricInfo } from "../../analysis/metrics.ts";
import { chartColours } from "../style.ts";
import type { ScoreRow } from "../../analysis/scores.ts";
import type { Chart } from "../types.ts";
import { labelsByPlace, placesOf } from "./many_methods.ts";
import { limitFor, panelOf, roomForNames } from "./panel.ts";

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
  const budgets = [...new Set(rows.map((row) => row.budget))]
    .toSorted((a, b) => Number(a === noBudget) - Number(b === noBudget));
  const size = { width: 0, height: 0, left: roomForNames(order, 130), right: 30, bottom: 8 };
  return {
    id: "score_heatmap",
    title: "All means",
    caption:
      "The number is the mean over seeds; the colour is its place among all methods and budgets of the task, from worst (pale) to best (dark). " +
      "Methods are sorted by their mean place. The colour does not say whether two methods differ significantly.",
    keys: [],
    panels: budgets.map((budget) => {
      const own = values.filter((value) => value.budget === budget);
      const shown = order.filter((label) => own.some((value) => value.label === label));
      return panelOf({ title: budget, axis: 48 }, {
        ...size,
        width: size.left + size.right + 36 * tasks.length,
        height: 21 * shown.length,
      }, { data: { values: own }, layer: heatmapLayers(tasks, shown, limitFor(size.left - 12)) });
    }),
    columns: 3,
  };
}

function heatmapLayers(tasks: readonly string[], labels: readonly string[], labelLimit: number) {
  const x = {
    field: "task",
    type: "nominal",
    sort: tasks,
    title: null,
    scale: { domain: tasks },
    axis: {
      orient: "top",
      labelAngle: -35,
      labelLimit: limitFor(80),
      domain: false,
      ticks: false,
      grid: false,
    },
  };
  const y = {
    field: "label",
    type: "nominal",
    sort: labels,
    title: null,
    axis: { domain: false, ticks: false, labelLimit, grid: false },
  };
  return [
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
  ];
}
