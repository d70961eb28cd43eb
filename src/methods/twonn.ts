/**
 * TwoNN: the intrinsic dimension of a cloud of points from each point's two nearest neighbours.
 *
 * Facco et al., Scientific Reports 7, 12140 (2017), arXiv 1803.06992: with μ the ratio of the second to the first distance and F
 * its distribution, −log(1 − F(μ)) = d · log μ. F is the share of points below, k/N for the k-th of N in order, and the largest
 * ratios, which neighbours far apart spoil, are left out of the fit but not of N. The likelihood form is
 * d = N / Σ log μ.
 *
 * @module
 */

/** How the dimension is fitted. */
interface TwonnOptions {
  /** `regression`: least squares through the origin; `likelihood`: the maximum of the likelihood. */
  readonly estimator: "regression" | "likelihood";
  /** Share of the largest ratios that the regression leaves out, in (0, 1): the very largest has F = 1 and no logarithm. */
  readonly discard: number;
}

/** Fewest distinct points of which a dimension is estimated. */
const fewestPoints = 20;

/** The points without those that another one equals. */
function distinct(points: readonly ArrayLike<number>[]): readonly ArrayLike<number>[] {
  return [...new Map(points.map((point) => [Array.from(point).join(), point])).values()];
}

/** Second over first distance of each point to its neighbours. */
function ratios(points: readonly ArrayLike<number>[]): Float64Array {
  const count = points.length;
  const first = new Float64Array(count).fill(Infinity);
  const second = new Float64Array(count).fill(Infinity);
  const note = (i: number, squared: number) => {
    if (squared < first[i]!) {
      second[i] = first[i]!;
      first[i] = squared;
    } else if (squared < second[i]!) second[i] = squared;
  };
  for (let i = 0; i < count; i++) {
    const a = points[i]!;
    for (let j = 0; j < i; j++) {
      const b = points[j]!;
      let squared = 0;
      for (let k = 0; k < a.length; k++) squared += (a[k]! - b[k]!) ** 2;
      note(i, squared);
      note(j, squared);
    }
  }
  return first.map((squared, i) => Math.sqrt(second[i]! / squared));
}

/**
 * The intrinsic dimension of points, those that equal another left out.
 *
 * It is noisy below a thousand points, and too small where the dimension is above ten or so.
 *
 * @param points Vectors of one length.
 *
 * @throws {RangeError} If fewer than {@linkcode fewestPoints} points differ.
 */
export function twonn(
  points: readonly ArrayLike<number>[],
  { estimator, discard }: TwonnOptions,
): number {
  const cloud = distinct(points);
  const count = cloud.length;
  if (count < fewestPoints) {
    throw new RangeError(
      `Cannot estimate an intrinsic dimension: found ${count} distinct points among ${points.length}, ` +
        `want at least ${fewestPoints}`,
    );
  }
  const logs = ratios(cloud).map(Math.log).sort();
  if (estimator === "likelihood") return count / logs.reduce((sum, log) => sum + log, 0);
  const kept = Math.floor(count * (1 - discard));
  let products = 0, squares = 0;
  for (let k = 0; k < kept; k++) {
    const log = logs[k]!;
    products += log * -Math.log(1 - (k + 1) / count);
    squares += log ** 2;
  }
  return products / squares;
}
