/**
 * Student's t distribution: central probabilities for whole degrees of freedom, tails for any.
 *
 * @module
 */
import betainc from "@stdlib/math-base-special-betainc";

/**
 * P(|T| ≤ `t`) for Student's t with `freedom` degrees of freedom.
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

/**
 * The t with P(|T| ≤ t) = `level`, for instance 4.3027 for level 0.95 and 2 degrees of freedom.
 *
 * Bisection of {@linkcode centralProbability} to the last bits.
 */
export function centralQuantile(level: number, freedom: number): number {
  if (!(level > 0 && level < 1)) {
    throw new RangeError(
      `Cannot invert Student's t at level ${level}: a level in (0, 1) is wanted`,
    );
  }
  let low = 0;
  let high = 1;
  while (centralProbability(high, freedom) < level) high *= 2;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (centralProbability(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
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

/** The t with P(T > t) = `p`, for p in (0, 1). Bisection of {@linkcode upperProbability} to the last bits. */
export function upperQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(`Cannot invert Student's t at ${p}: a probability in (0, 1) is wanted`);
  }
  if (p > 0.5) return -upperQuantile(1 - p, freedom);
  let low = 0;
  let high = 1;
  while (upperProbability(high, freedom) > p) high *= 2;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (upperProbability(middle, freedom) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
