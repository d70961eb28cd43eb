/**
 * Each setting that a study varies.
 *
 * @module
 */
import type { Analysis } from "../../analysis/analysis.ts";
import { areAverageable, averageMetric, metricInfo } from "../../analysis/metrics.ts";
import {
  byValue,
  paired,
  runsOn,
  seedMeans,
  variedAxes,
  type VariedAxis,
  type VariedRun,
} from "../../analysis/varied.ts";
import { fixed, interval, nothing, signed } from "../../base/format.ts";
import { meanOf, summarise } from "../../stats/statistics.ts";
import { valueText } from "../../study/schema/setting_paths.ts";
import { charts, type Section, table } from "../section.ts";
import { number, type ReportTable, reportTable, text } from "../table.ts";
import { scaled } from "../columns.ts";

/** A value of a setting that varies. */
interface VariedRow {
  readonly setting: string;
  readonly value: string;
  /** Runs with this value that are paired with runs of every other value. */
  readonly n: number;
  /** Metric of the means, null where those of the tasks share no scale. */
  readonly metric: string | null;
  readonly mean: number | null;
  /** Mean minus that of the best value, and its 95 % t interval over seeds; 0 and null for the best itself. */
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Combinations of everything else in which no value has a better mean over seeds, and how many combinations there are. */
  readonly bestIn: number;
  readonly of: number;
  /** Arms for which no value has a better mean. */
  readonly bestFor: readonly string[];
}

/** The metric of means over runs, or null where none says something. */
function sharedMetric(runs: readonly VariedRun[]): string | null {
  const metrics = [...new Set(runs.map(({ metric }) => metric))];
  if (metrics.length === 1) return metrics[0]!;
  return metrics.length > 1 && areAverageable(metrics) ? averageMetric() : null;
}

/** For each group of runs the values, as texts, of which none has a better mean. */
function bestValues(
  runs: readonly VariedRun[],
  groupOf: (run: VariedRun) => string,
): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([...Map.groupBy(runs, groupOf)].map(([group, own]) => {
    const sign = metricInfo(sharedMetric(own) ?? own[0]!.metric).isHigherBetter ? 1 : -1;
    const means = [...byValue(own)].map(([text, at]) =>
      [text, sign * meanOf(at.map(({ score }) => score))] as const
    );
    const best = Math.max(...means.map(([, mean]) => mean));
    return [group, new Set(means.flatMap(([text, mean]) => mean === best ? [text] : []))];
  }));
}

function rowsOfAxis(axis: VariedAxis, results: Analysis): readonly VariedRow[] {
  const runs = paired(runsOn(axis, results), axis.values);
  const metric = sharedMetric(runs);
  const values = byValue(runs);
  const bestIn = bestValues(runs, ({ cell }) => cell);
  const bestFor = metric === null ? new Map() : bestValues(runs, ({ entry }) => entry);
  const overall = metric === null ? [] : [...bestValues(runs, () => "").values()];
  const best = values.get([...overall[0] ?? []][0] ?? "") ?? [];
  const reference = new Map(seedMeans(best));
  return axis.values.map((value): VariedRow => {
    const text = valueText(value);
    const own = values.get(text) ?? [];
    const hasMean = metric !== null && own.length > 0;
    const differences = seedMeans(own).map(([seed, mean]) => mean - (reference.get(seed) ?? NaN));
    const isBest = own === best;
    const { mean: difference, low, high } = summarise(differences);
    return {
      setting: axis.key,
      value: text,
      n: own.length,
      metric,
      mean: hasMean ? meanOf(own.map(({ score }) => score)) : null,
      difference: !hasMean ? null : isBest ? 0 : difference,
      low: hasMean && !isBest ? low : null,
      high: hasMean && !isBest ? high : null,
      bestIn: [...bestIn.values()].filter((texts) => texts.has(text)).length,
      of: bestIn.size,
      bestFor: [...bestFor].flatMap(([entry, texts]) => texts.has(text) ? [entry] : []),
    };
  });
}

/** The rows of all settings that vary; none for a study without axes of settings. */
export function variedRows(results: Analysis): readonly VariedRow[] {
  return variedAxes(results).flatMap((axis) => rowsOfAxis(axis, results));
}

/** The values of the settings that vary. */
function variedTable(results: Analysis): ReportTable {
  const shown = ({ metric }: VariedRow, value: number | null) =>
    metric === null ? null : scaled({ metric }, value);
  return reportTable(variedRows(results), {
    id: "varied",
    title: "Settings that vary",
    note:
      "Each row is one value of a setting. A run counts where every other value has a run with the same task, method, budget, seed " +
      "and other settings. Means are over these runs, × 100 for metrics within [−1, 1]. Differences are from the best value, with " +
      "95% t intervals over seeds. The best value is chosen by the same scores, so it looks slightly better than it is. " +
      "“Best in” counts the combinations of task, method, budget and other settings in which no value has a better mean.",
    csv: ({ bestFor, ...row }) => ({ ...row, bestFor: bestFor.join(", ") }),
    columns: [
      text("setting", (row) => row.setting),
      number("value", (row) => row.value),
      number("runs", (row) => String(row.n)),
      number("mean", (row) => fixed(shown(row, row.mean), 2)),
      number(
        "difference",
        (row) => row.difference === 0 ? "best" : signed(shown(row, row.difference), 2),
        (row) => row.difference === 0 ? "good" : "plain",
      ),
      number("95% interval", (row) => interval(shown(row, row.low), shown(row, row.high), 2)),
      number("best in", (row) => row.of === 0 ? nothing : `${row.bestIn} of ${row.of}`),
      text("best for", (row) => row.bestFor.join(", ") || nothing),
    ],
  });
}

/** A row a value of each setting. */
export const settingsThatVary: Section = {
  title: "Settings that vary",
  id: "varied",
  blocks: [table(variedTable), charts(({ charts }) => charts.varied)],
};
