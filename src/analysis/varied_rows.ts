/**
 * Each setting that a study varies, a row a value: scores over the same runs but for the value.
 *
 * @module
 */
import { meanOf, summarise } from "../stats/statistics.ts";
import { valueText } from "../study/schema/setting_paths.ts";
import type { Analysis } from "./analysis.ts";
import { areAverageable, averageMetric, metricInfo } from "./metrics.ts";
import {
  byValue,
  paired,
  runsOn,
  seedMeans,
  variedAxes,
  type VariedAxis,
  type VariedRun,
} from "./varied.ts";

/** A value of a setting that varies. */
export interface VariedRow {
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
