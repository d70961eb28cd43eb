/**
 * From scores that were made elsewhere to runs: rows of one run are put together, and what cannot be meant is refused.
 *
 * @module
 */
import { counted } from "../../base/format.ts";
import { InputError } from "../../base/input_error.ts";
import { isHigherBetter, lowerMark, metrics, shareMark } from "../../tasks/metrics.ts";
import type { ForeignOptions, ForeignScore } from "./foreign_score.ts";

/** Values of one metric of a run. */
export interface ForeignMetric {
  /** As records have it: its mark says which way it is better and whether it is a share. */
  readonly name: string;
  /** By step, ascending; one at step 0 where steps are not known. Null where the run ended without a score. */
  readonly steps: readonly { readonly step: number; readonly score: number | null }[];
  /** Scores of the last step by example; empty where they are not known. */
  readonly examples: ReadonlyMap<string, number>;
  /** Examples that the score is the mean of; null where it is not known. */
  readonly count: number | null;
}

/** A run that was made elsewhere. */
export interface ForeignRun {
  readonly task: string;
  readonly method: string;
  readonly budget: number | null;
  readonly seed: number;
  readonly parameters: number | null;
  /** The first of the task first. */
  readonly metrics: readonly ForeignMetric[];
  /** The row that it begins with. */
  readonly first: ForeignScore;
}

/** Runs with what a reader must know of how they were read. */
export interface ForeignRuns {
  readonly runs: readonly ForeignRun[];
  /** What may not be meant. */
  readonly warnings: readonly string[];
  /** What was taken for granted. */
  readonly notes: readonly string[];
}

/** The task of scores that name none. */
const onlyTask = "task";

const usualMetric = "score";

/** A row with its number. */
interface Numbered {
  readonly score: ForeignScore;
  readonly row: number;
}

/** Where a row stands. */
function placeOf({ score: { file = "scores", line }, row }: Numbered) {
  return { file, place: line === undefined ? `row ${row}` : `line ${line}` };
}

/** A place within a sentence about another row. */
const besideText = (row: Numbered, other: Numbered): string => {
  const { file, place } = placeOf(row);
  return file === placeOf(other).file ? place : `"${file}", ${place}`;
};

function refuse(row: Numbered, found: string, wanted: string, fix?: string): never {
  throw new InputError({ ...placeOf(row), found, wanted, ...(fix === undefined ? {} : { fix }) });
}

/** What a row is of, in words, such as `lora on RTE`. */
const cellText = ({ score: { method, task, budget } }: Numbered): string =>
  `${method}${budget === undefined ? "" : ` at ${budget}`}${
    task === undefined ? "" : ` on ${task}`
  }`;

const cellOf = ({ score: { method, task, budget } }: Numbered): string =>
  `${task ?? onlyTask}\0${method}\0${budget ?? ""}`;

/** Names that sound as if less were better. */
const lossLike =
  /(?:^|[^a-z])(?:loss|perplexity|ppl|wer|cer|[rm]*[ms]a?e|fid|bpb|error)(?:[^a-z]|$)/i;

/** The runs that rows are of, in order of appearance. */
export function foreignRuns(
  scores: readonly ForeignScore[],
  options: ForeignOptions = {},
): ForeignRuns {
  if (scores.length === 0) {
    throw new InputError({ file: "scores", found: "no row with a score", wanted: "at least one" });
  }
  const warnings: string[] = [];
  const notes: string[] = [];
  const rows = withSeeds(scores.map((score, i) => ({ score, row: i + 1 })), warnings);
  const scales = scalesOf(rows, options, notes);
  const groups = Map.groupBy(rows, (row) => `${cellOf(row)}\0${row.score.seed}`);
  const doubled: (readonly [Numbered, Numbered])[] = [];
  const runs = [...groups.values()].map((own): ForeignRun => {
    const first = own[0]!.score;
    const byMetric = Map.groupBy(own, ({ score }) => score.metric ?? usualMetric);
    const order = scales.get(first.task ?? onlyTask)!;
    return {
      task: first.task ?? onlyTask,
      method: first.method,
      budget: first.budget ?? null,
      seed: first.seed!,
      parameters: own.find(({ score }) => score.parameters !== undefined)?.score.parameters ?? null,
      metrics: [...order].flatMap(([metric, scale]) =>
        byMetric.has(metric) ? [metricOf(byMetric.get(metric)!, scale, doubled)] : []
      ),
      first,
    };
  });
  if (doubled.length > 0) {
    const [again, before] = doubled[0]!;
    const { file, place } = placeOf(again);
    warnings.push(
      `${counted(doubled.length, "row")} ${
        doubled.length === 1 ? "repeats" : "repeat"
      } another and ${doubled.length === 1 ? "is" : "are"} counted once: "${file}", ${place} is ${
        besideText(before, again)
      } again.`,
    );
  }
  return { runs, warnings, notes };
}

/** The rows with a seed each: the given one, or the number of the run among those of its method and task. */
function withSeeds(rows: readonly Numbered[], warnings: string[]): readonly Numbered[] {
  const without = rows.filter(({ score }) => score.seed === undefined);
  if (without.length === 0) return rows;
  const seeded = new Map(
    rows.filter(({ score }) => score.seed !== undefined).map((row) => [cellOf(row), row]),
  );
  const mixed = seeded.size === 0 ? undefined : without.find((row) => seeded.has(cellOf(row)));
  if (mixed !== undefined) {
    const other = seeded.get(cellOf(mixed))!;
    return refuse(
      mixed,
      "no seed",
      `a seed, as the row of ${cellText(other)} at ${besideText(other, mixed)} has one`,
    );
  }
  const next = new Map<string, number>();
  let most = 1;
  const seeds = rows.map((row): Numbered => {
    const { score } = row;
    if (score.seed !== undefined) return row;
    // Rows of steps, examples and metrics are of one run.
    const isPart = score.step !== undefined || score.example !== undefined;
    const key = `${cellOf(row)}\0${score.metric ?? ""}`;
    const seed = isPart ? 1 : (next.get(key) ?? 0) + 1;
    next.set(key, seed);
    most = Math.max(most, seed);
    return { ...row, score: { ...score, seed } };
  });
  if (most > 1) {
    warnings.push(
      "No seeds are given: the runs of a method on a task are numbered in their order and paired by these numbers. Where such pairs " +
        "share nothing, the intervals hold all the same, only wider than with seeds in common.",
    );
  }
  return seeds;
}

interface Scale {
  readonly name: string;
  readonly divisor: number;
}

/** The metrics of each task, in order of appearance, with their names in records and what scores are divided by. */
function scalesOf(
  rows: readonly Numbered[],
  options: ForeignOptions,
  notes: string[],
): ReadonlyMap<string, ReadonlyMap<string, Scale>> {
  const byMetric = Map.groupBy(rows, ({ score }) => score.metric ?? usualMetric);
  const known = new Map<string, Scale>();
  for (const [metric, own] of byMetric) known.set(metric, scaleOf(metric, own, options, notes));
  const tasks = new Map<string, Map<string, Scale>>();
  for (const { score: { task = onlyTask, metric = usualMetric } } of rows) {
    const own = tasks.get(task) ?? new Map<string, Scale>();
    if (!own.has(metric)) tasks.set(task, own.set(metric, known.get(metric)!));
  }
  return tasks;
}

/** Shares that are written in percent exceed this. */
const leastPercent = 1.5;

function scaleOf(
  metric: string,
  rows: readonly Numbered[],
  { scale, better }: ForeignOptions,
  notes: string[],
): Scale {
  const isKnown = Object.hasOwn(metrics, metric);
  const said = rows[0]!.score.better ?? better;
  if (!isKnown && said === undefined && lossLike.test(metric)) {
    refuse(
      rows[0]!,
      `the metric "${metric}", which sounds as if less were better`,
      "which way it is better",
      "say it by --better lower or --better higher",
    );
  }
  const isHigher = isKnown ? isHigherBetter(metric) : said !== "lower";
  const sizeOf = ({ score: { score } }: Numbered) => Math.abs(score ?? 0);
  const large = rows.find((row) => sizeOf(row) > leastPercent);
  const small = rows.find((row) => sizeOf(row) > 0 && sizeOf(row) <= 1);
  const most = rows.reduce((most, row) => Math.max(most, sizeOf(row)), 0);
  const found = scale ?? (most <= 1 ? "fraction" : isHigher && most <= 100 ? "percent" : "own");
  if (scale === undefined && found === "percent" && small !== undefined && large !== undefined) {
    const [later, earlier] = small.row > large.row ? [small, large] : [large, small];
    refuse(
      later,
      `${metric} ${later.score.score} where ${
        besideText(earlier, later)
      } has ${earlier.score.score}`,
      "percent or fractions in one metric",
      "if all are percent say --scale percent, if they have a unit of their own --scale own",
    );
  }
  if (scale === "fraction" && large !== undefined) {
    refuse(large, `${metric} ${large.score.score}`, "a fraction within [−1, 1]");
  }
  if (scale === undefined && found === "percent") {
    notes.push(
      `${metric} goes up to ${most}: it is read as percent, so that a point is 0.01 (--scale own says otherwise).`,
    );
  }
  const isShare = found !== "own";
  // A metric that ranklab knows says its scale and direction itself.
  const marks = `${isShare ? shareMark : ""}${isHigher ? "" : lowerMark}`;
  return { name: isKnown ? metric : metric + marks, divisor: found === "percent" ? 100 : 1 };
}

/** Steps of a run that are kept at most. */
const mostSteps = 200;

/** The values of one metric of a run. */
function metricOf(
  rows: readonly Numbered[],
  { name, divisor }: Scale,
  doubled: (readonly [Numbered, Numbered])[],
): ForeignMetric {
  const seen = new Map<string, Numbered>();
  const byStep = new Map<number, Numbered[]>();
  for (const row of rows) {
    const { step, example, score } = row.score;
    const key = `${step ?? ""}\0${example ?? ""}`;
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, row);
      const own = byStep.get(step ?? 0);
      if (own === undefined) byStep.set(step ?? 0, [row]);
      else own.push(row);
    } else if (before.score.score === score) doubled.push([row, before]);
    else {
      const of = example === undefined ? "" : ` for example ${example}`;
      refuse(
        row,
        `a second score of ${cellText(row)} with seed ${row.score.seed}${of}: ${score} where ${
          besideText(before, row)
        } has ${before.score.score}`,
        "one row a run",
        "name the column that tells these rows apart: seed, step, example, budget, task or metric",
      );
    }
  }
  const steps = [...byStep].toSorted(([a], [b]) => a - b);
  const last = steps.at(-1)![1];
  const valueOf = ({ score: { score } }: Numbered) => score === null ? null : score / divisor;
  const ofExamples = last.filter(({ score }) => score.example !== undefined);
  const examples = new Map(
    ofExamples.flatMap((row): readonly (readonly [string, number])[] => {
      const value = valueOf(row);
      return value === null ? [] : [[String(row.score.example), value]];
    }),
  );
  const meanOf = (own: readonly Numbered[]): number | null => {
    const values = own.flatMap((row) => valueOf(row) ?? []);
    return values.length < own.length ? null : values.reduce((sum, v) => sum + v, 0) / own.length;
  };
  // Of more than a curve can show, an even part; the last always counts.
  const every = Math.ceil(steps.length / mostSteps);
  const kept = steps.filter((_, i) => (steps.length - 1 - i) % every === 0);
  return {
    name,
    steps: kept.map(([step, own]) => ({ step, score: meanOf(own) })),
    examples,
    count: examples.size > 0 ? examples.size : last[0]!.score.examples ?? null,
  };
}
