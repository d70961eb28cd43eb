/**
 * The plain mean.
 *
 * @module
 */

/** The mean of numbers, summed in their order; NaN of none. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
