/**
 * Where the ranks of many methods went, in one picture: a row a method, its layers and kinds of module across.
 *
 * @module
 */
import { type Grid, keyOf } from "../../analysis/run_rows.ts";
import { finalRanks, splitModule } from "../../analysis/rank_series.ts";
import { chartColours, partTitle } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart } from "../types.ts";
import { limitFor, panelOf, roomForNames } from "./panel.ts";
import { ratioColour, ratioKeys, sortParts } from "./ranks.ts";

interface Ratio {
  readonly label: string;
  readonly layer: number;
  readonly part: string;
  /** Final rank over the average of its task, method and budget. */
  readonly ratio: number;
}

/** Final ranks at the largest budget over their average; methods that kept theirs equal are left out. */
function ratiosOf(results: Analysis, budget: string): readonly Ratio[] {
  const cells = Map.groupBy(
    finalRanks(results).filter((cell) => cell.budget === budget),
    (cell) => keyOf(cell.task, cell.label),
  );
  const ratios = [...cells.values()].flatMap((cell) => {
    const average = cell.reduce((sum, { rank }) => sum + rank, 0) / cell.length;
    return cell.flatMap(({ label, name, rank }): readonly Ratio[] => {
      const split = splitModule(name);
      return split === null || average === 0 ? [] : [{ label, ...split, ratio: rank / average }];
    });
  });
  const uneven = new Set(
    ratios.filter(({ ratio }) => Math.abs(ratio - 1) > 1e-9).map(({ label }) => label),
  );
  return ratios.filter(({ label }) => uneven.has(label));
}

/** One heatmap of all methods with uneven ranks; null with fewer than two of them. */
export function rankOverview(results: Analysis, grid: Grid): Chart | null {
  const budget = grid.budgets.findLast((name) => ratiosOf(results, name).length > 0);
  if (budget === undefined) return null;
  const ratios = ratiosOf(results, budget);
  const labels = grid.labels.filter((label) => ratios.some((ratio) => ratio.label === label));
  if (labels.length < 2) return null;
  const layers = [...new Set(ratios.map(({ layer }) => layer))].sort((a, b) => a - b);
  const parts = sortParts(new Set(ratios.map(({ part }) => part)));
  const left = roomForNames(labels, 124);
  const panel = (
    title: string,
    columnOf: (ratio: Ratio) => string,
    columns: readonly string[],
    names: { readonly isTurned: boolean; readonly step: number },
  ) =>
    panelOf({ title }, {
      width: left + 14 + names.step * columns.length,
      height: 22 * labels.length,
      left,
      bottom: names.isTurned ? 74 : 30,
    }, {
      data: { values: meansOf(ratios, columnOf) },
      mark: { type: "rect", cornerRadius: 2, stroke: chartColours.background, strokeWidth: 1.5 },
      encoding: {
        x: {
          field: "column",
          type: "nominal",
          sort: columns,
          title: null,
          axis: {
            labelAngle: names.isTurned ? -35 : 0,
            domain: false,
            ticks: false,
            grid: false,
          },
        },
        y: {
          field: "label",
          type: "nominal",
          sort: labels,
          title: null,
          axis: { labelLimit: limitFor(left - 12), domain: false, ticks: false, grid: false },
        },
        color: ratioColour,
      },
    });
  return {
    id: "ranks_overview",
    title: `All methods: final ranks, ${budget}`,
    caption:
      "Mean final rank of a layer’s modules, and of each kind of module, over the method’s average rank; averaged over tasks and seeds. Methods whose ranks stay equal are left out.",
    keys: ratioKeys,
    panels: [
      panel("layer", ({ layer }) => String(layer), layers.map(String), {
        isTurned: false,
        step: Math.max(16, Math.min(30, Math.floor(190 / layers.length))),
      }),
      panel("kind of module", ({ part }) => partTitle(part), parts.map(partTitle), {
        isTurned: true,
        step: 30,
      }),
    ],
    columns: 2,
  };
}

function meansOf(
  ratios: readonly Ratio[],
  columnOf: (ratio: Ratio) => string,
): readonly { readonly label: string; readonly column: string; readonly ratio: number }[] {
  return [...Map.groupBy(ratios, (ratio) => keyOf(ratio.label, columnOf(ratio))).values()]
    .map((group) => ({
      label: group[0]!.label,
      column: columnOf(group[0]!),
      ratio: group.reduce((sum, { ratio }) => sum + ratio, 0) / group.length,
    }));
}
