/**
 * Values inside of others.
 *
 * @module
 */

/**
 * Follows keys into a JSON value.
 *
 * @returns What lies there; undefined where a key leads nowhere.
 */
export function valueAtKeys(value: unknown, keys: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of keys) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) {
      return undefined;
    }
    current = Reflect.get(current, key);
  }
  return current;
}
