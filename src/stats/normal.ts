/**
 * The standard normal distribution: tails and quantiles.
 *
 * @module
 */
import erfc from "@stdlib/math-base-special-erfc";
import erfcinv from "@stdlib/math-base-special-erfcinv";

/** P(Z > `z`) of a standard normal Z, to all digits in the far tail. */
export function normalUpper(z: number): number {
  return erfc(z / Math.SQRT2) / 2;
}

/** The z with P(Z > z) = `p`; ±Infinity at 0 and 1. */
export function normalUpperQuantile(p: number): number {
  return Math.SQRT2 * erfcinv(2 * p);
}
