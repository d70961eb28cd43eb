/**
 * Score against the value of each setting that a study varies, a line a method.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { metricInfo, metricTitle } from "../../analysis/metrics.ts";
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
import type { Json } from "../../base/canonical_json.ts";
import { summarise } from "../../stats/statistics.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import { stylesOfMethods } from "../method_styles.ts";
import { slugsOf } from "../slug.ts";
import type { Chart } from "../types.ts";
import { type LineAxis, type LineRow, lines } from "./lines.ts";
import { boundsOf } from "./panels.ts";
import { shownOf } from "./theme.ts";

/** How the values of an axis are laid out. */
type ValueScale = "log" | "linear" | "ordinal";

/** Logarithmic for positive numbers that spread over more than a factor of 10, linear for other numbers. */
export function scaleOf(values: readonly Json[]): ValueScale {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length || numbers.length < 2) return "ordinal";
  const least = Math.min(...numbers);
  return least > 0 && Math.max(...numbers) > 10 * least ? "log" : "linear";
}

/** A method at a value: mean and interval over seeds, as the metric is shown. */
function rowsOf(task: string, runs: readonly VariedRun[], scale: ValueScale): readonly LineRow[] {
  return [...Map.groupBy(runs, ({ entry }) => entry)].flatMap(([series, own]) => {
    const complete = paired(own, inOrder(own.map(({ value }) => value)));
    return [...byValue(complete)].map(([text, at]): LineRow => {
      const { metric } = at[0]!;
      const { scale: factor } = metricInfo(metric);
      const { mean, sd, low, high } = summarise(seedMeans(at).map(([, score]) => factor * score));
      return {
        panel: `${task}, ${metricTitle(metric)}`,
        series,
        metric,
        x: scale === "ordinal" ? text : at[0]!.value as number,
        value: mean!,
        low: low ?? mean!,
        high: high ?? mean!,
        sd: sd ?? 0,
      };
    });
  });
}

/** The horizontal axis. */
function acrossOf({ key, values }: VariedAxis, scale: ValueScale): LineAxis {
  if (scale === "ordinal") return { title: key, names: values.map(valueText) };
  const numbers = values.filter((value) => typeof value === "number");
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const margin = (most / least) ** 0.06;
  return {
    title: key,
    scale,
    domain: scale === "log" ? [least / margin, most * margin] : boundsOf(numbers),
    axis: { values: numbers, format: "~g", labelOverlap: true },
  };
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
    const tasks = Map.groupBy(runsOn(axis, results), ({ task }) => task);
    const rows = [...tasks].flatMap(([task, runs]) => rowsOf(task, runs, scale));
    if (axis.values.length < 2 || rows.length === 0) return [];
    return [{
      id: `setting_${slugs.get(axis.key)!.replaceAll("-", "_")}`,
      title: `Score by ${axis.key}`,
      caption:
        "Marks are means over seeds, budgets and other settings, the same at each value of a line; bars are 95% t intervals over " +
        "seeds, cut at three deviations." +
        (new Set(rows.map(({ panel }) => panel)).size > 1 ? " Each task has its own scale." : ""),
      draw: lines(rows, {
        styles: shownOf(styles, rows.map(({ series }) => series)),
        x: acrossOf(axis, scale),
        y: { title: null },
        points: 64,
        bounds: { margin: 0.06 },
        height: 220,
        isLarge: true,
      }),
    }];
  });
}
