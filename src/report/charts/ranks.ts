/**
 * Where ranks went: heatmaps of final ranks and of ranks over training, and curves of ranks and importance.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import {
  type Curve,
  finalRanks,
  type Grouping,
  importanceCurves,
  rankCurves,
  splitModule,
} from "../../analysis/rank_series.ts";
import { allTasks, type Grid, keyOf } from "../../analysis/run_rows.ts";
import { meanOf as mean } from "../../stats/statistics.ts";
import { slugsOf } from "../slug.ts";
import type { Chart } from "../types.ts";
import { heatmap } from "./heatmap.ts";
import { lines, progressAxis } from "./lines.ts";
import { cellsOf, columnsOf, rounded } from "./panels.ts";
import { layerStyles, partStyles, partTitle, sortParts } from "./theme.ts";

// From pale to dark, so that paper without colour shows which ranks are low; yellow below the average, blue above.
const ratioColours = {
  stops: [
    [0, "#fdeebc", "rank 0"],
    [0.5, "#efcf86", "0.5 ×"],
    [1, "#c3c1b4", "average rank"],
    [1.5, "#6d8cb5", "1.5 ×"],
    [2, "#1f3f78", "2 × or more"],
  ],
  whiteAbove: 1.6,
} as const;

/** Final ranks with their layer and kind of module, and over the average of their task, method and budget. */
function ratiosOf(results: Analysis) {
  const cells = finalRanks(results).flatMap((cell) => {
    const split = splitModule(cell.name);
    return split === null ? [] : [{ ...cell, ...split }];
  });
  return [...Map.groupBy(cells, ({ task, label, budget }) => keyOf(task, label, budget)).values()]
    .flatMap((own) => {
      const average = mean(own.map(({ rank }) => rank));
      return own.map((cell) => ({ ...cell, ratio: average > 0 ? cell.rank / average : 1 }));
    });
}

type Ratio = ReturnType<typeof ratiosOf>[number];

const areUneven = (ratios: readonly Ratio[]): boolean =>
  ratios.some(({ ratio }) => Math.abs(ratio - 1) > 1e-9);

const layersOf = (ratios: readonly Ratio[]): readonly number[] =>
  [...new Set(ratios.map(({ layer }) => layer))].sort((a, b) => a - b);

const partsOf = (ratios: readonly Ratio[]): readonly string[] =>
  sortParts(new Set(ratios.map(({ part }) => part))).map(partTitle);

/** One heatmap of all methods with uneven ranks; null with fewer than two of them. */
export function rankOverview(results: Analysis, grid: Grid): Chart | null {
  const uneven = [
    ...Map.groupBy(ratiosOf(results), ({ label, budget }) => keyOf(label, budget)).values(),
  ]
    .filter(areUneven).flat();
  const budget = grid.budgets.findLast((name) => uneven.some((cell) => cell.budget === name));
  const ratios = uneven.filter((cell) => cell.budget === budget);
  const labels = grid.labels.filter((label) => ratios.some((ratio) => ratio.label === label));
  if (labels.length < 2) return null;
  const columns = [
    ...layersOf(ratios).map((layer) => ({
      panel: "layer",
      x: String(layer),
      has: (ratio: Ratio) => ratio.layer === layer,
    })),
    ...partsOf(ratios).map((part) => ({
      panel: "kind of module",
      x: part,
      has: (ratio: Ratio) => partTitle(ratio.part) === part,
    })),
  ];
  return {
    id: "ranks_overview",
    title: `All methods: final ranks, ${budget}`,
    caption:
      "Mean final rank of a layer’s modules, and of each kind of module, over the method’s average rank; averaged over tasks and seeds. Methods whose ranks stay equal are left out.",
    draw: heatmap(
      columns.flatMap(({ panel, x, has }) =>
        labels.flatMap((label) => {
          const own = ratios.filter((ratio) => ratio.label === label && has(ratio));
          return own.length === 0
            ? []
            : [{ panel, x, y: label, value: mean(own.map(({ ratio }) => ratio)) }];
        })
      ),
      {
        xs: columns.map(({ x }) => x),
        ys: labels,
        colours: ratioColours,
        step: { x: 26, y: 22 },
        xAxis: { labelAngle: -35 },
        hasOwnColumns: true,
      },
    ),
  };
}

/** One heatmap a method that has uneven final ranks: layers down, kinds of module across, a panel a task and budget. */
export function rankHeatmaps(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  return [...Map.groupBy(ratiosOf(results), ({ label }) => label)].flatMap(
    ([label, own]): Chart[] => {
      const cells = cellsOf(own, grid);
      return !areUneven(own) ? [] : [{
        id: `ranks_${slugs.get(label)}`,
        label,
        title: `${label}: final ranks`,
        caption:
          "The number is the module's final rank, averaged over seeds; the colour compares it with the panel's average rank.",
        draw: heatmap(
          cells.flatMap(({ task, budget, rows }) =>
            rows.map(({ layer, part, rank, ratio }) => ({
              panel: `${task}, ${budget}`,
              x: partTitle(part),
              y: layer,
              value: ratio,
              text: rank.toFixed(rank >= 9.95 || Number.isInteger(rank) ? 0 : 1),
            }))
          ),
          {
            xs: partsOf(own),
            ys: layersOf(own),
            colours: ratioColours,
            step: { x: 34, y: 20 },
            xAxis: { labelAngle: -35 },
            yTitle: "layer",
            columns: columnsOf(cells),
          },
        ),
      }];
    },
  );
}

const timelinePoints = 25;
/** Rows of patches above which the tasks are averaged, so that the picture stays readable and small. */
const mostTimelineRows = 150;

/** One heatmap a method that moved ranks: each module's rank over training at the largest budget. */
export function rankTimelines(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const curves = rankCurves(results, "module", timelinePoints);
  return [...Map.groupBy(curves, (curve) => curve.label)].map(([label, own]): Chart => {
    const budget = grid.budgets.findLast((name) => own.some((curve) => curve.budget === name))!;
    const shown = own.filter((curve) => curve.budget === budget);
    const isPooled = shown.length > mostTimelineRows;
    const tasks = isPooled ? [allTasks] : grid.tasks;
    const modules = [...new Set(shown.map((curve) => curve.name))].sort(byModule);
    const rows = tasks.flatMap((task) => {
      const ofTask = isPooled ? shown : shown.filter((curve) => curve.task === task);
      const ranks = modules.map((name) => {
        const pool = ofTask.filter((curve) => curve.name === name);
        return Array.from(
          { length: timelinePoints },
          (_, point) =>
            pool.length === 0 ? null : mean(pool.map(({ values }) => values[point] ?? 0)),
        );
      });
      return modules.flatMap((name, module) =>
        ranks[module]!.flatMap((rank, point) => {
          const average = mean(ranks.flatMap((own) => own[point] ?? []));
          return rank === null ? [] : [{
            panel: task,
            x: Math.round(1000 * point / (timelinePoints - 1)) / 10,
            y: moduleTitle(name),
            value: average > 0 ? Math.round(1000 * rank / average) / 1000 : 1,
          }];
        })
      );
    });
    return {
      id: `timeline_${slugs.get(label)}`,
      label,
      title: `${label}: ranks over training, ${budget}`,
      caption:
        `Each row is a module, from the first layer down to the last; colour compares its rank with the average at that step. ` +
        `Averaged over seeds${isPooled ? " and tasks" : ""}.`,
      draw: heatmap(rows, {
        xs: [...new Set(rows.map(({ x }) => x))],
        ys: modules.map(moduleTitle),
        colours: ratioColours,
        step: { x: 6, y: modules.length > 40 ? 10 : 13 },
        xTitle: "training done (%)",
        xAxis: { labelAngle: 0, values: [0, 25, 50, 75, 100] },
        yAxis: { labelFontSize: modules.length > 40 ? 9 : 10 },
      }),
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

const curvePoints = 41;

/** A curve as rows: a point wherever a step starts, and the last. */
function rowsOfCurve(curve: Curve) {
  const { values, lows, highs, name, task, budget, runs } = curve;
  const rows = values.flatMap((value, point) =>
    value === null ? [] : [{
      panel: `${task}, ${budget}`,
      series: partTitle(name),
      x: 100 * point / (curvePoints - 1),
      value: rounded(value),
      ...(runs > 1 ? { low: rounded(lows[point]!), high: rounded(highs[point]!) } : {}),
    }]
  );
  return rows.filter((row, i) => {
    const before = rows[i - 1];
    return before === undefined || i === rows.length - 1 || row.value !== before.value ||
      row.low !== before.low || row.high !== before.high;
  });
}

interface CurveKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly caption: string;
  /** What panels with the same scale share: all of the chart, or the budget. */
  readonly scaleOf: (curve: Pick<Curve, "budget">) => string;
  readonly curves: (results: Analysis, grouping: Grouping, points: number) => readonly Curve[];
}

function curveCharts(results: Analysis, grid: Grid, kind: CurveKind): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const byLabel = (["layer", "part"] as const).flatMap((grouping) =>
    [...Map.groupBy(kind.curves(results, grouping, curvePoints), ({ label }) => label)]
      .map(([label, curves]) => ({ label, grouping, curves }))
  );
  return byLabel
    .toSorted((a, b) => grid.labels.indexOf(a.label) - grid.labels.indexOf(b.label))
    .map(({ label, grouping, curves }) => {
      const names = [...new Set(curves.map(({ name }) => name))];
      const cells = cellsOf(curves, grid);
      const scales = new Map(
        cells.map((cell) => [`${cell.task}, ${cell.budget}`, kind.scaleOf(cell)]),
      );
      return {
        id: `${kind.id}_${grouping}_${slugs.get(label)}`,
        label,
        title: `${label}: ${kind.title} by ${grouping === "layer" ? "layer" : "kind of module"}`,
        caption: kind.caption +
          (curves.some(({ runs }) => runs > 1)
            ? " Bands reach from the lowest to the highest seed."
            : ""),
        draw: lines(cells.flatMap(({ rows }) => rows.flatMap(rowsOfCurve)), {
          styles: grouping === "part"
            ? partStyles(sortParts(names))
            : layerStyles(names.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))),
          x: progressAxis,
          y: { title: kind.axis },
          isStepped: true,
          hasBand: true,
          // Layers tell each other by shade alone.
          ...(grouping === "layer"
            ? { endNameOf: (series: string) => series.replace(/^layer /, "") }
            : {}),
          scaleOf: ({ panel }) => scales.get(String(panel))!,
          height: 160,
          columns: columnsOf(cells),
        }),
      };
    });
}

/** Mean rank of each layer, and of each kind of module, over training; two charts a method that moved ranks. */
export function rankTrajectories(results: Analysis, grid: Grid): readonly Chart[] {
  return curveCharts(results, grid, {
    id: "trajectory",
    title: "rank",
    axis: "mean rank",
    caption:
      "Mean rank of the modules of a group, averaged over seeds. All tasks of a budget share their scale.",
    scaleOf: ({ budget }) => budget,
    curves: rankCurves,
  });
}

/** Importance of each layer, and of each kind of module, over training; two charts a method that logged it. */
export function importanceTrajectories(results: Analysis, grid: Grid): readonly Chart[] {
  return curveCharts(results, grid, {
    id: "importance",
    title: "importance",
    axis: "× average module",
    caption:
      "Summed score of a module as a multiple of the average module's at that step (1 is average), averaged over each group and over seeds. All panels share their scale.",
    scaleOf: () => "",
    curves: importanceCurves,
  });
}
