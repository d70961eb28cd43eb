/**
 * Deep equality.
 *
 * @module
 */

function samePrototype(a: object, b: object): boolean {
  const p: unknown = Object.getPrototypeOf(a),
    q: unknown = Object.getPrototypeOf(b);
  const plain = (x: unknown) => x === null || x === Object.prototype;
  return p === q || (plain(p) && plain(q));
}

function ownKeys(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

function isTypedArray(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/**
 * Whether two values are deeply equal.
 *
 * Numbers follow SameValueZero (`NaN` equals `NaN`, `0` equals `-0`), dates their time, patterns and
 * URLs their text, sets and maps ignore order, objects compare class and own enumerable keys.
 * Weak collections cannot be compared and throw a `TypeError`.
 */
export function equal(a: unknown, b: unknown): boolean {
  const open = new Map<object, object>();

  function compare(x: unknown, y: unknown): boolean {
    if (Object.is(x, y) || x === y) return true;
    if (
      typeof x !== "object" || typeof y !== "object" || x === null || y === null
    ) return false;
    if (!samePrototype(x, y)) return false;
    if (x instanceof RegExp || x instanceof URL) return String(x) === String(y);
    if (x instanceof Date && y instanceof Date) {
      return Object.is(x.getTime(), y.getTime());
    }
    if (x instanceof WeakMap || x instanceof WeakSet) {
      throw new TypeError(`cannot compare ${x.constructor.name} instances`);
    }
    if (x instanceof WeakRef && y instanceof WeakRef) {
      return compare(x.deref(), y.deref());
    }
    if (isTypedArray(x) && isTypedArray(y)) {
      const other = y;
      return x.length === other.length &&
        x.every((value, i) => Object.is(value, other[i]) || value === other[i]);
    }
    const held = open.get(x);
    if (held === y) return true; // a cycle, compared further up
    open.set(x, y);
    const result = compareParts(x, y);
    if (held === undefined) open.delete(x);
    else open.set(x, held);
    return result;
  }

  function compareParts(x: object, y: object): boolean {
    if (x instanceof Set && y instanceof Set) {
      return sameEntries([...x], [...y]);
    }
    if (x instanceof Map && y instanceof Map) {
      return sameEntries([...x], [...y]);
    }
    if (x instanceof Error && y instanceof Error && x.message !== y.message) {
      return false;
    }
    const keys = ownKeys(x);
    if (keys.length !== ownKeys(y).length) return false;
    if (Array.isArray(x) && x.length !== (y as unknown[]).length) return false;
    return keys.every((key) =>
      Object.hasOwn(y, key) &&
      compare(
        (x as Record<PropertyKey, unknown>)[key],
        (y as Record<PropertyKey, unknown>)[key],
      )
    );
  }

  /** Whether every entry finds a partner of its own; entries at the same place are tried first. */
  function sameEntries(xs: unknown[], ys: unknown[]): boolean {
    if (xs.length !== ys.length) return false;
    const free = new Set(ys.keys());
    return xs.every((x, i) => {
      if (free.has(i) && compare(x, ys[i])) return free.delete(i);
      for (const j of free) if (compare(x, ys[j])) return free.delete(j);
      return false;
    });
  }

  return compare(a, b);
}
