/**
 * Whether ranks are used: the effective rank of each module's update against its rank, and the singular values themselves.
 *
 * @module
 */
import { type Grid } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { splitModule } from "../../analysis/rank_series.ts";
import { slugsOf } from "../slug.ts";
import {
  channelsOf,
  chartColours,
  keysOf,
  manyLabels,
  partStyles,
  partTitle,
  shownOf,
  taskStyles,
} from "../style.ts";
import { type ModuleSpectraRow, moduleSpectraRows } from "../../analysis/spectra.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { boundsOf, cellsOf, columnsOf, numberAxis, panelOf, smallWidth } from "./panel.ts";
import { sortParts } from "./ranks.ts";

const rounded = (value: number) => Number(value.toPrecision(5));

/** The modules of some rows as points under a line on which every rank is used. */
function usedPanel(
  title: string,
  rows: readonly ModuleSpectraRow[],
  series: { readonly field: "label" | "task"; readonly styles: SeriesStyles },
  domain: readonly [number, number],
): Panel {
  const { color, shape } = channelsOf(series.field, series.styles);
  const axis = (field: string, words: string, extra: object) => ({
    field,
    type: "quantitative",
    title: words,
    scale: { domain, zero: false, nice: false },
    axis: { ...extra, tickCount: 5 },
  });
  const x = axis("rank", "rank given", { grid: false });
  const y = axis("effectiveRank", "effective rank", numberAxis);
  return panelOf({ title }, { width: smallWidth, height: 190 }, {
    layer: [
      {
        data: { values: domain.map((end) => ({ rank: end, effectiveRank: end })) },
        mark: { type: "line", strokeDash: [4, 3], strokeWidth: 1, color: chartColours.muted },
        encoding: { x, y },
      },
      {
        data: {
          values: rows.map((row) => ({
            [series.field]: row[series.field],
            rank: rounded(row.rank),
            effectiveRank: rounded(row.effectiveRank),
          })),
        },
        mark: { type: "point", filled: true, size: 34, opacity: 0.75 },
        encoding: { x, y, color, shape },
      },
    ],
  });
}

/** Effective rank against rank: a panel a task and budget, or where there are many methods a panel a method. */
function usedChart(
  rows: readonly ModuleSpectraRow[],
  grid: Grid,
  styles: SeriesStyles,
): Chart {
  const domain = boundsOf(rows.flatMap(({ rank, effectiveRank }) => [rank, effectiveRank]), {
    hasZero: true,
    margin: 0.04,
  });
  const labels = shownOf(styles, rows.map(({ label }) => label));
  const about = {
    id: "used_ranks",
    title: "Effective rank against rank given",
    caption:
      "Each point is one module, averaged over seeds: the rank that it held and the effective rank of its update. " +
      "On the dashed line all ranks carry the update alike; far below it most of the update lies in fewer directions. All panels share their scales.",
  };
  if (labels.size >= manyLabels) {
    const tasks = taskStyles(grid.tasks);
    return {
      ...about,
      keys: keysOf(shownOf(tasks, rows.map(({ task }) => task)), "point"),
      panels: grid.labels.flatMap((label) => {
        const own = rows.filter((row) => row.label === label);
        return own.length === 0
          ? []
          : [usedPanel(label, own, { field: "task", styles: tasks }, domain)];
      }),
      columns: 3,
    };
  }
  const cells = cellsOf(rows, grid);
  return {
    ...about,
    keys: keysOf(labels, "point"),
    panels: cells.map(({ task, budget, rows: own }) =>
      usedPanel(`${task}, ${budget}`, own, { field: "label", styles: labels }, domain)
    ),
    columns: columnsOf(cells),
  };
}

/** The least singular value that is drawn, over the largest: what single precision leaves of zero is further below. */
const leastShown = 1e-4;

interface SpectrumPoint {
  readonly module: string;
  readonly part: string;
  readonly place: number;
  readonly value: number;
}

function pointsOf(rows: readonly ModuleSpectraRow[]): readonly SpectrumPoint[] {
  return rows.flatMap(({ module, values }) => {
    const part = partTitle(splitModule(module)?.part ?? module);
    return values.map((value, i) => ({ module, part, place: i + 1, value: rounded(value) }));
  });
}

/** The singular values of each module of a cell in their order, on a logarithmic scale. */
function spectrumPanel(
  title: string,
  rows: readonly ModuleSpectraRow[],
  parts: SeriesStyles,
  domains: { readonly place: number; readonly value: readonly [number, number] },
): Panel {
  const { color, strokeDash } = channelsOf("part", parts);
  const values = pointsOf(rows).filter(({ value }) => value >= domains.value[0]);
  const x = {
    field: "place",
    type: "quantitative",
    title: "singular value, by size",
    scale: { domain: [0.8, domains.place + 0.2], nice: false },
    axis: { grid: false, tickMinStep: 1, format: "d" },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: "value",
    scale: { type: "log", domain: domains.value, nice: false },
    axis: { ...numberAxis, tickCount: 4 },
  };
  return panelOf({ title }, { width: smallWidth, height: 170 }, {
    data: { values },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.2, opacity: 0.7 },
        encoding: { x, y, color, strokeDash, detail: { field: "module" } },
      },
      {
        mark: { type: "point", filled: true, size: 10, opacity: 0.8 },
        encoding: { x, y, color },
      },
    ],
  });
}

/** The spectra of each method's modules, a panel a task and budget. */
function spectrumCharts(rows: readonly ModuleSpectraRow[], grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  return [...Map.groupBy(rows, ({ label }) => label)].flatMap(([label, own]): Chart[] => {
    const values = own.flatMap((row) => row.values);
    const largest = Math.max(0, ...values);
    if (largest === 0) return [];
    const shown = values.filter((value) => value >= leastShown * largest);
    const domains = {
      place: Math.max(...own.map((row) => row.values.length)),
      value: [0.8 * Math.min(...shown), 1.25 * largest] as const,
    };
    const parts = partStyles(
      sortParts(new Set(own.map(({ module }) => splitModule(module)?.part ?? module))),
    );
    const cells = cellsOf(own, grid);
    return [{
      id: `spectra_${slugs.get(label)}`,
      label,
      title: `${label}: singular values of the updates`,
      caption:
        "A line is one module: the singular values of what it adds to its weight, averaged over seeds, with a logarithmic scale. " +
        "Values below a ten-thousandth of the largest are not drawn. All panels share their scales.",
      keys: keysOf(parts, "line"),
      panels: cells.map(({ task, budget, rows }) =>
        spectrumPanel(`${task}, ${budget}`, rows, parts, domains)
      ),
      columns: columnsOf(cells),
    }];
  });
}

/** The charts of what `deno task spectra` found; none where it was not run. */
export function spectraCharts(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): readonly Chart[] {
  const rows = moduleSpectraRows(results);
  if (rows.length === 0) return [];
  return [usedChart(rows, grid, styles), ...spectrumCharts(rows, grid)];
}
