/**
 * What several statistics ask of their input.
 *
 * @module
 */

/** @throws RangeError where the margin is not positive. */
export function assertMargin(margin: number): void {
  if (!(margin > 0)) {
    throw new RangeError(
      `Cannot test equivalence within a margin of ${margin}: a positive number is wanted, in the units of the differences`,
    );
  }
}

/** @throws RangeError where the margin is negative or the correlation is outside of [0, 1). */
export function assertRegion(margin: number, correlation: number): void {
  if (!(margin >= 0)) {
    throw new RangeError(
      `Cannot use a region of practical equivalence of ±${margin}: zero or a positive number is wanted, in the units of the differences`,
    );
  }
  if (!(correlation >= 0 && correlation < 1)) {
    throw new RangeError(
      `Cannot use a correlation of ${correlation}: a number from 0 to below 1 is wanted (0 for seeds, 1 / folds for cross-validation)`,
    );
  }
}

/** @throws RangeError where a value is not a finite number, which its place tells. */
export function assertFinite(values: readonly number[], what: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new RangeError(
      `Cannot use ${values[at]} as ${what} ${
        at + 1
      } of ${values.length}: a finite number is wanted; leave out pairs of which a run failed`,
    );
  }
}

/** Whether a standard deviation is nothing but rounding between values that are equal. */
export function isNoSpread(sd: number, values: readonly number[]): boolean {
  return sd <= 1e-12 * Math.max(...values.map(Math.abs));
}
