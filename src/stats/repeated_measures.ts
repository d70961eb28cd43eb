/**
 * Whether the same blocks differ under several conditions: analysis of variance with repeated measures.
 *
 * @module
 */
import betainc from "@stdlib/math-base-special-betainc";
import { meanOf } from "./statistics.ts";

/** A test of whether conditions have the same mean. */
export interface RepeatedMeasures {
  /** Mean square of the conditions over that of what is left without blocks and conditions. */
  readonly f: number;
  /** By how much unequal spreads and correlations of conditions shrink the degrees of freedom: 1 is not at all. */
  readonly epsilon: number;
  /** With the degrees of freedom times epsilon. */
  readonly p: number;
}

/**
 * Tests whether conditions that were measured on the same blocks have one mean, whatever their spreads and correlations are.
 *
 * The degrees of freedom are shrunk by the estimate of Greenhouse and Geisser (Psychometrika 24, 1959, equation 2.1, with Box's
 * epsilon). For two conditions it is the paired t test.
 *
 * @param blocks One row a block with a number for each condition, `[blocks, conditions]`.
 * @returns Null for fewer than two blocks or conditions, and where nothing varies.
 */
export function repeatedMeasures(blocks: readonly (readonly number[])[]): RepeatedMeasures | null {
  const n = blocks.length;
  const k = blocks[0]?.length ?? 0;
  if (n < 2 || k < 2) return null;
  const conditions = Array.from({ length: k }, (_, j) => meanOf(blocks.map((row) => row[j]!)));
  const all = meanOf(conditions);
  // Without blocks and conditions: what an effect of conditions is measured against.
  const rest = blocks.map((row) => {
    const own = meanOf(row);
    return row.map((value, j) => value - own - conditions[j]! + all);
  });
  const covariance = Array.from(
    { length: k },
    (_, i) =>
      Array.from({ length: k }, (_, j) => rest.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  const trace = covariance.reduce((sum, row, i) => sum + row[i]!, 0);
  if (!(trace > 0)) return null;
  const squares = covariance.flat().reduce((sum, value) => sum + value ** 2, 0);
  const epsilon = trace ** 2 / ((k - 1) * squares);
  const between = n * conditions.reduce((sum, mean) => sum + (mean - all) ** 2, 0);
  const f = between * (n - 1) / trace;
  const [d1, d2] = [epsilon * (k - 1), epsilon * (k - 1) * (n - 1)];
  return { f, epsilon, p: betainc(d2 / (d2 + d1 * f), d2 / 2, d1 / 2) };
}
