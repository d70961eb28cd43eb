/**
 * When rank policies act: warm-ups, the steps between events, and the ranks that are there meanwhile.
 *
 * @module
 */

/**
 * A warm-up as a number of steps: a share of all steps when it lies in (0, 1), else steps as given.
 *
 * @param name The option's name, for the error.
 * @throws RangeError where the value is negative, or neither a share nor a whole number.
 */
export function resolveSteps(value: number, totalSteps: number, name: string): number {
  if (value > 0 && value < 1) return Math.round(value * totalSteps);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(
    `Cannot resolve "${name}" of ${value}: a share of all steps in (0, 1) or a whole number of steps is wanted`,
  );
}

/** When a policy acts: not in its warm-ups. */
interface Warmups {
  /** Steps without events at the start: a share of all steps when below 1, else steps. */
  readonly initWarmup: number;
  /** Steps without events at the end: a share of all steps when below 1, else steps. */
  readonly finalWarmup: number;
}

/** When a policy acts, and how often. */
export interface PhaseOptions extends Warmups {
  /** Steps between events: a share of all steps when below 1, else steps. */
  readonly interval: number;
}

/** The steps between the warm-ups: done before the first, and done when the second begins. */
export function phaseOf(
  { initWarmup, finalWarmup }: Warmups,
  totalSteps: number,
): { readonly start: number; readonly end: number } {
  return {
    start: resolveSteps(initWarmup, totalSteps, "initWarmup"),
    end: totalSteps - resolveSteps(finalWarmup, totalSteps, "finalWarmup"),
  };
}

/** Steps between events, 1 at least; errors call the option as its method does. */
export function intervalOf(interval: number, totalSteps: number, name = "interval"): number {
  return Math.max(1, resolveSteps(interval, totalSteps, name));
}

/** Ranks at the start and at the end. */
export interface Totals {
  readonly initialTotal: number;
  readonly finalTotal: number;
}

/**
 * Ranks that are there, averaged over the steps of a run, as a multiple of the final ones.
 *
 * @param after Ranks from a step on, or null where nothing follows it.
 */
export function meanRanks(
  initialFactor: number,
  totalSteps: number,
  after: (step: number, totals: Totals) => number | null,
): number {
  // Large totals, so that rounding does not count.
  const finalTotal = 1e9;
  const totals = { initialTotal: initialFactor * finalTotal, finalTotal };
  let now = totals.initialTotal, sum = 0;
  for (let step = 0; step < totalSteps; step++) {
    sum += now;
    now = after(step, totals) ?? now;
  }
  return sum / (totalSteps * finalTotal);
}
