/**
 * Where ranks went: heatmaps of final ranks (layer × module part) and of ranks over training.
 *
 * @module
 */
import { type Grid } from "../../analysis/run_rows.ts";
import { finalRanks, rankCurves, splitModule } from "../../analysis/rank_series.ts";
import { slugsOf } from "../slug.ts";
import type { Key } from "../markers.ts";
import { chartColours, partOrder, partTitle } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { cellsOf, columnsOf, limitFor, panelOf, roomForNames, smallWidth } from "./panel.ts";

/** Sorts module parts in the order of the encoder; unknown ones follow by name. */
export function sortParts(parts: Iterable<string>): readonly string[] {
  const place = (part: string) => {
    const index = partOrder.indexOf(part);
    return index < 0 ? partOrder.length : index;
  };
  return [...parts].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

// From pale to dark, so that paper without colour shows which ranks are low; yellow below the average, blue above.
const ratioStops = [
  [0, "#fdeebc"],
  [0.5, "#efcf86"],
  [1, "#c3c1b4"],
  [1.5, "#6d8cb5"],
  [2, "#1f3f78"],
] as const;

/** Colour: the rank over the panel's average rank; yellow below 1, blue above, the darker the higher. */
export const ratioColour = {
  field: "ratio",
  type: "quantitative",
  scale: {
    domain: ratioStops.map(([ratio]) => ratio),
    range: ratioStops.map(([, colour]) => colour),
    interpolate: "rgb",
    clamp: true,
  },
  legend: null,
};

/** What the colours of {@linkcode ratioColour} stand for. */
export const ratioKeys: readonly Key[] = ratioStops.map(([ratio, colour], i) => ({
  name: i === 0
    ? "rank 0"
    : i === ratioStops.length - 1
    ? `${ratio} × or more`
    : ratio === 1
    ? "average rank"
    : `${ratio} ×`,
  colour,
}));

/** One heatmap a method that has uneven final ranks: layers down, kinds of module across, a panel a task and budget. */
export function rankHeatmaps(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const cells = finalRanks(results).flatMap((cell) => {
    const split = splitModule(cell.name);
    return split === null ? [] : [{ ...cell, ...split }];
  });
  return [...Map.groupBy(cells, (cell) => cell.label)].flatMap(([label, own]): Chart[] => {
    const panels = cellsOf(own, grid).map((cell) => {
      const average = cell.rows.reduce((sum, { rank }) => sum + rank, 0) / cell.rows.length;
      return {
        ...cell,
        rows: cell.rows.map(({ layer, part, rank }) => ({
          layer,
          part: partTitle(part),
          text: rank.toFixed(rank >= 9.95 || Number.isInteger(rank) ? 0 : 1),
          ratio: average > 0 ? rank / average : 1,
        })),
      };
    });
    if (panels.every(({ rows }) => rows.every(({ ratio }) => Math.abs(ratio - 1) < 1e-9))) {
      return [];
    }
    const parts = sortParts(new Set(own.map((cell) => cell.part))).map(partTitle);
    const layers = [...new Set(own.map(({ layer }) => layer))].sort((a, b) => a - b);
    return [{
      id: `ranks_${slugs.get(label)}`,
      label,
      title: `${label}: final ranks`,
      caption:
        "The number is the module's final rank, averaged over seeds; the colour compares it with the panel's average rank.",
      keys: ratioKeys,
      panels: panels.map((panel) => heatmap(panel, layers, parts)),
      columns: columnsOf(panels),
    }];
  });
}

interface HeatmapCell {
  readonly layer: number;
  readonly part: string;
  readonly text: string;
  readonly ratio: number;
}

function heatmap(
  { task, budget, rows }: { task: string; budget: string; rows: readonly HeatmapCell[] },
  layers: readonly number[],
  parts: readonly string[],
): Panel {
  const left = 44;
  const x = {
    field: "part",
    type: "ordinal",
    sort: parts,
    title: null,
    scale: { domain: parts },
    axis: { labelAngle: -35, labelLimit: limitFor(100), domain: false, ticks: false, grid: false },
  };
  const y = {
    field: "layer",
    type: "ordinal",
    title: "layer",
    scale: { domain: layers },
    axis: { domain: false, ticks: false, grid: false },
  };
  return panelOf(
    { title: `${task}, ${budget}` },
    {
      width: left + 14 + 34 * Math.max(6, parts.length),
      height: 20 * layers.length,
      left,
      bottom: 74,
    },
    {
      data: { values: rows },
      layer: [
        {
          mark: {
            type: "rect",
            cornerRadius: 2,
            stroke: chartColours.background,
            strokeWidth: 1.5,
          },
          encoding: { x, y, color: ratioColour },
        },
        {
          mark: { type: "text", fontSize: 11 },
          encoding: {
            x,
            y,
            text: { field: "text" },
            color: {
              condition: { test: "datum.ratio > 1.6", value: "#ffffff" },
              value: "#2a2f36",
            },
          },
        },
      ],
    },
  );
}

const timelinePoints = 25;
/** Rows of rectangles above which the tasks are averaged, so that the picture stays readable and small. */
const mostTimelineRows = 150;

/** One heatmap a method that moved ranks: each module's rank over training at the largest budget. */
export function rankTimelines(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const curves = rankCurves(results, "module", timelinePoints);
  return [...Map.groupBy(curves, (curve) => curve.label)].map(([label, own]): Chart => {
    const budget = grid.budgets.findLast((name) => own.some((curve) => curve.budget === name)) ??
      "";
    const shown = own.filter((curve) => curve.budget === budget);
    const isPooled = shown.length > mostTimelineRows;
    const tasks = isPooled ? ["all tasks"] : grid.tasks;
    const modules = [...new Set(shown.map((curve) => curve.name))].sort(byModule);
    const pools = Map.groupBy(
      shown,
      (curve) => JSON.stringify([isPooled ? "all tasks" : curve.task, curve.name]),
    );
    const pooled = [...pools.values()].map((pool) => ({
      task: isPooled ? "all tasks" : pool[0]!.task,
      name: pool[0]!.name,
      values: pool[0]!.values.map((_, point) =>
        pool.reduce((sum, curve) => sum + (curve.values[point] ?? 0), 0) / pool.length
      ),
    }));
    const averages = new Map(
      [...Map.groupBy(pooled, (curve) => curve.task)].map(([task, group]) => [
        task,
        Array.from(
          { length: timelinePoints },
          (_, point) => group.reduce((sum, curve) => sum + curve.values[point]!, 0) / group.length,
        ),
      ]),
    );
    const values = pooled.flatMap((curve) =>
      curve.values.map((rank, point) => {
        const average = averages.get(curve.task)![point]!;
        return {
          task: curve.task,
          module: moduleTitle(curve.name),
          progress: Math.round(1000 * point / (timelinePoints - 1)) / 10,
          ratio: average > 0 ? Math.round(1000 * rank / average) / 1000 : 1,
        };
      })
    );
    const titles = modules.map(moduleTitle);
    const byTask = Map.groupBy(values, ({ task }) => task);
    return {
      id: `timeline_${slugs.get(label)}`,
      label,
      title: `${label}: ranks over training, ${budget}`,
      caption:
        `Each row is a module, from the first layer down to the last; colour compares its rank with the average at that step. ` +
        `Averaged over seeds${isPooled ? " and tasks" : ""}.`,
      keys: ratioKeys,
      panels: tasks.flatMap((task) => {
        const own = byTask.get(task);
        return own === undefined ? [] : [timeline(task, own, titles)];
      }),
      columns: 3,
    };
  });
}

function timeline(
  task: string,
  values: readonly { module: string; progress: number; ratio: number }[],
  modules: readonly string[],
): Panel {
  const step = modules.length > 40 ? 10 : 13;
  const left = roomForNames(modules, 124);
  return panelOf({ title: task }, {
    width: smallWidth,
    height: step * modules.length,
    left,
  }, {
    data: { values: values.map(({ module, progress, ratio }) => ({ module, progress, ratio })) },
    mark: { type: "rect" },
    encoding: {
      x: {
        field: "progress",
        type: "ordinal",
        title: "training done (%)",
        axis: { labelAngle: 0, values: [0, 25, 50, 75, 100], domain: false, ticks: false },
        scale: { paddingInner: 0, paddingOuter: 0 },
      },
      y: {
        field: "module",
        type: "ordinal",
        sort: modules,
        title: null,
        axis: {
          domain: false,
          ticks: false,
          labelFontSize: modules.length > 40 ? 9 : 10,
          labelLimit: limitFor(left - 8),
        },
        scale: { paddingInner: 0.06, paddingOuter: 0 },
      },
      color: ratioColour,
    },
  });
}

function moduleTitle(name: string): string {
  const split = splitModule(name);
  return split === null ? name : `${split.layer} ${partTitle(split.part)}`;
}

function byModule(a: string, b: string): number {
  const [left, right] = [splitModule(a), splitModule(b)];
  if (left === null || right === null) return a.localeCompare(b);
  const parts = sortParts([left.part, right.part]);
  return left.layer - right.layer ||
    (left.part === right.part ? 0 : parts[0] === left.part ? -1 : 1);
}
