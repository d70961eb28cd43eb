/**
 * Numbers within a tolerance.
 *
 * @module
 */
import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./_message.ts";

/** Fails unless |`actual` − `expected`| ≤ `tolerance` (default 1e-7 of |`expected`|, or 1e-7 where it is not finite). */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= allowed) return;
  const text = (n: number) => Number.isInteger(n) ? String(n) : n.toExponential();
  throw new AssertionError(
    `Expected actual: "${text(actual)}" to be close to "${text(expected)}": ` +
      `delta "${text(delta)}" is greater than "${text(allowed)}"${suffix(msg)}`,
  );
}
