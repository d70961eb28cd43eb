/**
 * Curves over training: the ranks and the importance of layers and of kinds of module, with their spread over seeds.
 *
 * @module
 */
import { type Grid } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import {
  type Curve,
  type Grouping,
  importanceCurves,
  rankCurves,
} from "../../analysis/rank_series.ts";
import { slugsOf } from "../slug.ts";
import { channelsOf, chartColours, keysOf, layerStyles, partStyles, partTitle } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import {
  boundsOf,
  cellsOf,
  columnsOf,
  type GridCell,
  numberAxis,
  panelOf,
  plotWidth,
  smallWidth,
} from "./panel.ts";
import { sortParts } from "./ranks.ts";

const points = 41;

/** The horizontal axis of charts over training. */
export const progressAxis = {
  field: "progress",
  type: "quantitative",
  title: "training done (%)",
  scale: { domain: [0, 100], nice: false },
  axis: { values: [0, 25, 50, 75, 100], grid: false },
};

const rounded = (value: number) => Number(value.toPrecision(5));

/** Curves as rows: a point wherever a step starts, and the last. */
function rowsOfCurves(curves: readonly Curve[]) {
  return curves.flatMap(({ values, lows, highs, name }) => {
    const rows = values.flatMap((value, point) =>
      value === null ? [] : [{
        name: partTitle(name),
        progress: 100 * point / (points - 1),
        value: rounded(value),
        low: rounded(lows[point]!),
        high: rounded(highs[point]!),
      }]
    );
    return rows.filter((row, i) => {
      const before = rows[i - 1];
      return before === undefined || i === rows.length - 1 || row.value !== before.value ||
        row.low !== before.low || row.high !== before.high;
    });
  });
}

/** Styles of groups: parts have their own, layers run from dark (first) to light (last). */
function groupStyles(names: readonly string[], grouping: Grouping): SeriesStyles {
  return grouping === "part"
    ? partStyles(sortParts(names))
    : layerStyles([...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true })));
}

const size = { width: smallWidth, height: 160, right: 26 };
/** Pixels between the baselines of two names at the ends of lines. */
const nameHeight = 11;
/** Names that a panel of this height holds. */
const mostNames = Math.floor(size.height / nameHeight);

/**
 * Where the names of lines stand at the right: at their last values, moved apart where they would touch.
 *
 * @returns Values on the panel's vertical scale.
 */
function namePlaces(
  ends: readonly { readonly name: string; readonly value: number }[],
  [low, high]: readonly [number, number],
): readonly { readonly name: string; readonly value: number }[] {
  const step = nameHeight * (high - low) / size.height;
  // Names that touch form a block, which stands about the mean of its lines' ends.
  let blocks: { names: string[]; sum: number }[] = [];
  const bottomOf = ({ names, sum }: { names: string[]; sum: number }) => {
    const half = step * names.length / 2;
    return Math.min(high - half, Math.max(low + half, sum / names.length)) - half;
  };
  for (const { name, value } of ends.toSorted((a, b) => a.value - b.value)) {
    let last = { names: [name], sum: value };
    for (let before = blocks.at(-1); before !== undefined; before = blocks.at(-1)) {
      if (bottomOf(before) + step * before.names.length <= bottomOf(last)) break;
      last = { names: [...before.names, ...last.names], sum: before.sum + last.sum };
      blocks = blocks.slice(0, -1);
    }
    blocks = [...blocks, last];
  }
  return blocks.flatMap((block) =>
    block.names.map((name, i) => ({ name, value: bottomOf(block) + step * (i + 0.5) }))
  );
}

/** Where layers tell each other by shade alone, their numbers stand at the ends of their lines. */
function nameLayer(curves: readonly Curve[], domain: readonly [number, number], y: object): object {
  const ends = curves.flatMap(({ name, values }) => {
    const last = values.findLast((value) => value !== null);
    return last === undefined || last === null
      ? []
      : [{ name: name.replace(/^layer /, ""), value: last }];
  });
  return {
    data: { values: namePlaces(ends, domain) },
    mark: { type: "text", align: "left", fontSize: 10, x: plotWidth(size), dx: 5 },
    encoding: { y, text: { field: "name" }, color: { value: chartColours.muted } },
  };
}

function panel(
  { task, budget, rows: curves }: GridCell<Curve>,
  styles: SeriesStyles,
  axis: {
    readonly title: string;
    readonly domain: readonly [number, number];
    readonly grouping: Grouping;
  },
): Panel {
  const { color, strokeDash } = channelsOf("name", styles);
  const y = (field: string) => ({
    field,
    type: "quantitative",
    title: axis.title,
    axis: numberAxis,
    scale: { domain: axis.domain, zero: false, nice: false },
  });
  const hasSpread = curves.some(({ runs }) => runs > 1);
  const hasNames = axis.grouping === "layer" && curves.length <= mostNames;
  return panelOf({ title: `${task}, ${budget}` }, size, {
    data: { values: rowsOfCurves(curves) },
    layer: [
      ...(hasSpread
        ? [{
          mark: { type: "area", interpolate: "step-after", opacity: 0.13, clip: true },
          encoding: { x: progressAxis, y: y("low"), y2: { field: "high" }, color },
        }]
        : []),
      {
        mark: { type: "line", strokeWidth: 1.8, interpolate: "step-after", clip: true },
        encoding: { x: progressAxis, y: y("value"), color, strokeDash },
      },
      ...(hasNames ? [nameLayer(curves, axis.domain, y("value"))] : []),
    ],
  });
}

interface CurveKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly caption: string;
  /** What panels with the same scale share: all of the chart, or the budget. */
  readonly scaleOf: (curve: Curve) => string;
  readonly curves: (
    results: Analysis,
    grouping: Grouping,
    points: number,
  ) => readonly Curve[];
}

function chartsByGroup(results: Analysis, grid: Grid, kind: CurveKind): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  const byLabel = (["layer", "part"] as const).flatMap((grouping) =>
    [...Map.groupBy(kind.curves(results, grouping, points), (curve) => curve.label)]
      .map(([label, curves]) => ({ label, grouping, curves }))
  );
  return byLabel
    .toSorted((a, b) => grid.labels.indexOf(a.label) - grid.labels.indexOf(b.label))
    .map(({ label, grouping, curves }) => {
      const styles = groupStyles([...new Set(curves.map(({ name }) => name))], grouping);
      const domains = new Map(
        [...Map.groupBy(curves, kind.scaleOf)].map(([key, group]) => [
          key,
          boundsOf(group.flatMap(({ lows, highs }) => [...lows, ...highs])),
        ]),
      );
      const cells = cellsOf(curves, grid);
      const spread = curves.some(({ runs }) => runs > 1)
        ? " Bands reach from the lowest to the highest seed."
        : "";
      return {
        id: `${kind.id}_${grouping}_${slugs.get(label)}`,
        label,
        title: `${label}: ${kind.title} by ${grouping === "layer" ? "layer" : "kind of module"}`,
        caption: kind.caption + spread,
        keys: keysOf(styles, "line"),
        panels: cells.map((cell) =>
          panel(cell, styles, {
            title: kind.axis,
            domain: domains.get(kind.scaleOf(cell.rows[0]!))!,
            grouping,
          })
        ),
        columns: columnsOf(cells),
      };
    });
}

/** Mean rank of each layer, and of each kind of module, over training; two charts a method that moved ranks. */
export function rankTrajectories(results: Analysis, grid: Grid): readonly Chart[] {
  return chartsByGroup(results, grid, {
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
  return chartsByGroup(results, grid, {
    id: "importance",
    title: "importance",
    axis: "× average module",
    caption:
      "Summed score of a module as a multiple of the average module's at that step (1 is average), averaged over each group and over seeds. All panels share their scale.",
    scaleOf: () => "",
    curves: importanceCurves,
  });
}
