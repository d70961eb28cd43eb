/**
 * Whether several series order the same units alike, such as the ranks that runs gave to modules.
 *
 * @module
 */
import { averageRanks, isConstant } from "./correlation.ts";
import { bootstrapInterval } from "./statistics.ts";

/** How well the series of some groups agree within their groups. */
export interface Agreement {
  /** Pairs of series that have a correlation; a constant series has none. */
  readonly pairs: number;
  /** Mean of Spearman's ρ over the pairs. */
  readonly mean: number;
  /** Ends of the percentile bootstrap interval over units; null for fewer than three units. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Average ranks less their mean, brought to length 1; null for a constant series. */
function standardRanks(values: readonly number[]): readonly number[] | null {
  if (isConstant(values)) return null;
  const middle = (values.length + 1) / 2;
  const centred = averageRanks(values).map((rank) => rank - middle);
  const length = Math.hypot(...centred);
  return centred.map((value) => value / length);
}

/** The sum of Spearman's ρ over all pairs of series, and the number of these: Σ_{i<j} zᵢ·zⱼ = (‖Σ zᵢ‖² − n) / 2. */
function pairSum(series: readonly (readonly number[])[]): { sum: number; pairs: number } {
  const ranks = series.map(standardRanks).filter((own) => own !== null);
  const n = ranks.length;
  if (n < 2) return { sum: 0, pairs: 0 };
  const squares = ranks[0]!.reduce((total, _, unit) => {
    const at = ranks.reduce((sum, own) => sum + own[unit]!, 0);
    return total + at * at;
  }, 0);
  return { sum: (squares - n) / 2, pairs: n * (n - 1) / 2 };
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
  const meanOver = (units: readonly number[] | null) => {
    const sums = groups.map((series) =>
      pairSum(units === null ? series : series.map((own) => units.map((unit) => own[unit]!)))
    );
    const pairs = sums.reduce((total, own) => total + own.pairs, 0);
    const sum = sums.reduce((total, own) => total + own.sum, 0);
    return pairs === 0 ? null : { pairs, mean: Math.max(-1, Math.min(1, sum / pairs)) };
  };
  const all = meanOver(null);
  if (all === null) return null;
  const length = Math.max(0, ...groups.flat().map((series) => series.length));
  const interval = bootstrapInterval(length, (units) => meanOver(units)?.mean ?? null, {
    seed,
    draws: 1000,
  });
  return { ...all, low: interval?.low ?? null, high: interval?.high ?? null };
}
