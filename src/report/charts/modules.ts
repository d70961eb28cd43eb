/**
 * What single modules hold and lose: ablations, the spectra of updates, and the scores of their ranks.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { splitModule } from "../../analysis/rank_series.ts";
import { budgetName, type Grid, keyOf } from "../../analysis/run_rows.ts";
import { fixed, interval, significant } from "../../base/format.ts";
import type { SeriesStyles } from "../method_styles.ts";
import { slugsOf } from "../slug.ts";
import { type AblationPoint, ablationPoints } from "../../analysis/ablation.ts";
import { type ModuleSpectraRow } from "../../analysis/spectra.ts";
import type { Chart } from "../types.ts";
import { lines } from "./lines.ts";
import { boundsOf, cellsOf, columnsOf, rounded } from "./panels.ts";
import { scatter } from "./scatter.ts";
import { manyLabels, partStyles, partTitle, shownOf, sortParts, taskStyles } from "./theme.ts";

/** Methods that can lie over each other in a panel with their correlations written above it. */
const mostOverlaid = 5;

/** Titles of the charts. */
const titles = {
  layer: "Removing a layer's adapters",
  module: "Removing one module's adapter",
  part: "Removing a part's adapters in all layers",
} as const;

/** Scatter charts, of removed layers, of removed modules and of removed parts: a panel a task and budget, ρ written above it. */
export function ablationCharts(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): readonly Chart[] {
  const points = ablationPoints(results);
  const rows = results.ablation.filter((row) => row.spearman !== null);
  return (["layer", "module", "part"] as const).flatMap((kind): Chart[] => {
    const own = points.filter((point) => point.kind === kind);
    if (own.length === 0) return [];
    const ofKind = rows.filter((row) => row.kind === kind);
    const correlated = new Set(ofKind.map(({ task, label, budget }) => keyOf(task, label, budget)));
    const uneven = own.filter(({ task, label, budget }) =>
      correlated.has(keyOf(task, label, budget))
    );
    // Where every method kept its ranks equal there is nothing to correlate, and the losses are shown as they are.
    const shown = uneven.length > 0 ? uneven : own;
    const labels = shownOf(styles, shown.map((point) => point.label));
    const isMany = labels.size > mostOverlaid;
    const largest = grid.budgets.findLast((name) => shown.some(({ budget }) => budget === name))!;
    const rho = (value: number | null) => fixed(value, 2);
    /** What stands above the panel of some points. */
    const linesOf = (of: (row: typeof ofKind[number]) => boolean): readonly string[] => {
      const found = ofKind.filter(of);
      if (!isMany) {
        return [...labels.keys()].flatMap((label) =>
          found.filter((row) => row.label === label).map(({ spearman, low, high }) =>
            `${label}: ρ ${rho(spearman)} ${interval(low, high, 2)}`
          )
        );
      }
      const values = found.map(({ spearman }) => spearman!);
      const ends = [...new Set([rho(Math.min(...values)), rho(Math.max(...values))])];
      return values.length === 0 ? [] : [`ρ ${ends.join(" … ")}`];
    };
    const cells = isMany
      ? grid.labels.map((label) => ({
        title: label,
        lines: linesOf((row) => row.label === label && row.budget === largest),
        rows: shown.filter((point) => point.label === label && point.budget === largest),
      }))
      : cellsOf(shown, grid).map(({ task, budget, rows }) => ({
        title: `${task}, ${budget}`,
        lines: linesOf((row) => row.task === task && row.budget === budget),
        rows,
      }));
    const most = Math.max(...cells.map(({ lines }) => lines.length));
    const all = isMany ? shown.filter(({ budget }) => budget === largest) : shown;
    const sharing = (point: AblationPoint, key: "task" | "budget") =>
      isMany ? all : all.filter((other) => other[key] === point[key]);
    const first = new Map<string, AblationPoint>();
    const drawn = cells.flatMap(({ title, lines, rows }) => {
      const panel = [title, ...lines, ...Array.from({ length: most - lines.length }, () => " ")];
      if (rows.length > 0) first.set(String(panel), rows[0]!);
      return rows.map((point) => ({
        panel,
        series: isMany ? point.task : point.label,
        x: point.rank,
        y: point.loss,
      }));
    });
    return [{
      id: `ablation_${kind}`,
      title: isMany ? `${titles[kind]}, ${largest}` : titles[kind],
      caption: isMany
        ? `Each point is one ${kind} on one task, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
          "ρ is Spearman's rank correlation, from its lowest to its highest task; the table below has the intervals. All panels share their scales."
        : `Each point is one ${kind}, averaged over seeds: the rank it held in the trained model and what the metric lost without it (× 100). ` +
          `ρ is Spearman's rank correlation (mean over runs) with its 95% interval. ` +
          "Budgets of a task share the scale of the loss, tasks of a budget that of the rank." +
          (uneven.length > 0 && uneven.length < own.length
            ? " Methods whose ranks are all equal have no correlation and are left out."
            : ""),
      draw: scatter(drawn, {
        styles: isMany ? taskStyles(grid.tasks) : labels,
        x: { title: "rank held" },
        y: { title: "metric lost (× 100)" },
        rangeOf: ([row]) => {
          const point = first.get(String(row!.panel))!;
          return {
            x: boundsOf(sharing(point, "budget").map(({ rank }) => rank), {
              margin: 0.06,
              leastSpan: 1,
            }),
            y: boundsOf(sharing(point, "task").map(({ loss }) => loss), {
              margin: 0.06,
              hasZero: true,
            }),
          };
        },
        height: isMany ? 120 : 180,
        columns: isMany ? 3 : columnsOf(cellsOf(shown, grid)),
      }),
    }];
  });
}

/** Effective rank against rank: a panel a task and budget, or where there are many methods a panel a method. */
function usedChart(rows: readonly ModuleSpectraRow[], grid: Grid, styles: SeriesStyles): Chart {
  const domain = boundsOf(rows.flatMap(({ rank, effectiveRank }) => [rank, effectiveRank]), {
    hasZero: true,
    margin: 0.04,
  });
  const labels = shownOf(styles, rows.map(({ label }) => label));
  const isMany = labels.size >= manyLabels;
  const cells = cellsOf(rows, grid);
  const panels = isMany
    ? grid.labels.map((label) => ({
      title: label,
      rows: rows.filter((row) => row.label === label),
    }))
    : cells.map(({ task, budget, rows }) => ({ title: `${task}, ${budget}`, rows }));
  return {
    id: "used_ranks",
    title: "Effective rank against rank given",
    caption:
      "Each point is one module, averaged over seeds: the rank that it held and the effective rank of its update. " +
      "On the dashed line all ranks carry the update alike; far below it most of the update lies in fewer directions. All panels share their scales.",
    draw: scatter(
      panels.flatMap(({ title, rows }) =>
        rows.map(({ task, label, module, rank, effectiveRank }) => ({
          panel: title,
          series: isMany ? task : label,
          module,
          x: rounded(rank),
          y: rounded(effectiveRank),
        }))
      ),
      {
        styles: isMany ? shownOf(taskStyles(grid.tasks), rows.map(({ task }) => task)) : labels,
        x: { title: "rank given" },
        y: { title: "effective rank" },
        rangeOf: () => ({ x: domain, y: domain }),
        guides: panels.flatMap(({ title, rows }) =>
          rows.length === 0 ? [] : domain.map((end) => ({ panel: title, guideX: end, guideY: end }))
        ),
        height: 190,
        columns: isMany ? 3 : columnsOf(cells),
      },
    ),
  };
}

/** The least singular value that is drawn, over the largest: what single precision leaves of zero is further below. */
const leastShown = 1e-4;

/** The spectra of each method's modules, a panel a task and budget. */
function spectrumCharts(rows: readonly ModuleSpectraRow[], grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  return [...Map.groupBy(rows, ({ label }) => label)].flatMap(([label, own]): Chart[] => {
    const largest = Math.max(0, ...own.flatMap((row) => row.values));
    if (largest === 0) return [];
    const partOf = (module: string) => splitModule(module)?.part ?? module;
    const cells = cellsOf(own, grid);
    const drawn = cells.flatMap(({ task, budget, rows }) =>
      rows.flatMap(({ module, values }) =>
        values.map((value, i) => ({
          panel: `${task}, ${budget}`,
          series: partTitle(partOf(module)),
          line: module,
          x: i + 1,
          value: rounded(value),
        }))
      ).filter(({ value }) => value >= leastShown * largest)
    );
    const shown = drawn.map(({ value }) => value);
    return [{
      id: `spectra_${slugs.get(label)}`,
      label,
      title: `${label}: singular values of the updates`,
      caption:
        "A line is one module: the singular values of what it adds to its weight, averaged over seeds, with a logarithmic scale. " +
        "Values below a ten-thousandth of the largest are not drawn. All panels share their scales.",
      draw: lines(drawn, {
        styles: partStyles(sortParts(new Set(own.map(({ module }) => partOf(module))))),
        x: { title: "singular value, by size", axis: { tickMinStep: 1, format: "d" } },
        y: { title: "value", scale: "log", axis: { tickCount: 4 } },
        domain: [0.8 * Math.min(...shown), 1.25 * largest],
        points: 10,
        height: 170,
        columns: columnsOf(cells),
      }),
    }];
  });
}

/** The charts of what `deno task spectra` found; none where it was not run. */
export function spectraCharts(
  results: Analysis,
  grid: Grid,
  styles: SeriesStyles,
): readonly Chart[] {
  const rows = results.moduleSpectra;
  if (rows.length === 0) return [];
  return [usedChart(rows, grid, styles), ...spectrumCharts(rows, grid)];
}

/** Bars of a histogram. */
const bins = 24;

/** A run's scores, and the cell that it is in. */
interface ScoredRun {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  readonly scores: readonly number[];
  readonly threshold: number | null;
}

/** The scale of a method's scores: by their logarithm where all are positive. */
interface ScoreScale {
  readonly isLog: boolean;
  readonly low: number;
  readonly high: number;
}

/** The scores at the last event of each run that kept them. */
export function scoredRuns({ runs }: Analysis): readonly ScoredRun[] {
  return runs.flatMap(({ record: { asked }, slots }) => {
    const scores = Object.values(slots?.scores ?? {}).flat();
    if (slots === null || scores.length === 0) return [];
    const { task, label, budget } = asked;
    return [{ task, label, budget: budgetName(budget), scores, threshold: slots.threshold }];
  });
}

function scaleOf(runs: readonly ScoredRun[]): ScoreScale {
  let [low, high] = [Infinity, -Infinity];
  for (const score of runs.flatMap(({ scores }) => scores)) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return { isLog: low > 0 && low < high, low, high };
}

/** The share of the scores in each of equally wide bins, by the bins' ends; of one value there is one bin. */
export function histogram(
  scores: readonly number[],
  { isLog, low, high }: ScoreScale,
): readonly { readonly from: number; readonly to: number; readonly share: number }[] {
  if (low === high) return [{ from: low - 0.5, to: low + 0.5, share: 1 }];
  const along = (score: number) =>
    isLog ? Math.log(score / low) / Math.log(high / low) : (score - low) / (high - low);
  const at = (part: number) => isLog ? low * (high / low) ** part : low + part * (high - low);
  const counts = new Array<number>(bins).fill(0);
  for (const score of scores) counts[Math.min(bins - 1, Math.floor(bins * along(score)))]!++;
  return counts.map((count, bin) => ({
    from: at(bin / bins),
    to: at((bin + 1) / bins),
    share: count / scores.length,
  }));
}

/** A chart a method whose runs kept the scores of slots, a histogram a task and budget. */
export function slotScoreCharts(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  return [...Map.groupBy(scoredRuns(results), ({ label }) => label)].map(([label, own]): Chart => {
    const scale = scaleOf(own);
    const cells = cellsOf(own, grid);
    const rows = cells.flatMap(({ task, budget, rows }) => {
      const at = { panel: `${task}, ${budget}`, series: label };
      const bars = histogram(rows.flatMap(({ scores }) => scores), scale);
      const [least, most] = [bars[0]!.from, bars.at(-1)!.to];
      return [
        ...bars.map(({ from, share }) => ({
          ...at,
          x: rounded(from),
          value: rounded(100 * share),
        })),
        { ...at, x: rounded(most), value: rounded(100 * bars.at(-1)!.share) },
        ...rows.flatMap(({ threshold }) =>
          threshold === null || threshold < least || threshold > most
            ? []
            : [{ ...at, x: threshold, value: 0, isUpright: true }]
        ),
      ].map((row) => ({ ...row, ...("isUpright" in row ? {} : { low: 0 }) }));
    });
    return {
      id: `slot_scores_${slugs.get(label)}`,
      label,
      title: `${label}: scores of ranks at the last event`,
      caption:
        `How the scores of single ranks are spread, all seeds together, from ${
          significant(scale.low)
        } to ${significant(scale.high)}${scale.isLog ? " on a logarithmic scale" : ""}. ` +
        "A dashed line is the threshold of a seed: the highest score among the ranks that lost at that event.",
      draw: lines(rows, {
        styles: new Map([[label, { colour: "#4477aa", shape: "circle", dash: [1, 0] }]]),
        x: {
          title: "score",
          ...(scale.isLog ? { scale: "log" } : {}),
          axis: { tickCount: 3, format: "~g" },
        },
        y: { title: "slots (%)", axis: { tickCount: 4 } },
        isStepped: true,
        hasBand: true,
        hasLegend: false,
        bounds: { hasZero: true, margin: 0 },
        height: 120,
        columns: columnsOf(cells),
      }),
    };
  });
}
