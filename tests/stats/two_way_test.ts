import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { exampleNoise, twoWayInterval } from "../../src/stats/two_way.ts";
import { coverageOf } from "../../bench/coverage_bench.ts";
import golden from "../golden/two_way.json" with { type: "json" };

Deno.test("the interval over seeds and examples is that of statsmodels' mean squares", () => {
  for (const wanted of [golden.accuracy, golden.matthews]) {
    const found = twoWayInterval(wanted.differences, wanted.influence)!;
    for (const key of ["mean", "seedError", "exampleError", "low", "high"] as const) {
      assertAlmostEquals(found[key], wanted[key], 1e-9, key);
    }
  }
});

Deno.test("the interval covers at its level with few seeds that vary much, and with few examples", () => {
  // The bootstrap that was here before covered 78 % of the first and 87 % of the second.
  for (const [seeds, examples, sd] of [[3, 400, 0.1], [3, 400, 0.05], [6, 100, 0.01]] as const) {
    const { covered } = coverageOf({ seeds, examples, sd }, 600);
    // The standard error of 95 % in 600 is 0.9 points.
    assert(covered > 0.925, `${seeds} seeds, ${examples} examples, sd ${sd}: ${covered}`);
  }
  const { covered } = coverageOf({ seeds: 3, examples: 100, sd: 0.05 }, 150, "matthews");
  assert(covered > 0.9, `Matthews: ${covered}`);
});

Deno.test("a method against itself has the interval [0, 0]", () => {
  const found = twoWayInterval([0, 0, 0], [[0, 0], [0, 0], [0, 0]]);
  assertEquals(found, { mean: 0, low: 0, high: 0, seedError: 0, exampleError: 0 });
});

Deno.test("examples that agree over seeds are noise of the mean, those that differ only between seeds are none", () => {
  // Variance 2 / 2 of the two examples' common difference.
  assertEquals(exampleNoise([[1, -1], [1, -1]]), { variance: 1, freedom: 1 });
  assertEquals(exampleNoise([[1, -1], [-1, 1]]), { variance: 0, freedom: 1 });
});

Deno.test("no interval comes of one seed, of one example, or of what is no number", () => {
  assertEquals(twoWayInterval([1], [[1, 2]]), null);
  assertEquals(twoWayInterval([1, 2], [[1], [2]]), null);
  assertEquals(twoWayInterval([1, NaN], [[1, 2], [1, 2]]), null);
  assertEquals(twoWayInterval([1, 2], [[1, NaN], [1, 2]]), null);
  assertEquals(twoWayInterval([], []), null);
});
