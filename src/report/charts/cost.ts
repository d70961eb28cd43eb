/**
 * Quality against what it costs, with the Pareto front.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { allTasks, noBudget } from "../../analysis/run_rows.ts";
import type { SeriesStyles } from "../method_styles.ts";
import type { CostRow } from "../../analysis/costs.ts";
import type { Chart } from "../types.ts";
import { boundsOf, edgeCaption, edgeLine, rangesOf } from "./panels.ts";
import { scatter } from "./scatter.ts";
import { manyLabels, shownOf } from "./theme.ts";

interface CostKind {
  readonly id: string;
  readonly title: string;
  readonly axis: string;
  readonly scale: "linear" | "log";
  readonly format: string;
  readonly costOf: (row: CostRow) => number;
  readonly isOnFront: (row: CostRow) => boolean;
}

const kinds: readonly CostKind[] = [
  {
    id: "cost_quality",
    title: "Quality against training time",
    axis: "training time of a run (s) ↓",
    scale: "linear",
    format: ",~f",
    costOf: (row) => row.trainMillis / 1000,
    isOnFront: (row) => row.isOnTimeFront,
  },
  {
    id: "cost_parameters",
    title: "Quality against parameters to store",
    axis: "parameters to store, head included ↓",
    scale: "log",
    format: "~s",
    costOf: (row) => row.parameters,
    isOnFront: (row) => row.isOnSizeFront,
  },
];

const height = 260;

/** Metric against training time and against the parameters to store: a panel a task, larger points for larger budgets. */
export function costCharts(results: Analysis, styles: SeriesStyles): readonly Chart[] {
  const all = results.costs;
  return kinds.flatMap((kind): Chart[] => {
    const rows = all.filter((row) =>
      row.score !== null && Number.isFinite(kind.costOf(row)) && kind.costOf(row) > 0
    );
    return rows.length === 0 ? [] : [costChart(rows, kind, styles)];
  });
}

function costChart(rows: readonly CostRow[], kind: CostKind, styles: SeriesStyles): Chart {
  const shown = shownOf(styles, rows.map((row) => row.label));
  const hasLines = shown.size < manyLabels;
  const budgets = [...new Set(rows.map(({ budget }) => budget))].filter((name) =>
    name !== noBudget
  );
  const points = rows
    .toSorted((a, b) => Number(b.task === allTasks) - Number(a.task === allTasks))
    .map((row) => ({
      panel: `${row.task}, ${metricTitle(row.metric)}`,
      row,
      series: row.label,
      metric: row.metric,
      value: row.score! * metricInfo(row.metric).scale,
      isFree: row.budget === noBudget,
      size: 50 + 45 * Math.max(0, budgets.indexOf(row.budget)),
      order: budgets.indexOf(row.budget),
      cost: kind.costOf(row),
      title: row.budget === noBudget || budgets.length < 2
        ? row.label
        : `${row.label}, ${row.budget}`,
    }));
  const ranges = rangesOf(points, { margin: 0.06, lineShare: edgeLine / height });
  const panels = [...Map.groupBy(points, ({ panel }) => panel)].map(([panel, own]) => {
    const { domain, isFar } = ranges.get(panel)!;
    // The front starts or ends beyond the panel where one of its members lies there.
    const inside = (value: number) => Math.min(domain[1], Math.max(domain[0], value));
    const sign = metricInfo(own[0]!.metric).isHigherBetter ? 1 : -1;
    const front = own.filter(({ row }) => kind.isOnFront(row))
      .toSorted((a, b) => a.cost - b.cost)
      .map(({ cost, value }) => ({ panel, guideX: cost, guideY: inside(value) }));
    const drawn = own.map((point) => {
      const far = isFar(point) ? `${point.value < domain[0] ? "▾" : "▴"} ` : "";
      const named = far !== "" || kind.isOnFront(point.row);
      return {
        panel,
        series: point.series,
        x: point.cost,
        y: point.value,
        size: point.size,
        ...(hasLines && far === "" ? { order: point.order } : {}),
        ...(named
          ? { name: far === "" ? point.title : `${far}${point.title} ${point.value.toFixed(1)}` }
          : {}),
      };
    });
    return { drawn, front, sign } as const;
  });
  const isLog = kind.scale === "log";
  return {
    id: kind.id,
    title: kind.title,
    caption:
      "Up and to the left is better. The dashed steps are the Pareto front of the means, with its members named: no other point is as good at a lower cost. " +
      `Points grow with the budget${hasLines ? "; lines join a method's budgets" : ""}.` +
      edgeCaption(ranges) + (panels.length > 1 ? " Each task has its own scales." : ""),
    draw: scatter(panels.flatMap(({ drawn }) => drawn), {
      styles: shown,
      x: { title: kind.axis, scale: kind.scale, axis: { format: kind.format, labelOverlap: true } },
      y: { title: null },
      rangeOf: (own) => ({
        x: boundsOf(own.map(({ x }) => isLog ? Math.log(x) : x), { margin: 0.07 })
          .map((end) => isLog ? Math.exp(end) : end) as unknown as readonly [number, number],
        y: ranges.get(String(own[0]!.panel))!.domain,
      }),
      guides: panels.flatMap(({ front }) => front),
      hasSteps: true,
      sign: panels[0]!.sign,
      height,
      width: panels.length === 1 ? 540 : 380,
      columns: 2,
    }),
  };
}
