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

/** How far the means of conditions lie apart, and how far they would lie apart by chance. */
export interface ConditionSpread {
  /** Sum of the squares of the means around their mean. */
  readonly between: number;
  /** What that sum would be on average through other blocks alone. */
  readonly byBlocks: number;
  /** Greenhouse and Geisser's factor, between 1 / (conditions − 1) and 1; NaN where nothing varies. */
  readonly epsilon: number;
}

/**
 * The spread of conditions that were measured on the same blocks.
 *
 * @param blocks One row a block with a number for each condition, `[blocks, conditions]`.
 * @returns Null for fewer than two blocks or conditions.
 */
export function conditionSpread(blocks: readonly (readonly number[])[]): ConditionSpread | null {
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
  const squares = Array.from(
    { length: k },
    (_, i) =>
      Array.from({ length: k }, (_, j) => rest.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  return {
    between: conditions.reduce((sum, mean) => sum + (mean - all) ** 2, 0),
    byBlocks: traceOf(squares) / (n * (n - 1)),
    epsilon: sphericity(squares),
  };
}

const traceOf = (matrix: readonly (readonly number[])[]): number =>
  matrix.reduce((sum, row, i) => sum + row[i]!, 0);

/** Box's epsilon of a covariance matrix whose rows and columns sum to 0: 1 where it is the same in all directions. */
export function sphericity(covariance: readonly (readonly number[])[]): number {
  const squares = covariance.flat().reduce((sum, value) => sum + value ** 2, 0);
  return traceOf(covariance) ** 2 / ((covariance.length - 1) * squares);
}

/** P(F > `f`) for an F distribution with `d1` and `d2` degrees of freedom. */
export function fUpper(f: number, d1: number, d2: number): number {
  return betainc(d2 / (d2 + d1 * f), d2 / 2, d1 / 2);
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
  const spread = conditionSpread(blocks);
  if (spread === null || !(spread.byBlocks > 0)) return null;
  const { between, byBlocks, epsilon } = spread;
  const f = between / byBlocks;
  const freedom = epsilon * (blocks[0]!.length - 1);
  return { f, epsilon, p: fUpper(f, freedom, freedom * (blocks.length - 1)) };
}
