/**
 * Journals as curves on a common grid of training progress, averaged over runs: what the charts over training draw.
 *
 * Every function is linear in the lines it reads and keeps one accumulator a curve, whatever the number of runs.
 *
 * @module
 */
import { type Cell, cellKeys, cellOf, keyOf, rolledUp } from "./run_rows.ts";
import { meanOf } from "../stats/statistics.ts";
import type { ImportanceLine } from "../record/types.ts";
import type { RunResults, StudyResults } from "./results.ts";

/** The cell and the piece a curve belongs to. */
interface CurveKey extends Cell {
  /** A module, a layer, a part, or a split. */
  readonly name: string;
}

/** A curve over runs: mean, lowest and highest value at each grid point, null where no run has one. */
export interface Curve extends CurveKey {
  readonly values: readonly (number | null)[];
  readonly lows: readonly (number | null)[];
  readonly highs: readonly (number | null)[];
  /** Runs that have a value somewhere. */
  readonly runs: number;
}

/** A value of a run at a grid point of one of its curves. */
type CurveValue = readonly [name: string, point: number, value: number];

function finishedRuns({ runs }: StudyResults): readonly RunResults[] {
  return runs.filter(({ record }) => record.happened.outcome.state === "finished");
}

/** The curves of all finished runs; values that are not finite count for nothing. */
function curvesOf(
  results: StudyResults,
  points: number,
  valuesOf: (run: RunResults) => Iterable<CurveValue>,
): readonly Curve[] {
  const curves = new Map<string, ReturnType<typeof emptyCurve>>();
  for (const run of finishedRuns(results)) {
    const cell = cellOf(run.record);
    // Looked up once a run, not once a point.
    const own = new Map<string, ReturnType<typeof emptyCurve>>();
    for (const [name, point, value] of valuesOf(run)) {
      if (!Number.isFinite(value)) continue;
      const id = keyOf(cell.task, cell.label, cell.budget, name);
      const curve = own.get(name) ?? curves.get(id) ?? emptyCurve({ ...cell, name }, points);
      if (!own.has(name)) {
        own.set(name, curve);
        curves.set(id, curve);
      }
      curve.sums[point]! += value;
      curve.lows[point] = Math.min(curve.lows[point]!, value);
      curve.highs[point] = Math.max(curve.highs[point]!, value);
      curve.counts[point]!++;
    }
  }
  return [...curves.values()].map(({ key, sums, lows, highs, counts }) => {
    const known = (values: Float64Array) =>
      Array.from(values, (value, i) => counts[i] === 0 ? null : value);
    return {
      ...key,
      values: known(sums.map((sum, i) => sum / counts[i]!)),
      lows: known(lows),
      highs: known(highs),
      runs: Math.max(...counts),
    };
  });
}

function emptyCurve(key: CurveKey, points: number) {
  return {
    key,
    sums: new Float64Array(points),
    lows: new Float64Array(points).fill(Infinity),
    highs: new Float64Array(points).fill(-Infinity),
    counts: new Uint32Array(points),
  };
}

/** `layer.3.query` → layer 3, part `query`; null for another form of name. */
export function splitModule(
  name: string,
): { readonly layer: number; readonly part: string } | null {
  const match = /^layer\.(\d+)\.(.+)$/.exec(name);
  return match === null ? null : { layer: Number(match[1]), part: match[2]! };
}

/** Whether a run's policy changed any rank. */
export function movedRanks(run: RunResults): boolean {
  return run.ranks.some((line) => line.changes.length > 0);
}

/** How modules are gathered into curves: the mean of a layer's, of a part's, or each for itself. */
export type Grouping = "layer" | "part" | "module";

function groupName(module: string, grouping: Grouping): string {
  const split = grouping === "module" ? null : splitModule(module);
  if (split === null) return module;
  return grouping === "layer" ? `layer ${split.layer}` : split.part;
}

type GroupMeans = readonly (readonly [name: string, mean: number])[];

/** The mean value of each group's modules. */
function groupMeans(
  values: Iterable<readonly [module: string, value: number]>,
  grouping: Grouping,
): GroupMeans {
  const groups = Map.groupBy(values, ([module]) => groupName(module, grouping));
  return [...groups].map(([name, own]) => [name, meanOf(own.map(([, value]) => value))]);
}

/** The lines of a journal that come due at each grid point, from the start (0%) to the end (100%) of training. */
function dueLines<L extends { readonly step: number }>(
  lines: readonly L[],
  steps: number,
  points: number,
): readonly (readonly L[])[] {
  let next = 0;
  return Array.from({ length: points }, (_, point) => {
    const from = next;
    while (next < lines.length && lines[next]!.step <= steps * point / (points - 1)) next++;
    return lines.slice(from, next);
  });
}

/**
 * Ranks over training: each module's rank after the events up to each grid point, averaged over the finished
 * runs that moved ranks.
 *
 * @param points Grid points, from the start (0%) to the end (100%) of training.
 */
export function rankCurves(
  results: StudyResults,
  grouping: Grouping,
  points: number,
): readonly Curve[] {
  return curvesOf(results, points, (run): readonly CurveValue[] => {
    const { initialRanks, steps } = run.record.happened;
    if (initialRanks === null || !movedRanks(run)) return [];
    const ranks = new Map(Object.entries(initialRanks));
    let means = groupMeans(ranks, grouping);
    return dueLines(run.ranks, steps, points).flatMap((due, point) => {
      for (const { module, to } of due.flatMap(({ changes }) => changes)) ranks.set(module, to);
      if (due.length > 0) means = groupMeans(ranks, grouping);
      return means.map(([name, mean]): CurveValue => [name, point, mean]);
    });
  });
}

/**
 * Importance over training: each group's mean score as a multiple of the mean over all modules at that step
 * (1 = as important as the average module), averaged over finished runs.
 */
export function importanceCurves(
  results: StudyResults,
  grouping: Grouping,
  points: number,
): readonly Curve[] {
  return curvesOf(results, points, ({ record, importance }) => {
    let means: GroupMeans = [];
    return dueLines(importance, record.happened.steps, points).flatMap((due, point) => {
      const last = due.at(-1);
      if (last !== undefined) means = relativeMeans(last.scores, grouping);
      return means.map(([name, mean]): CurveValue => [name, point, mean]);
    });
  });
}

/** Group means over the mean of all modules; none where no score is positive. */
function relativeMeans(scores: ImportanceLine["scores"], grouping: Grouping): GroupMeans {
  const finite = Object.entries(scores).filter(([, score]) => Number.isFinite(score));
  const average = meanOf(finite.map(([, score]) => score));
  return average > 0
    ? groupMeans(finite, grouping).map(([name, mean]) => [name, mean / average])
    : [];
}

/** Training loss: the mean of each bin of steps (curve `train`), averaged over finished runs. */
export function lossCurves(results: StudyResults, bins: number): readonly Curve[] {
  return curvesOf(results, bins, ({ record, steps }) =>
    steps.map(({ step, loss }): CurveValue => {
      const bin = Math.floor((step - 1) / record.happened.steps * bins);
      return ["train", Math.min(bins - 1, bin), bin < 0 ? NaN : loss];
    }));
}

/** Evaluation loss on the split that counts, at the grid point nearest to each evaluation, averaged over finished runs. */
export function evaluationCurves(results: StudyResults, points: number): readonly Curve[] {
  return curvesOf(
    results,
    points,
    ({ record: { happened }, evaluations }) =>
      evaluations.filter(({ split }) => split === happened.last?.split)
        .map(({ step, split, loss }): CurveValue => {
          const point = Math.round(step / happened.steps * (points - 1));
          return [split, Math.min(points - 1, point), loss];
        }),
  );
}

/** Final ranks of each module, averaged over the finished runs of each task, label and budget. */
export function finalRanks(
  results: StudyResults,
): readonly (CurveKey & { readonly rank: number; readonly runs: number })[] {
  const all = finishedRuns(results).flatMap(({ record }) =>
    Object.entries(record.happened.finalRanks ?? {})
      .map(([name, rank]) => ({ ...cellOf(record), name, rank }))
  );
  return rolledUp(all, [...cellKeys, "name"], (own) => ({
    rank: meanOf(own.map(({ rank }) => rank)),
    runs: own.length,
  }));
}
