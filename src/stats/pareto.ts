/**
 * Which choices nothing else beats in both quality and cost.
 *
 * @module
 */

/** A choice: what it costs (less is better) and what it is worth (more is better); null where that is unknown. */
interface Choice {
  readonly cost: number | null;
  readonly quality: number | null;
}

/**
 * Whether each choice is on the Pareto front: no other costs as little or less and is worth as much or more, one of the
 * two strictly. A choice with an unknown side is not on it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { onFront } from "./pareto.ts";
 * const choices = [{ cost: 1, quality: 5 }, { cost: 2, quality: 5 }, { cost: 3, quality: 6 }];
 * assertEquals(onFront(choices), [true, false, true]);
 * ```
 */
export function onFront(choices: readonly Choice[]): readonly boolean[] {
  const isKnown = (value: number | null): value is number => value !== null && !Number.isNaN(value);
  return choices.map(({ cost, quality }) =>
    isKnown(cost) && isKnown(quality) &&
    !choices.some((other) =>
      isKnown(other.cost) && isKnown(other.quality) &&
      other.cost <= cost && other.quality >= quality &&
      (other.cost < cost || other.quality > quality)
    )
  );
}
