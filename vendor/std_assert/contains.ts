/**
 * Arrays and objects that contain others.
 *
 * @module
 */
import { equal } from "./equal.ts";
import { AssertionError } from "./assertion_error.ts";
import { failWithDiff, format, suffix } from "./_message.ts";

/** An array-like object that is not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Fails unless every value of `expected` is deeply equal to one of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const held = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !held.some((own) => equal(item, own)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${
      suffix(msg)
    }\nmissing: ${format(missing)}`,
  );
}

/** Parts made so far, by actual and expected object, so that cycles end. */
type Seen = Map<object, Map<object, unknown>>;

/** The part of `actual` that `expected` speaks of; classes are levelled to plain objects. */
function restrict(
  actual: unknown,
  expected: unknown,
  seen: Seen,
): unknown {
  if (
    typeof actual !== "object" || typeof expected !== "object" || !actual ||
    !expected
  ) {
    return actual;
  }
  if (actual instanceof RegExp || actual instanceof Date) return actual;
  if (Array.isArray(actual) !== Array.isArray(expected)) return actual;
  const known = seen.get(actual)?.get(expected);
  if (known !== undefined) return known;
  if (actual instanceof Set && expected instanceof Set) {
    return new Set([...actual].filter((value) => expected.has(value)));
  }
  if (actual instanceof Map && expected instanceof Map) {
    return new Map(
      [...actual].filter(([key]) => expected.has(key))
        .map(([key, value]) => [key, restrict(value, expected.get(key), seen)]),
    );
  }
  const part: Record<PropertyKey, unknown> = {};
  seen.set(
    actual,
    (seen.get(actual) ?? new Map<object, unknown>()).set(expected, part),
  );
  for (const key of Reflect.ownKeys(actual)) {
    if (!(key in expected)) continue;
    const value = (actual as Record<PropertyKey, unknown>)[key];
    const wanted = (expected as Record<PropertyKey, unknown>)[key];
    Object.defineProperty(part, key, {
      value: restrict(value, wanted, seen),
      enumerable: !(Array.isArray(actual) && key === "length"),
    });
  }
  return part;
}

/** Fails unless `actual` holds everything that `expected` holds, deeply. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  const found = restrict(actual, expected, new Map());
  const wanted = restrict(expected, expected, new Map());
  if (equal(found, wanted)) return;
  failWithDiff(`Values are not equal${suffix(msg)}`, found, wanted);
}
