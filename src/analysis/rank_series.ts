/**
 * Journals as curves on a common grid of training progress, averaged over runs: what the charts over training draw.
 *
 * Every function is linear in the lines it reads and keeps one accumulator a curve, whatever the number of runs.
 *
 * @module
 */
import { budgetName, keyOf } from "./run_rows.ts";
import type { ImportanceLine } from "../record/types.ts";
import type { RunResults, StudyResults } from "./results.ts";

/** The cell and the piece a curve belongs to. */
interface CurveKey {
  readonly task: string;
  readonly label: string;
  readonly budget: string;
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

/** One mean curve under construction. */
interface CurveMean {
  readonly key: CurveKey;
  readonly sums: Float64Array;
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  readonly counts: Uint32Array;
}

/** Mean curves under construction. */
class CurveMeans {
  readonly #curves = new Map<string, CurveMean>();

  constructor(readonly points: number) {}

  /** The curve of a key; looked up once a run, not once a point. */
  of(key: CurveKey): CurveMean {
    const id = keyOf(key.task, key.label, key.budget, key.name);
    const known = this.#curves.get(id);
    if (known !== undefined) return known;
    const curve = {
      key,
      sums: new Float64Array(this.points),
      lows: new Float64Array(this.points).fill(Infinity),
      highs: new Float64Array(this.points).fill(-Infinity),
      counts: new Uint32Array(this.points),
    };
    this.#curves.set(id, curve);
    return curve;
  }

  means(): readonly Curve[] {
    return [...this.#curves.values()]
      .filter(({ counts }) => counts.some((count) => count > 0))
      .map(({ key, sums, lows, highs, counts }) => {
        const known = (values: Float64Array, of: (value: number, i: number) => number) =>
          Array.from(values, (value, i) => counts[i] === 0 ? null : of(value, i));
        return {
          ...key,
          values: known(sums, (sum, i) => sum / counts[i]!),
          lows: known(lows, (low) => low),
          highs: known(highs, (high) => high),
          runs: Math.max(...counts),
        };
      });
  }
}

function addTo(curve: CurveMean, point: number, value: number): void {
  if (!Number.isFinite(value)) return;
  curve.sums[point]! += value;
  curve.lows[point] = Math.min(curve.lows[point]!, value);
  curve.highs[point] = Math.max(curve.highs[point]!, value);
  curve.counts[point]!++;
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

/** The names of the groups that modules fall into, and each module's group by index. */
class Groups {
  readonly names: string[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #groupOf = new Map<string, number>();

  constructor(readonly grouping: Grouping) {}

  indexOf(module: string): number {
    const known = this.#groupOf.get(module);
    if (known !== undefined) return known;
    const name = groupName(module, this.grouping);
    const index = this.#indexes.get(name) ?? this.names.length;
    if (index === this.names.length) {
      this.names.push(name);
      this.#indexes.set(name, index);
    }
    this.#groupOf.set(module, index);
    return index;
  }

  /** Mean value of each group's modules, NaN for a group without. */
  means(values: Iterable<readonly [module: string, value: number]>): Float64Array {
    const sums: number[] = [];
    const counts: number[] = [];
    for (const [module, value] of values) {
      const group = this.indexOf(module);
      sums[group] = (sums[group] ?? 0) + value;
      counts[group] = (counts[group] ?? 0) + 1;
    }
    return Float64Array.from(this.names, (_, i) => (sums[i] ?? NaN) / (counts[i] ?? NaN));
  }
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
  const means = new CurveMeans(points);
  const groups = new Groups(grouping);
  for (const run of results.runs) {
    const { initialRanks, steps } = run.record.happened;
    if (!isFinished(run) || initialRanks === null || !movedRanks(run)) continue;
    const cell = cellOf(run);
    const ranks = new Map(Object.entries(initialRanks));
    let current = groups.means(ranks);
    const curves = groups.names.map((name) => means.of({ ...cell, name }));
    let next = 0;
    for (let point = 0; point < points; point++) {
      const step = steps * point / (points - 1);
      const before = next;
      for (; next < run.ranks.length && run.ranks[next]!.step <= step; next++) {
        for (const { module, to } of run.ranks[next]!.changes) ranks.set(module, to);
      }
      if (next > before) current = groups.means(ranks);
      for (const [i, curve] of curves.entries()) addTo(curve, point, current[i] ?? NaN);
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
  const groups = new Groups(grouping);
  for (const run of results.runs) {
    if (!isFinished(run) || run.importance.length === 0) continue;
    const cell = cellOf(run);
    const { steps } = run.record.happened;
    const curves: CurveMean[] = [];
    let next = 0;
    let current: Float64Array | null = null;
    for (let point = 0; point < points; point++) {
      const step = steps * point / (points - 1);
      const before = next;
      while (next < run.importance.length && run.importance[next]!.step <= step) next++;
      if (next > before) current = relativeMeans(run.importance[next - 1]!.scores, groups);
      if (current === null) continue;
      while (curves.length < groups.names.length) {
        curves.push(means.of({ ...cell, name: groups.names[curves.length]! }));
      }
      for (const [i, curve] of curves.entries()) addTo(curve, point, current[i] ?? NaN);
    }
  }
  return means.means();
}

/** Group means over the mean of all modules, null where no score is positive. */
function relativeMeans(scores: ImportanceLine["scores"], groups: Groups): Float64Array | null {
  const finite = Object.entries(scores).filter(([, score]) => Number.isFinite(score));
  const average = finite.reduce((sum, [, score]) => sum + score, 0) / finite.length;
  return average > 0 ? groups.means(finite).map((mean) => mean / average) : null;
}

/** Training loss: the mean of each bin of steps (curve `train`), averaged over finished runs. */
export function lossCurves(results: StudyResults, bins: number): readonly Curve[] {
  const means = new CurveMeans(bins);
  for (const run of results.runs) {
    if (!isFinished(run)) continue;
    const curve = means.of({ ...cellOf(run), name: "train" });
    const { steps } = run.record.happened;
    for (const line of run.steps) {
      const bin = Math.min(bins - 1, Math.floor((line.step - 1) / steps * bins));
      if (bin >= 0) addTo(curve, bin, line.loss);
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
    const curve = means.of({ ...cellOf(run), name: split });
    for (const line of run.evaluations) {
      if (line.split !== split) continue;
      const point = Math.min(points - 1, Math.round(line.step / happened.steps * (points - 1)));
      addTo(curve, point, line.loss);
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
