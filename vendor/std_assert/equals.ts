/**
 * Deep and strict equality of two values.
 *
 * @module
 */
import { equal } from "./equal.ts";
import { AssertionError } from "./assertion_error.ts";
import { failWithDiff, format, suffix } from "./_message.ts";

/** Fails unless `actual` and `expected` are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  failWithDiff(`Values are not equal${suffix(msg)}`, actual, expected);
}

/** Fails if `actual` and `expected` are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
  );
}

/** Fails unless `actual` and `expected` are the same value (`Object.is`). */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const found = format(actual), wanted = format(expected);
  if (found === wanted) {
    throw new AssertionError(
      `Values have the same structure but are not reference-equal${suffix(msg)}\n\n${found}\n`,
    );
  }
  failWithDiff(`Values are not strictly equal${suffix(msg)}`, actual, expected);
}
