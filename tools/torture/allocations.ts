/**
 * Counts the bytes that arrays of numbers reserve, whether or not they are ever written: a reader that trusts a size in a file
 * reserves it at once.
 *
 * @module
 */

const kinds = [
  ...["ArrayBuffer", "Uint8Array", "Uint8ClampedArray", "Int8Array", "Uint16Array", "Int16Array"],
  ...["Uint32Array", "Int32Array", "Float16Array", "Float32Array", "Float64Array"],
  ...["BigInt64Array", "BigUint64Array"],
];

let reserved = 0;

/** Bytes that were reserved since it was last asked. */
export function takeReserved(): number {
  const bytes = reserved;
  reserved = 0;
  return bytes;
}

/** Begins to count. Call it before modules are loaded that keep the constructors. */
export function countAllocations(): void {
  for (const name of kinds) {
    const constructor: unknown = Reflect.get(globalThis, name);
    if (typeof constructor !== "function") continue;
    const size = Number(Reflect.get(constructor, "BYTES_PER_ELEMENT") ?? 1);
    const counting: unknown = new Proxy(constructor, {
      construct(target, args: readonly unknown[], newTarget) {
        const [first] = args;
        if (typeof first === "number") reserved += first * size;
        else if (Array.isArray(first) || (ArrayBuffer.isView(first) && "length" in first)) {
          reserved += Number(first.length) * size;
        }
        return Reflect.construct(target, args, newTarget === counting ? target : newTarget);
      },
    });
    Reflect.set(globalThis, name, counting);
  }
}
