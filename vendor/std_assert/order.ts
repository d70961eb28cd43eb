/**
 * Comparisons of size.
 *
 * @module
 */
import { AssertionError } from "./assertion_error.ts";
import { format, suffix } from "./_message.ts";

function check<T>(
  holds: boolean,
  relation: string,
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (holds) return;
  throw new AssertionError(
    `Expect ${format(actual)} ${relation} ${format(expected)}${suffix(msg)}`,
  );
}

/** Fails unless `actual` > `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  check(actual > expected, ">", actual, expected, msg);
}

/** Fails unless `actual` ≥ `expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  check(actual >= expected, ">=", actual, expected, msg);
}

/** Fails unless `actual` < `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  check(actual < expected, "<", actual, expected, msg);
}

/** Fails unless `actual` ≤ `expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  check(actual <= expected, "<=", actual, expected, msg);
}
