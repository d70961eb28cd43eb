import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { firstReaching, isotonicFit, placeReaching } from "../../src/stats/monotone.ts";
import { coverageOf } from "../../bench/budget_bench.ts";
import golden from "../golden/monotone.json" with { type: "json" };

Deno.test("the never falling fit is scikit-learn's, with weights and ties", () => {
  for (const { values, weights, fitted } of golden.fits) {
    const found = isotonicFit(values, weights);
    assertEquals(found.length, fitted.length);
    for (const [i, wanted] of fitted.entries()) assertAlmostEquals(found[i]!, wanted, 1e-12);
  }
});

Deno.test("the line reaches a level where SciPy's does", () => {
  for (const { places, values, level, place } of golden.reached) {
    assertAlmostEquals(firstReaching(places, values, level), place, 1e-9);
  }
});

Deno.test("a level on a flat piece is reached at its start, and one outside beyond the ends", () => {
  assertEquals(firstReaching([0, 1, 2], [1, 2, 2], 2), 1);
  assertEquals(firstReaching([0, 1, 2], [1, 1, 2], 1), 0);
  assertEquals(firstReaching([0, 1], [1, 2], 0.9), -Infinity);
  assertEquals(firstReaching([0, 1], [1, 2], 2.1), Infinity);
});

Deno.test("the interval ends where SciPy's paired t test has p = .05", () => {
  const { places, reference, method, estimate, low, high } = golden.interval;
  const found = placeReaching(places, reference, method)!;
  assertAlmostEquals(found.estimate, estimate, 1e-9);
  assertAlmostEquals(found.interval.low, low, 1e-9);
  assertAlmostEquals(found.interval.high, high, 1e-9);
});

Deno.test("a flat noisy curve has an interval that spans all, and a far method one that is open at one end", () => {
  const flat = [[70, 73, 71], [72, 70, 72], [71, 72, 70]];
  assertEquals(placeReaching([0, 1, 2], flat, [71, 71, 72])!.interval, {
    low: -Infinity,
    high: Infinity,
  });
  assertEquals(placeReaching([0, 1, 2], flat, [90, 91, 92]), {
    estimate: Infinity,
    interval: { low: Infinity, high: Infinity },
  });
  assertEquals(placeReaching([0, 1, 2], flat, [50, 51, 52])!.interval.high, -Infinity);
});

Deno.test("without spread the interval is the estimate, and pooling never leaves it outside", () => {
  const same = placeReaching([0, 2], [[70, 70, 70], [74, 74, 74]], [71, 71, 71])!;
  for (const end of [same.estimate, same.interval.low, same.interval.high]) {
    assertAlmostEquals(end, 0.5, 1e-9);
  }
  const fallen = placeReaching([0, 1, 2], [[82, 82, 82], [80, 80, 80], [90, 90, 90]], [
    85,
    85,
    85,
  ])!;
  assertAlmostEquals(fallen.estimate, 1 + 4 / 9, 1e-9);
  assert(fallen.interval.low <= fallen.estimate && fallen.interval.high >= fallen.estimate);
});

Deno.test("one place or one seed tells nothing", () => {
  assertEquals(placeReaching([0], [[70, 71]], [70, 71]), null);
  assertEquals(placeReaching([0, 1], [[70], [71]], [70]), null);
});

Deno.test("the interval covers at its level with three and five seeds", () => {
  for (const seeds of [3, 5]) {
    const { covered } = coverageOf({ seeds, rise: 2, noise: 1, shape: "line" }, 800, 0);
    // The standard error of 95 % in 800 is 0.8 points.
    assert(covered > 0.927, `${seeds} seeds: ${covered}`);
  }
});
