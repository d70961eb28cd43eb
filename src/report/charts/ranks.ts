/**
 * Where ranks went: heatmaps of final ranks (layer × module part) and of ranks over training.
 *
 * @module
 */
import { type Grid, groupBy } from "../facts.ts";
import { finalRanks, rankCurves, splitModule } from "../series.ts";
import { slugsOf } from "../slug.ts";
import { chartColours, partOrder } from "../style.ts";
import type { Chart, StudyResults } from "../types.ts";

/** Sorts module parts in the order of the encoder; unknown ones follow by name. */
export function sortParts(parts: Iterable<string>): readonly string[] {
  const place = (part: string) => {
    const index = partOrder.indexOf(part);
    return index < 0 ? partOrder.length : index;
  };
  return [...parts].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Words of a part as a label, for instance `attention output`. */
export const partTitle = (part: string): string => part.replaceAll("_", " ");

/** Colour: the rank over the panel's average rank; blue below 1, red above, pale at 1. */
export const ratioColour = {
  field: "ratio",
  type: "quantitative",
  // Diverging and safe for colour-blind readers: blue – pale – vermilion, even in lightness on both sides.
  scale: {
    domain: [0, 0.5, 1, 1.5, 2],
    range: ["#2c5f9e", "#8db4d9", "#f3f1ec", "#f0a58f", "#c8443f"],
    interpolate: "rgb",
    clamp: true,
  },
  legend: {
    title: "rank ÷ average rank",
    orient: "top",
    direction: "horizontal",
    gradientLength: 180,
    gradientThickness: 10,
    values: [0, 0.5, 1, 1.5, 2],
    format: ".1f",
  },
};

/** Rows of the facets must not exceed what a reader can take in. */
const cellSize = (layers: number) => Math.max(18, Math.min(40, Math.floor(320 / layers)));

/** One heatmap a method that has uneven final ranks: layer × part, a panel a task and budget. */
export function rankHeatmaps(results: StudyResults, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const cells = finalRanks(results).flatMap((cell) => {
    const split = splitModule(cell.name);
    return split === null ? [] : [{ ...cell, ...split }];
  });
  return [...groupBy(cells, (cell) => cell.label)].flatMap(([label, own]): Chart[] => {
    const panels = groupBy(own, (cell) => JSON.stringify([cell.task, cell.budget]));
    const values = [...panels.values()].flatMap((panel) => {
      const average = panel.reduce((sum, cell) => sum + cell.rank, 0) / panel.length;
      return panel.map((cell) => ({
        task: cell.task,
        budget: cell.budget,
        layer: cell.layer,
        part: partTitle(cell.part),
        rank: cell.rank,
        text: cell.rank.toFixed(cell.rank >= 9.95 || Number.isInteger(cell.rank) ? 0 : 1),
        ratio: average > 0 ? cell.rank / average : 1,
      }));
    });
    if (values.every((value) => Math.abs(value.ratio - 1) < 1e-9)) return [];
    const layers = new Set(values.map((value) => value.layer)).size;
    const size = cellSize(layers);
    const x = {
      field: "layer",
      type: "ordinal",
      title: "layer",
      axis: { labelAngle: 0, domain: false, ticks: false, grid: false },
    };
    const y = {
      field: "part",
      type: "ordinal",
      sort: sortParts(new Set(own.map((cell) => cell.part))).map(partTitle),
      title: null,
      axis: { domain: false, ticks: false, labelLimit: 160, grid: false },
    };
    const text = {
      mark: { type: "text", fontSize: size >= 30 ? 11 : 9 },
      encoding: {
        x,
        y,
        text: { field: "text" },
        color: {
          condition: { test: "datum.ratio < 0.25 || datum.ratio > 1.75", value: "#ffffff" },
          value: "#2a2f36",
        },
      },
    };
    return [{
      id: `ranks_${slugs.get(label)}`,
      label,
      title: `${label}: final ranks`,
      caption:
        "The number is the module's final rank, averaged over seeds; the colour compares it with the panel's average rank.",
      spec: {
        data: { values },
        facet: {
          row: { field: "task", type: "nominal", title: null, sort: grid.tasks, header: rowHeader },
          column: { field: "budget", type: "nominal", title: null, sort: grid.budgets },
        },
        spec: {
          width: { step: size },
          height: { step: 24 },
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
            ...(size >= 22 ? [text] : []),
          ],
        },
        spacing: { row: 22, column: 26 },
      },
    }];
  });
}

/** Row headers stand upright at the left. */
export const rowHeader = {
  labelAngle: -90,
  labelAlign: "center",
  labelOrient: "left",
  labelPadding: 12,
};

const timelinePoints = 25;
/** Rows of rectangles above which the tasks are averaged, so that the picture stays readable and small. */
const mostTimelineRows = 150;

/** One heatmap a method that moved ranks: each module's rank over training at the largest budget. */
export function rankTimelines(results: StudyResults, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const curves = rankCurves(results, "module", timelinePoints);
  return [...groupBy(curves, (curve) => curve.label)].map(([label, own]): Chart => {
    const budget = grid.budgets.findLast((name) => own.some((curve) => curve.budget === name)) ??
      "";
    const shown = own.filter((curve) => curve.budget === budget);
    const isPooled = shown.length > mostTimelineRows;
    const tasks = isPooled ? ["all tasks"] : grid.tasks;
    const modules = [...new Set(shown.map((curve) => curve.name))].sort(byModule);
    const pools = groupBy(
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
    const averages = new Map([...groupBy(pooled, (curve) => curve.task)].map(([task, group]) => [
      task,
      Array.from(
        { length: timelinePoints },
        (_, point) => group.reduce((sum, curve) => sum + curve.values[point]!, 0) / group.length,
      ),
    ]));
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
    return {
      id: `timeline_${slugs.get(label)}`,
      label,
      title: `${label}: ranks over training, ${budget}`,
      caption:
        `Each row is a module, from the first layer down to the last; colour compares its rank with the average at that moment. ` +
        `Averaged over seeds${isPooled ? " and tasks" : ""}.`,
      spec: {
        data: { values },
        facet: { column: { field: "task", type: "nominal", title: null, sort: tasks } },
        spec: {
          width: 300,
          height: { step: modules.length > 40 ? 9 : 13 },
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
              sort: modules.map(moduleTitle),
              title: null,
              axis: {
                domain: false,
                ticks: false,
                labelFontSize: modules.length > 40 ? 8 : 10,
                labelLimit: 170,
              },
              scale: { paddingInner: 0.06, paddingOuter: 0 },
            },
            color: ratioColour,
          },
        },
        spacing: 26,
      },
    };
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
