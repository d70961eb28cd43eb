/**
 * Tails and quantiles of distributions, and random numbers of the gamma distribution.
 *
 * @module
 */
import betainc from "@stdlib/math-base-special-betainc";
import erfc from "@stdlib/math-base-special-erfc";
import erfcinv from "@stdlib/math-base-special-erfcinv";
import gammainc from "@stdlib/math-base-special-gammainc";
import type { RandomStream } from "../base/random.ts";

/** P(Z > `z`) of a standard normal Z, to all digits in the far tail. */
export function normalUpper(z: number): number {
  return erfc(z / Math.SQRT2) / 2;
}

/** The z with P(Z > z) = `p`; ±Infinity at 0 and 1. */
export function normalUpperQuantile(p: number): number {
  return Math.SQRT2 * erfcinv(2 * p);
}

/**
 * P(|T| ≤ `t`) for Student's t with `freedom` degrees of freedom, a whole number.
 *
 * Closed forms 26.7.3 (odd) and 26.7.4 (even) of Abramowitz and Stegun, Handbook of Mathematical Functions.
 */
export function centralProbability(t: number, freedom: number): number {
  if (!Number.isInteger(freedom) || freedom < 1) {
    throw new RangeError(
      `Cannot evaluate Student's t with ${freedom} degrees of freedom: a positive integer is wanted`,
    );
  }
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom));
  const sine = Math.sin(angle);
  const cosine = Math.cos(angle);
  const isOdd = freedom % 2 === 1;
  if (freedom === 1) return (2 * angle) / Math.PI;
  let term = isOdd ? cosine : 1;
  let sum = term;
  // Each term follows from the last: × cos² · (k − 1) / k, with k even (odd case: k − 1 even over k odd).
  for (let k = isOdd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= cosine * cosine * (k - 1) / k;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The t with P(|T| ≤ t) = `level`, for instance 4.3027 for level 0.95 and 2 degrees of freedom. */
export function centralQuantile(level: number, freedom: number): number {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(
      `Cannot invert Student's t at level ${level}: a level in (0, 1) is wanted`,
    );
  }
  let high = 1;
  while (centralProbability(high, freedom) < level) high *= 2;
  return bisected(0, high, (t) => centralProbability(t, freedom) < level);
}

/**
 * P(T > `t`) for Student's t with `freedom` > 0 degrees of freedom, whole or not, to all digits in the far tail.
 *
 * Half the regularised incomplete beta function: equation 26.7.1 of Abramowitz and Stegun.
 */
export function upperProbability(t: number, freedom: number): number {
  if (!(freedom > 0)) {
    throw new RangeError(
      `Cannot evaluate Student's t with ${freedom} degrees of freedom: a positive number is wanted`,
    );
  }
  // Near 0 the argument is near 1, where the other tail of the beta function keeps the digits.
  const square = t * t;
  const beyond = square < 1
    ? 0.5 * (1 - betainc(square / (freedom + square), 0.5, freedom / 2))
    : 0.5 * betainc(freedom / (freedom + square), freedom / 2, 0.5);
  return t > 0 ? beyond : 1 - beyond;
}

/**
 * The t with P(T > t) = `p`, for p in (0, 1).
 *
 * Not stdlib's: its quantiles load the package `debug`, which reads the environment.
 */
export function upperQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot invert Student's t at ${p}: a probability in (0, 1) is wanted`);
  }
  if (p > 0.5) return -upperQuantile(1 - p, freedom);
  let high = 1;
  while (upperProbability(high, freedom) > p) high *= 2;
  return bisected(0, high, (t) => upperProbability(t, freedom) > p);
}

/** P(X ≥ `count`) for how many of `n` fair coins show heads. */
export function binomialUpper(count: number, n: number): number {
  if (count <= 0) return 1;
  return count > n ? 0 : betainc(0.5, count, n - count + 1);
}

/** The x with P(X < x) = `p` for χ² with `freedom` degrees of freedom. */
export function chiSquareQuantile(p: number, freedom: number): number {
  const isBelow = (log: number) => gammainc(Math.exp(log) / 2, freedom / 2) < p;
  let low = Math.log(freedom);
  let high = low;
  while (!isBelow(low)) low -= 1;
  while (isBelow(high)) high += 1;
  return Math.exp(bisected(low, high, isBelow));
}

/** Where `isBelow` turns false between two ends, to the last bits. */
export function bisected(low: number, high: number, isBelow: (value: number) => boolean): number {
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * A number from the gamma distribution with rate 1.
 *
 * Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000); shapes below 1 by their section 6.
 *
 * @param shape Above 0.
 */
export function gamma(stream: RandomStream, shape: number): number {
  if (shape < 1) return gamma(stream, shape + 1) * (1 - stream.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  while (true) {
    const x = stream.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - stream.next()) < x * x / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}
