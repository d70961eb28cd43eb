/**
 * What axes of settings vary in a study, its runs paired over everything else, and what each value comes to.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { shortNames, valueText } from "../study/schema/setting_paths.ts";
import { meanOf, summarise } from "../stats/statistics.ts";
import { areAverageable, averageMetric } from "./metrics.ts";
import { meritOf } from "../tasks/metrics.ts";
import { keyOf, runRowOf } from "./run_rows.ts";
import type { RunResults, StudyResults } from "./results.ts";

/** A setting that the axes of a study vary. */
export interface VariedAxis {
  /** The setting's key, such as `train.learningRate`. */
  readonly key: string;
  /** What labels call it. */
  readonly name: string;
  /** Its values among the recorded runs: numbers ascending, others in order of appearance. */
  readonly values: readonly Json[];
}

/** A run with a score, and its value on an axis. */
export interface VariedRun {
  readonly task: string;
  readonly metric: string;
  /** As {@linkcode entryOf} gives it. */
  readonly entry: string;
  readonly seed: number;
  readonly value: Json;
  readonly score: number;
  /** What it shares with the runs that it is paired with: all but its value. */
  readonly block: string;
  /** The same but for the seed. */
  readonly cell: string;
}

/** The entry of the study's methods that a run is of: its label without what axes of settings vary. */
export function entryOf({ record: { asked } }: RunResults): string {
  return asked.arm ?? asked.label;
}

/** Values each once: numbers ascending where all are numbers, else in order of appearance. */
export function inOrder(values: Iterable<Json>): readonly Json[] {
  const distinct = [...new Map([...values].map((value) => [canonicalJson(value), value])).values()];
  return distinct.every((value) => typeof value === "number")
    ? distinct.toSorted((a, b) => a - b)
    : distinct;
}

/** The axes of settings that recorded runs vary by, in the study's order; none for most studies. */
export function variedAxes({ runs }: StudyResults): readonly VariedAxis[] {
  const values = new Map<string, Json[]>();
  for (const { record: { asked: { varied = {} } } } of runs) {
    for (const [key, value] of Object.entries(varied)) {
      const known = values.get(key);
      if (known === undefined) values.set(key, [value]);
      else known.push(value);
    }
  }
  const names = shortNames([...values.keys()]);
  return [...values].map(([key, own]) => ({ key, name: names.get(key)!, values: inOrder(own) }));
}

/** The runs that vary by an axis and have a score. */
export function runsOn({ key }: VariedAxis, { runs }: StudyResults): readonly VariedRun[] {
  return runs.flatMap((run): readonly VariedRun[] => {
    const { varied = {}, seed } = run.record.asked;
    const { task, metric, budget, score } = runRowOf(run.record);
    if (!Object.hasOwn(varied, key) || score === null) return [];
    const { [key]: value, ...others } = varied;
    const entry = entryOf(run);
    const cell = keyOf(task, entry, budget, canonicalJson(others));
    return [{ task, metric, entry, seed, value: value!, score, cell, block: keyOf(cell, seed) }];
  });
}

/** The runs of the blocks that have a score for each of some values: at every value the same blocks are left. */
export function paired(runs: readonly VariedRun[], values: readonly Json[]): readonly VariedRun[] {
  const wanted = new Set(values.map(canonicalJson));
  return [...Map.groupBy(runs, ({ block }) => block).values()].flatMap((own) => {
    const among = own.filter(({ value }) => wanted.has(canonicalJson(value)));
    return among.length === wanted.size ? among : [];
  });
}

/** Runs by the text of their value. */
export function byValue(runs: readonly VariedRun[]): ReadonlyMap<string, readonly VariedRun[]> {
  return Map.groupBy(runs, ({ value }) => valueText(value));
}

/** The mean of runs in each seed, ascending by seed. */
export function seedMeans(runs: readonly VariedRun[]): readonly (readonly [number, number])[] {
  return [...Map.groupBy(runs, ({ seed }) => String(seed)).values()]
    .map((own) => [own[0]!.seed, meanOf(own.map(({ score }) => score))] as const)
    .sort(([a], [b]) => a - b);
}

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
    const metric = sharedMetric(own) ?? own[0]!.metric;
    const means = [...byValue(own)].map(([text, at]) =>
      [text, meritOf(metric, meanOf(at.map(({ score }) => score)))] as const
    );
    const best = Math.max(...means.map(([, mean]) => mean));
    return [group, new Set(means.flatMap(([text, mean]) => mean === best ? [text] : []))];
  }));
}

function rowsOfAxis(axis: VariedAxis, results: StudyResults): readonly VariedRow[] {
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
export function variedRows(results: StudyResults): readonly VariedRow[] {
  return variedAxes(results).flatMap((axis) => rowsOfAxis(axis, results));
}
