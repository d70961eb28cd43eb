/**
 * Journals as curves on a common grid of training progress, averaged over runs: what the charts over training draw.
 *
 * Every function is linear in the lines it reads and keeps one accumulator a curve, whatever the number of runs.
 *
 * @module
 */
import { budgetName, keyOf } from "./facts.ts";
import type { RunResults, StudyResults } from "./types.ts";

/** The cell and the piece a curve belongs to. */
export interface CurveKey {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
  /** A module, a layer, a part, or a split. */
  readonly name: string;
}

/** A curve: its mean at each grid point, null where no run has a value. */
export interface Curve extends CurveKey {
  readonly values: readonly (number | null)[];
}

/** Mean curves under construction. */
class CurveMeans {
  readonly #curves = new Map<
    string,
    { readonly key: CurveKey; readonly sums: Float64Array; readonly counts: Uint32Array }
  >();

  constructor(readonly points: number) {}

  add(key: CurveKey, point: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const id = keyOf(key.task, key.label, key.budget, key.name);
    let curve = this.#curves.get(id);
    if (curve === undefined) {
      curve = {
        key,
        sums: new Float64Array(this.points),
        counts: new Uint32Array(this.points),
      };
      this.#curves.set(id, curve);
    }
    curve.sums[point]! += value;
    curve.counts[point]!++;
  }

  means(): readonly Curve[] {
    return [...this.#curves.values()].map(({ key, sums, counts }) => ({
      ...key,
      values: Array.from(sums, (sum, i) => counts[i] === 0 ? null : sum / counts[i]!),
    }));
  }
}

/** `layer.3.query` → layer 3, part `query`; null for another form of name. */
export function splitModule(
  name: string,
): { readonly layer: number; readonly part: string } | null {
  const match = /^layer\.(\d+)\.(.+)$/.exec(name);
  return match === null ? null : { layer: Number(match[1]), part: match[2]! };
}

const cellOf = (run: RunResults) => ({
  task: run.record.asked.task,
  label: run.record.asked.label,
  budget: budgetName(run.record.asked.budget),
});

const isFinished = (run: RunResults) => run.record.happened.outcome.state === "finished";

/** Whether a run's policy changed any rank. */
export function movedRanks(run: RunResults): boolean {
  return run.ranks.some((line) => line.changes.length > 0);
}

/** How modules are gathered into curves: the mean of a layer's, of a part's, or each for itself. */
export type Grouping = "layer" | "part" | "module";

function groupName(module: string, grouping: Grouping): string {
  const split = splitModule(module);
  if (grouping === "module" || split === null) return module;
  return grouping === "layer" ? `layer ${split.layer}` : split.part;
}

/** Means of a module map by group. */
function groupMeans(
  values: ReadonlyMap<string, number>,
  grouping: Grouping,
): ReadonlyMap<string, number> {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const [module, value] of values) {
    const name = groupName(module, grouping);
    const entry = sums.get(name) ?? { sum: 0, count: 0 };
    entry.sum += value;
    entry.count++;
    sums.set(name, entry);
  }
  return new Map([...sums].map(([name, { sum, count }]) => [name, sum / count]));
}

/**
 * Ranks over training: each module's rank after the events up to each grid point, averaged over the finished
 * runs that moved ranks.
 *
 * @param points Grid points, from the start (0 %) to the end (100 %) of training.
 */
export function rankCurves(
  results: StudyResults,
  grouping: Grouping,
  points: number,
): readonly Curve[] {
  const means = new CurveMeans(points);
  for (const run of results.runs) {
    const { initialRanks, steps } = run.record.happened;
    if (!isFinished(run) || initialRanks === null || !movedRanks(run)) continue;
    const cell = cellOf(run);
    const ranks = new Map(Object.entries(initialRanks));
    let next = 0;
    for (let point = 0; point < points; point++) {
      const step = steps * point / (points - 1);
      for (; next < run.ranks.length && run.ranks[next]!.step <= step; next++) {
        for (const { module, to } of run.ranks[next]!.changes) ranks.set(module, to);
      }
      for (const [name, value] of groupMeans(ranks, grouping)) {
        means.add({ ...cell, name }, point, value);
      }
    }
  }
  return means.means();
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
  const means = new CurveMeans(points);
  for (const run of results.runs) {
    if (!isFinished(run) || run.importance.length === 0) continue;
    const cell = cellOf(run);
    const { steps } = run.record.happened;
    let next = 0;
    for (let point = 0; point < points; point++) {
      const step = steps * point / (points - 1);
      while (next < run.importance.length && run.importance[next]!.step <= step) next++;
      const line = run.importance[next - 1];
      if (line === undefined) continue;
      const scores = new Map(Object.entries(line.scores).filter(([, v]) => Number.isFinite(v)));
      const average = [...scores.values()].reduce((sum, v) => sum + v, 0) / scores.size;
      if (!(average > 0)) continue;
      for (const [name, value] of groupMeans(scores, grouping)) {
        means.add({ ...cell, name }, point, value / average);
      }
    }
  }
  return means.means();
}

/** Training loss: the mean of each bin of steps (curve `train`), averaged over finished runs. */
export function lossCurves(results: StudyResults, bins: number): readonly Curve[] {
  const means = new CurveMeans(bins);
  for (const run of results.runs) {
    if (!isFinished(run)) continue;
    const key = { ...cellOf(run), name: "train" };
    const { steps } = run.record.happened;
    for (const line of run.steps) {
      const bin = Math.min(bins - 1, Math.floor((line.step - 1) / steps * bins));
      if (bin >= 0) means.add(key, bin, line.loss);
    }
  }
  return means.means();
}

/** Evaluation loss on the split that counts, at the grid point nearest to each evaluation, averaged over finished runs. */
export function evaluationCurves(results: StudyResults, points: number): readonly Curve[] {
  const means = new CurveMeans(points);
  for (const run of results.runs) {
    const { happened } = run.record;
    const split = happened.last?.split;
    if (!isFinished(run) || split === undefined) continue;
    const key = { ...cellOf(run), name: split };
    for (const line of run.evaluations) {
      if (line.split !== split) continue;
      const point = Math.min(points - 1, Math.round(line.step / happened.steps * (points - 1)));
      means.add(key, point, line.loss);
    }
  }
  return means.means();
}

/** Final ranks of each module, averaged over the finished runs of each task, label and budget. */
export function finalRanks(
  results: StudyResults,
): readonly (CurveKey & { readonly rank: number; readonly runs: number })[] {
  const sums = new Map<string, { readonly key: CurveKey; sum: number; count: number }>();
  for (const run of results.runs) {
    const { finalRanks: ranks } = run.record.happened;
    if (!isFinished(run) || ranks === null) continue;
    const cell = cellOf(run);
    for (const [name, rank] of Object.entries(ranks)) {
      const id = keyOf(cell.task, cell.label, cell.budget, name);
      const entry = sums.get(id) ?? { key: { ...cell, name }, sum: 0, count: 0 };
      entry.sum += rank;
      entry.count++;
      sums.set(id, entry);
    }
  }
  return [...sums.values()].map(({ key, sum, count }) => ({
    ...key,
    rank: sum / count,
    runs: count,
  }));
}
