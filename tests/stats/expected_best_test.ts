import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { expectedBest } from "../../src/stats/effects.ts";

/** Every way to draw `count` of some values with replacement. */
function draws(values: readonly number[], count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  return draws(values, count - 1).flatMap((drawn) => values.map((value) => [...drawn, value]));
}

Deno.test("expectedBest() is the mean and deviation of the maximum over all draws with replacement", () => {
  const scores = [0.61, 0.4, 0.61, 0.55, -0.02];
  const found = expectedBest(scores);
  assertEquals(found.map(({ trials }) => trials), [1, 2, 3, 4, 5]);
  for (const { trials, mean, deviation } of found) {
    const best = draws(scores, trials).map((drawn) => Math.max(...drawn));
    const wanted = best.reduce((sum, value) => sum + value, 0) / best.length;
    const spread = best.reduce((sum, value) => sum + (value - wanted) ** 2, 0) / best.length;
    assertAlmostEquals(mean, wanted, 1e-12);
    assertAlmostEquals(deviation, Math.sqrt(spread), 1e-12);
  }
});

Deno.test("expectedBest() of equal scores is that score, of none is nothing, and a failed trial is no number", () => {
  assertEquals(expectedBest([2, 2]).map(({ mean, deviation }) => [mean, deviation]), [[2, 0], [
    2,
    0,
  ]]);
  assertEquals(expectedBest([]), []);
  assertThrows(() => expectedBest([1, NaN]), RangeError, "NaN as score 2 of 2");
});
