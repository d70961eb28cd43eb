/**
 * The numbers of one module's adapter as slots, in plain arrays: what followed traces and tests change
 * where the training graph changes tensors.
 *
 * @module
 */

/** Values of one module by slot: `a[i]` is row i of A, `b[i]` column i of B, `e[i]` entry i of E. */
export interface ModuleSlots {
  readonly a: readonly Float64Array[];
  readonly e: Float64Array;
  readonly b: readonly Float64Array[];
}

/** Values of all modules, by name. */
export type SlotTable = Readonly<Record<string, ModuleSlots>>;

/** The parts of {@linkcode ModuleSlots}. */
export const slotParts = ["a", "e", "b"] as const;

/** The module without the slots of `dropped`; survivors keep their order. */
export function dropSlots(slots: ModuleSlots, dropped: ReadonlySet<number>): ModuleSlots {
  const isKept = (_: unknown, i: number) => !dropped.has(i);
  return { a: slots.a.filter(isKept), e: slots.e.filter(isKept), b: slots.b.filter(isKept) };
}

/** The module with one more slot at the end. */
export function appendSlot(
  slots: ModuleSlots,
  a: Float64Array,
  e: number,
  b: Float64Array,
): ModuleSlots {
  return { a: [...slots.a, a], e: Float64Array.of(...slots.e, e), b: [...slots.b, b] };
}

/** The module with the entries of E at `off` set to zero. */
export function maskSlots(slots: ModuleSlots, off: ReadonlySet<number>): ModuleSlots {
  return { ...slots, e: slots.e.map((value, i) => off.has(i) ? 0 : value) };
}

/** `combine` of every value of two modules of the same shape. */
export function combineSlots(
  x: ModuleSlots,
  y: ModuleSlots,
  combine: (x: number, y: number) => number,
): ModuleSlots {
  const rows = (xs: readonly Float64Array[], ys: readonly Float64Array[]) =>
    xs.map((row, i) => row.map((value, j) => combine(value, ys[i]![j]!)));
  return {
    a: rows(x.a, y.a),
    e: x.e.map((value, i) => combine(value, y.e[i]!)),
    b: rows(x.b, y.b),
  };
}
