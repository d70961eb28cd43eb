/**
 * How good the best of some trials is to be expected, by method: what tuning with fewer trials would have found.
 *
 * @module
 */
import { expectedBest } from "../../stats/effects.ts";
import { meritOf } from "../../tasks/metrics.ts";
import { budgetOf } from "../../study/budget/budget.ts";
import type { TunedChoice } from "../../study/schema/tuned.ts";
import { allTasks, budgetName, keyOf } from "../../analysis/run_rows.ts";
import { type SeriesStyles, stylesOfMethods } from "../method_styles.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { channelsOf, keysOf, shownOf } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import { boundsOf, numberAxis, panelOf, smallWidth } from "./panel.ts";

/** A point of a curve. */
interface Point {
  readonly label: string;
  readonly trials: number;
  readonly value: number;
}

/**
 * The scores of the trials that were drawn before any range was widened, turned over where lower is better; those that failed count
 * as the worst of the others.
 */
function drawnMerits({ metric, trials }: TunedChoice): readonly number[] {
  const drawn = trials.filter(({ added }) => added !== true).map(({ score }) => score);
  const known = drawn.filter((score) => score !== null).map((score) => meritOf(metric, score));
  if (known.length === 0) return [];
  return drawn.map((score) => score === null ? Math.min(...known) : meritOf(metric, score));
}

function pointsOf(choice: TunedChoice): readonly Point[] {
  const { scale } = metricInfo(choice.metric);
  return expectedBest(drawnMerits(choice)).map(({ trials, mean }) => ({
    label: choice.method,
    trials,
    value: Number((scale * meritOf(choice.metric, mean)).toPrecision(5)),
  }));
}

function panel(title: string, choices: readonly TunedChoice[], styles: SeriesStyles): Panel {
  const points = choices.flatMap(pointsOf);
  const { color, shape, strokeDash } = channelsOf("label", styles);
  const most = Math.max(...points.map(({ trials }) => trials));
  const x = {
    field: "trials",
    type: "quantitative",
    title: "trials",
    scale: { domain: [1, most], nice: false, zero: false },
    axis: { grid: false, tickMinStep: 1, tickCount: Math.min(6, most), format: "d" },
  };
  const y = {
    field: "value",
    type: "quantitative",
    title: metricTitle(choices[0]!.metric),
    axis: numberAxis,
    scale: {
      domain: boundsOf(points.map(({ value }) => value)),
      zero: false,
      nice: false,
    },
  };
  const ends = [1, most];
  return panelOf({ title }, { width: smallWidth, height: 190 }, {
    data: { values: points },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: { x, y, color, strokeDash },
      },
      {
        transform: [{ filter: { field: "trials", oneOf: ends } }],
        mark: { type: "point", filled: true, size: 46, opacity: 1 },
        encoding: { x, y, color, shape },
      },
    ],
  });
}

/** The expected best score after each number of trials, a panel a task and budget, a line a method; null where nothing was tuned. */
export function expectedBestChart(results: Analysis): Chart | null {
  const { tuned } = results;
  const choices = (tuned?.best ?? []).filter((choice) => drawnMerits(choice).length > 1);
  if (tuned === null || choices.length === 0) return null;
  // A method may be tuned whose runs are not there yet, or are called by more than its label.
  const methods = choices.map(({ method, name }) => [method, name] as const);
  const styles = stylesOfMethods(new Map([...results.grid.methods, ...methods]));
  const shown = shownOf(styles, methods.map(([label]) => label));
  const panels = Map.groupBy(
    choices,
    ({ task, budget }) => keyOf(task ?? "", JSON.stringify(budget)),
  );
  return {
    id: "expected_best",
    title: "Expected best score by number of trials",
    caption:
      "The best held-out score to expect of so many trials, computed from those that were made (Dodge et al. 2019). A method whose " +
      "line still climbs would gain by more trials. Where lines cross, the ranking depends on how much was tuned. " +
      "A trial that failed counts as the worst of its method. Trials that were added to widen a range are left out" +
      (tuned.search === "random"
        ? "."
        : tuned.search === "grid"
        ? "; points of a grid are not drawn at random, so the lines are a guide only."
        : "; trials that were stopped early count with the score that they had then."),
    keys: keysOf(shown, "both"),
    panels: [...panels.values()].map((own) => {
      const { task = allTasks, budget } = own[0]!;
      const at = budget === undefined ? "" : `, ${budgetName(budgetOf(budget))}`;
      return panel(`${task}${at}`, own, shown);
    }),
    columns: 3,
  };
}
