/**
 * What axes of settings vary in a study, and its runs paired over everything else.
 *
 * @module
 */
import { canonicalJson, type Json } from "../base/canonical_json.ts";
import { shortNames, valueText } from "../study/schema/setting_paths.ts";
import { meanOf } from "../stats/statistics.ts";
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
