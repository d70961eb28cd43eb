/**
 * A sample of a study's runs that has something of every method.
 *
 * @module
 */
import { RandomStream } from "../../base/random.ts";

/**
 * Draws `count` of the values, in their own order: one of each kind first, as far as the count goes, then of any kind.
 *
 * @param kindOf For instance a run's method.
 * @param seed The same seed draws the same sample.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const drawn = sampleByKind(["a1", "a2", "a3", "b1"], 2, (value) => value.charAt(0), 7);
 * assertEquals(drawn.map((value) => value.charAt(0)), ["a", "b"]);
 * ```
 */
export function sampleByKind<T>(
  values: readonly T[],
  count: number,
  kindOf: (value: T) => string,
  seed: number,
): readonly T[] {
  const order = RandomStream.fromSeed(seed).fork("sample").permutation(values.length);
  const nthOfKind = new Map<string, number>();
  const ranked = order.map((index, place) => {
    const kind = kindOf(values[index]!);
    const nth = nthOfKind.get(kind) ?? 0;
    nthOfKind.set(kind, nth + 1);
    return { index, round: Math.min(nth, 1), place };
  });
  const chosen = ranked.toSorted((a, b) => a.round - b.round || a.place - b.place).slice(0, count);
  return chosen.map(({ index }) => index).sort((a, b) => a - b).map((index) => values[index]!);
}
