/**
 * Student's t distribution for whole degrees of freedom.
 *
 * @module
 */

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
