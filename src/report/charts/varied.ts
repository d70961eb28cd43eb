/**
 * Score against the value of each setting that a study varies, a line a method.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import { summarise } from "../../stats/statistics.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import { type SeriesStyles, stylesOfMethods } from "../method_styles.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
import { slugsOf } from "../slug.ts";
import { channelsOf, keysOf, shownOf } from "../style.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import type { Chart, Panel } from "../types.ts";
import {
  byValue,
  entryOf,
  inOrder,
  paired,
  runsOn,
  seedMeans,
  variedAxes,
  type VariedAxis,
  type VariedRun,
} from "../../analysis/varied.ts";
import { boundsOf, largeWidth, numberAxis, panelOf, smallWidth } from "./panel.ts";

/** A method at a value: mean and interval over seeds, as the metric is shown. */
interface Point {
  readonly label: string;
  readonly value: number | string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** How the values of an axis are laid out. */
type ValueScale = "log" | "linear" | "ordinal";

/** Logarithmic for positive numbers that spread over more than a factor of 10, linear for other numbers. */
export function scaleOf(values: readonly Json[]): ValueScale {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length || numbers.length < 2) return "ordinal";
  const least = Math.min(...numbers);
  return least > 0 && Math.max(...numbers) > 10 * least ? "log" : "linear";
}

function pointsOf(runs: readonly VariedRun[], scale: ValueScale): readonly Point[] {
  return [...Map.groupBy(runs, ({ entry }) => entry)].flatMap(([label, own]) => {
    const complete = paired(own, inOrder(own.map(({ value }) => value)));
    return [...byValue(complete)].map(([text, at]): Point => {
      const { scale: factor } = metricInfo(at[0]!.metric);
      const { mean, sd, low, high } = summarise(seedMeans(at).map(([, score]) => factor * score));
      const [middle, most] = [mean!, 3 * (sd ?? 0)];
      return {
        label,
        value: scale === "ordinal" ? text : at[0]!.value as number,
        mean: middle,
        // An interval of two seeds (18 deviations long) would leave nothing of the rest.
        low: Math.max(low ?? middle, middle - most),
        high: Math.min(high ?? middle, middle + most),
      };
    });
  });
}

/** The horizontal channel of a plot. */
function acrossOf({ key, values }: VariedAxis, scale: ValueScale): object {
  const base = { field: "value", title: key };
  if (scale === "ordinal") {
    return {
      ...base,
      type: "ordinal",
      sort: values.map(valueText),
      axis: { labelAngle: 0, grid: false, labelOverlap: true },
      scale: { padding: 0.5 },
    };
  }
  const numbers = values.filter((value) => typeof value === "number");
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const margin = (most / least) ** 0.06;
  return {
    ...base,
    type: "quantitative",
    axis: { values: numbers, format: "~g", grid: false, labelOverlap: true },
    scale: scale === "log"
      ? { type: "log", domain: [least / margin, most * margin], nice: false }
      : { zero: false, nice: false, domain: boundsOf(numbers) },
  };
}

function panelFor(
  axis: VariedAxis,
  task: string,
  runs: readonly VariedRun[],
  styles: SeriesStyles,
  width: number,
): Panel {
  const scale = scaleOf(axis.values);
  const points = pointsOf(runs, scale);
  const { metric } = runs[0]!;
  const { color, shape, strokeDash } = channelsOf("label", styles);
  const x = acrossOf(axis, scale);
  const y = (field: string) => ({
    field,
    type: "quantitative",
    title: metricTitle(metric),
    axis: numberAxis,
    scale: {
      domain: boundsOf(points.flatMap(({ low, high }) => [low, high]), {
        margin: 0.06,
        leastSpan: 0.02 * metricInfo(metric).scale,
      }),
      zero: false,
      nice: false,
    },
  });
  return panelOf({ title: task }, { width, height: 220 }, {
    data: { values: points },
    layer: [
      {
        mark: { type: "line", strokeWidth: 1.6, opacity: 0.55 },
        encoding: { x, y: y("mean"), color, strokeDash },
      },
      {
        mark: { type: "rule", strokeWidth: 1.8, opacity: 0.8 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        mark: { type: "point", filled: true, size: 64, opacity: 1 },
        encoding: { x, y: y("mean"), color, shape },
      },
    ],
  });
}

/** A chart for each setting that varies over two values or more, with a panel a task; none for most studies. */
export function variedCharts(results: Analysis): readonly Chart[] {
  const axes = variedAxes(results);
  const slugs = slugsOf(axes.map(({ key }) => key));
  const styles = stylesOfMethods(
    new Map(results.runs.map((run) => [entryOf(run), run.record.asked.method])),
  );
  return axes.flatMap((axis): readonly Chart[] => {
    const scale = scaleOf(axis.values);
    const tasks = [...Map.groupBy(runsOn(axis, results), ({ task }) => task)]
      .filter(([, runs]) => pointsOf(runs, scale).length > 0);
    if (axis.values.length < 2 || tasks.length === 0) return [];
    const shown = shownOf(
      styles,
      tasks.flatMap(([, runs]) => pointsOf(runs, scale).map(({ label }) => label)),
    );
    const draw = (width: number) =>
      tasks.map(([task, runs]) => panelFor(axis, task, runs, shown, width));
    return [{
      id: `setting_${slugs.get(axis.key)!.replaceAll("-", "_")}`,
      title: `Score by ${axis.key}`,
      caption:
        "Marks are means over seeds, budgets and other settings, the same at each value of a line; bars are 95% t intervals over " +
        "seeds, cut at three deviations." +
        (tasks.length > 1 ? " Each task has its own scale." : ""),
      keys: keysOf(shown, "both"),
      panels: draw(tasks.length === 1 ? largeWidth : smallWidth),
      ...(tasks.length === 1 ? { narrowPanels: draw(smallWidth) } : {}),
      columns: 3,
    }];
  });
}
