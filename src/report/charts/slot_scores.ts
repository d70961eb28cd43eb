/**
 * How the scores of slots are distributed at the last event of a rank policy: whether a few ranks stand out or all are alike.
 *
 * @module
 */
import { budgetName, type Grid } from "../../analysis/run_rows.ts";
import { significant } from "../../base/format.ts";
import { slugsOf } from "../slug.ts";
import { chartColours } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { cellsOf, columnsOf, numberAxis, panelOf, smallWidth } from "./panel.ts";

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
  for (const { scores } of runs) {
    for (const score of scores) {
      low = Math.min(low, score);
      high = Math.max(high, score);
    }
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

const rounded = (value: number) => Number(value.toPrecision(5));

function panel(
  title: string,
  runs: readonly ScoredRun[],
  scale: ScoreScale,
): Panel {
  const bars = histogram(runs.flatMap(({ scores }) => scores), scale);
  const thresholds = runs.flatMap(({ threshold }) => threshold === null ? [] : [threshold])
    .filter((threshold) => threshold >= bars[0]!.from && threshold <= bars.at(-1)!.to);
  const x = {
    field: "from",
    type: "quantitative",
    title: "score",
    scale: {
      type: scale.isLog ? "log" : "linear",
      domain: [bars[0]!.from, bars.at(-1)!.to],
      nice: false,
      ...(scale.isLog ? {} : { zero: false }),
    },
    axis: { grid: false, tickCount: 3, format: "~g" },
  };
  const y = {
    field: "share",
    type: "quantitative",
    title: "slots (%)",
    axis: { ...numberAxis, tickCount: 4 },
  };
  return panelOf({ title }, { width: smallWidth, height: 120 }, {
    layer: [
      {
        data: {
          values: bars.map(({ from, to, share }) => ({
            from: rounded(from),
            to: rounded(to),
            share: rounded(100 * share),
          })).filter(({ share }) => share > 0),
        },
        mark: { type: "rect", color: "#4477aa", opacity: 0.8 },
        encoding: { x, x2: { field: "to" }, y, y2: { datum: 0 } },
      },
      ...(thresholds.length === 0 ? [] : [{
        data: { values: thresholds.map((from) => ({ from })) },
        mark: { type: "rule", strokeDash: [4, 3], color: chartColours.ink },
        encoding: { x },
      }]),
    ],
  });
}

/** A chart a method whose runs kept the scores of slots, a histogram a task and budget. */
export function slotScoreCharts(results: Analysis, grid: Grid): readonly Chart[] {
  const slugs = slugsOf(grid.labels);
  return [...Map.groupBy(scoredRuns(results), ({ label }) => label)].map(([label, own]): Chart => {
    const scale = scaleOf(own);
    const cells = cellsOf(own, grid);
    return {
      id: `slot_scores_${slugs.get(label)}`,
      label,
      title: `${label}: scores of ranks at the last event`,
      caption:
        `How the scores of single ranks are spread, all seeds together, from ${
          significant(scale.low)
        } to ${significant(scale.high)}${scale.isLog ? " on a logarithmic scale" : ""}. ` +
        "A dashed line is the threshold of a seed: the highest score among the ranks that lost at that event.",
      keys: [],
      panels: cells.map(({ task, budget, rows }) => panel(`${task}, ${budget}`, rows, scale)),
      columns: columnsOf(cells),
    };
  });
}
