/**
 * Correlations of two series of equal lengths.
 *
 * @module
 */
import { sampleCorrelation } from "simple-statistics";

/** Whether all values are the same; true of none. */
export function isConstant(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}

/** Ranks from 1 in ascending order; equal values get the average of the ranks they share. */
export function averageRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** Pearson's correlation; null where a side is constant. */
export function correlation(x: readonly number[], y: readonly number[]): number | null {
  if (isConstant(x) || isConstant(y)) return null;
  // Rounding takes the correlation of equal orders to 1.0000000000000002.
  return Math.max(-1, Math.min(1, sampleCorrelation([...x], [...y])));
}

/** Spearman's rank correlation: Pearson's of {@linkcode averageRanks}; null where a side is constant. */
export function rankCorrelation(x: readonly number[], y: readonly number[]): number | null {
  return correlation(averageRanks(x), averageRanks(y));
}
