/**
 * Metrics of predictions on parts of the examples, as in `tasks/metrics.ts` but from counts, and what each example adds to them.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import { metrics } from "../tasks/metrics.ts";
import type { MetricName } from "../tasks/types.ts";
import { softmaxOf } from "../train/evaluate.ts";

/** A prediction beside what was wanted. */
export interface Evaluated {
  readonly prediction: number;
  readonly target: number;
  /** Of each class; absent where numbers are predicted, and in older results. */
  readonly logits?: readonly number[];
}

/** The metric of one seed's predictions on the examples of these indices. */
type Scorer = (seed: number, examples: readonly number[]) => number;

/**
 * A metric of `rows[seed][example]`, or null where these do not give it: a study's own, or one of probabilities without logits.
 *
 * Classes are counted once into a table of targets and predictions, so that a score costs one pass over its examples.
 */
export function scorerOf(
  metric: string,
  rows: readonly (readonly Evaluated[])[],
): Scorer | null {
  const ofCounts = countedMetrics.get(metric);
  if (ofCounts !== undefined) return countedScorer(ofCounts, rows);
  if (metric === "pearson") return pearsonScorer(rows);
  if (!Object.hasOwn(metrics, metric)) return null;
  const { output, compute } = metrics[metric as MetricName];
  if (output === "classification" && rows.flat().some(({ logits }) => logits === undefined)) {
    return null;
  }
  const probabilities = rows.map((own) =>
    own.flatMap(({ logits }) => logits === undefined ? [] : [softmaxOf(logits)])
  );
  return (seed, examples) => {
    const own = examples.map((example) => rows[seed]![example]!);
    return compute(
      own.map(({ target }) => target),
      own.map(({ prediction }) => prediction),
      output === "regression" ? [] : examples.map((example) => probabilities[seed]![example]!),
    );
  };
}

/** Groups into which examples are put at most: a score without each is computed, and 200 tell their spread to a twentieth. */
const mostGroups = 200;

/**
 * The examples of these indices in random groups of one size, at most {@linkcode mostGroups}; up to a group of them is left over.
 * The same number of examples has the same groups.
 */
export function exampleGroups(count: number): readonly (readonly number[])[] {
  const size = Math.ceil(count / mostGroups);
  const order = RandomStream.fromSeed(0).fork("example-groups").permutation(count);
  return all(Math.floor(count / size)).map((g) => order.slice(g * size, (g + 1) * size));
}

const all = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/**
 * What each group of examples adds to a seed's score, by leaving it out: jackknife pseudo-values, whose mean is nearly the score and whose
 * spread tells how it would differ on other examples. For a mean over examples they are the means of the groups.
 */
export function influenceOf(
  score: (examples: readonly number[]) => number,
  count: number,
  groups: readonly (readonly number[])[],
): readonly number[] {
  const whole = score(all(count));
  return groups.map((group) => {
    const parts = count / group.length;
    const isOut = new Uint8Array(count);
    for (const i of group) isOut[i] = 1;
    return parts * whole - (parts - 1) * score(all(count).filter((i) => isOut[i] === 0));
  });
}

/** How many examples of each target got each prediction: `counts[target × classes + prediction]`. */
interface ClassCounts {
  readonly counts: Int32Array;
  readonly classes: number;
  /** Index of class 1; −1 where it does not occur. */
  readonly one: number;
  readonly n: number;
}

const targetsOf = ({ counts, classes }: ClassCounts, k: number): number => {
  let sum = 0;
  for (let other = 0; other < classes; other++) sum += counts[k * classes + other]!;
  return sum;
};

const predictionsOf = ({ counts, classes }: ClassCounts, k: number): number => {
  let sum = 0;
  for (let other = 0; other < classes; other++) sum += counts[other * classes + k]!;
  return sum;
};

const rightOf = ({ counts, classes }: ClassCounts, k: number): number => counts[k * classes + k]!;

function sumOver({ classes }: ClassCounts, of: (k: number) => number): number {
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += of(k);
  return sum;
}

function f1Of(table: ClassCounts, k: number): number {
  const both = targetsOf(table, k) + predictionsOf(table, k);
  return both === 0 ? 0 : 2 * rightOf(table, k) / both;
}

const countedMetrics: ReadonlyMap<string, (table: ClassCounts) => number> = new Map([
  ["accuracy", (table) => sumOver(table, (k) => rightOf(table, k)) / table.n],
  ["f1", (table) => table.one < 0 ? 0 : f1Of(table, table.one)],
  ["macroF1", (table) => {
    const present = sumOver(
      table,
      (k) => targetsOf(table, k) + predictionsOf(table, k) > 0 ? 1 : 0,
    );
    return sumOver(table, (k) => f1Of(table, k)) / present;
  }],
  ["matthews", (table) => {
    const { n } = table;
    const right = sumOver(table, (k) => rightOf(table, k));
    const agreement = sumOver(table, (k) => targetsOf(table, k) * predictionsOf(table, k));
    const targets = sumOver(table, (k) => targetsOf(table, k) ** 2);
    const predictions = sumOver(table, (k) => predictionsOf(table, k) ** 2);
    const spread = (n * n - targets) * (n * n - predictions);
    return spread === 0 ? 0 : (right * n - agreement) / Math.sqrt(spread);
  }],
]);

function countedScorer(
  ofCounts: (table: ClassCounts) => number,
  rows: readonly (readonly Evaluated[])[],
): Scorer {
  const names = [
    ...new Set(rows.flat().flatMap(({ target, prediction }) => [target, prediction])),
  ];
  const classes = names.length;
  const indexOf = new Map(names.map((name, i) => [name, i]));
  const cells = rows.map((row) =>
    Int32Array.from(
      row,
      ({ target, prediction }) => indexOf.get(target)! * classes + indexOf.get(prediction)!,
    )
  );
  const counts = new Int32Array(classes * classes);
  return (seed, examples) => {
    counts.fill(0);
    const own = cells[seed]!;
    for (const example of examples) counts[own[example]!]!++;
    return ofCounts({ counts, classes, one: indexOf.get(1) ?? -1, n: examples.length });
  };
}

function pearsonScorer(rows: readonly (readonly Evaluated[])[]): Scorer {
  const targets = rows.map((row) => Float64Array.from(row, ({ target }) => target));
  const predictions = rows.map((row) => Float64Array.from(row, ({ prediction }) => prediction));
  return (seed, examples) => {
    const [x, y] = [targets[seed]!, predictions[seed]!];
    let [meanX, meanY] = [0, 0];
    for (const example of examples) {
      meanX += x[example]!;
      meanY += y[example]!;
    }
    meanX /= examples.length;
    meanY /= examples.length;
    let [xx, yy, xy] = [0, 0, 0];
    for (const example of examples) {
      const [dx, dy] = [x[example]! - meanX, y[example]! - meanY];
      xx += dx * dx;
      yy += dy * dy;
      xy += dx * dy;
    }
    return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
  };
}
