/**
 * Whether several series order the same units alike, such as the ranks that runs gave to modules.
 *
 * @module
 */
import { bootstrapInterval } from "./statistics.ts";

/** How well the series of some groups agree within their groups. */
interface Agreement {
  /** Pairs of series that have a correlation; a constant series has none. */
  readonly pairs: number;
  /** Mean of Spearman's ρ over the pairs. */
  readonly mean: number;
  /** Ends of the percentile bootstrap interval over units; null for fewer than three units. */
  readonly low: number | null;
  readonly high: number | null;
}

/** A series with its units in ascending order, sorted once for all samples of the bootstrap. */
interface Sorted {
  readonly values: readonly number[];
  readonly order: readonly number[];
}

function sorted(values: readonly number[]): Sorted {
  return { values, order: values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!) };
}

/**
 * Adds a series' average ranks, less their mean and brought to length 1, to a sum by unit; false for a constant series.
 *
 * @param weights How often each unit is in the sample.
 * @param total Their sum.
 * @param centred Room for the ranks of one series.
 */
function addStandardRanks(
  { values, order }: Sorted,
  weights: readonly number[],
  total: number,
  sums: Float64Array,
  centred: Float64Array,
): boolean {
  const middle = (total + 1) / 2;
  let before = 0;
  let square = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    let tied = 0;
    const value = values[order[start]!]!;
    while (end < order.length && values[order[end]!] === value) tied += weights[order[end++]!]!;
    const rank = before + (tied + 1) / 2 - middle;
    for (let i = start; i < end; i++) centred[order[i]!] = rank;
    square += tied * rank * rank;
    before += tied;
    start = end;
  }
  if (square === 0) return false;
  const length = Math.sqrt(square);
  for (let unit = 0; unit < centred.length; unit++) sums[unit]! += centred[unit]! / length;
  return true;
}

/** The sum of Spearman's ρ over all pairs of series, and the number of these: Σ_{i<j} zᵢ·zⱼ = (‖Σ zᵢ‖² − n) / 2. */
function pairSum(
  series: readonly Sorted[],
  weights: readonly number[],
  total: number,
): { readonly sum: number; readonly pairs: number } {
  const sums = new Float64Array(weights.length);
  const centred = new Float64Array(weights.length);
  const n = series.filter((own) => addStandardRanks(own, weights, total, sums, centred)).length;
  const square = sums.reduce((all, at, unit) => all + weights[unit]! * at * at, 0);
  return { sum: (square - n) / 2, pairs: n * (n - 1) / 2 };
}

/**
 * The mean of Spearman's rank correlation over all pairs of series within groups, with a bootstrap interval over units; null where
 * no pair has a correlation.
 *
 * @param groups Series of equal lengths by group, for instance the final ranks of the modules by seed, by task.
 * @param seed Of the bootstrap.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const { mean, pairs } = agreementOf([[[1, 2, 3], [2, 4, 6], [9, 5, 1]]], 0)!;
 * assertEquals([pairs, Math.round(mean * 1e9) / 1e9], [3, -0.333333333]);
 * ```
 */
export function agreementOf(
  groups: readonly (readonly (readonly number[])[])[],
  seed: number,
): Agreement | null {
  const length = Math.max(0, ...groups.flat().map((series) => series.length));
  const ordered = groups.map((series) => series.map(sorted));
  const meanOver = (weights: readonly number[]) => {
    const sums = ordered.map((series) => pairSum(series, weights, length));
    const pairs = sums.reduce((total, own) => total + own.pairs, 0);
    const sum = sums.reduce((total, own) => total + own.sum, 0);
    return pairs === 0 ? null : { pairs, mean: Math.min(1, sum / pairs) };
  };
  const all = meanOver(new Array<number>(length).fill(1));
  if (all === null) return null;
  const interval = bootstrapInterval(length, (units) => {
    const weights = new Array<number>(length).fill(0);
    for (const unit of units) weights[unit]!++;
    return meanOver(weights)?.mean ?? null;
  }, { seed, draws: 1000 });
  return { ...all, low: interval?.low ?? null, high: interval?.high ?? null };
}
