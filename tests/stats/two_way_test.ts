import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { chanceOfConditions, exampleNoise, twoWayInterval } from "../../src/stats/two_way.ts";
import { coverageOf, falseDisagreements } from "../../bench/coverage_bench.ts";
import { repeatedMeasures } from "../../src/stats/repeated_measures.ts";
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

Deno.test("the chance of conditions is where SciPy's bounds over seeds and over examples sum to their spread", () => {
  for (const { seeds, variances, freedom, p } of golden.conditions) {
    const noise = variances.map((variance) => ({ variance, freedom }));
    assertAlmostEquals(chanceOfConditions(seeds, noise)!, p, 1e-9);
  }
});

Deno.test("without noise of examples it is the test over seeds, and without that of seeds there is one still", () => {
  const { seeds } = golden.conditions[3]!;
  const none = seeds[0]!.map(() => ({ variance: 0, freedom: 9 }));
  assertEquals(chanceOfConditions(seeds, none), repeatedMeasures(seeds)!.p);
  const [apart, equal] = [[[1, 3], [1, 3]], [[1, 1], [1, 1]]];
  const noise = [{ variance: 1, freedom: 9 }, { variance: 3, freedom: 4 }];
  // |1 − 3| / √(1 + 3) with 4 degrees of freedom: P(|T| > 1) = 0.3739.
  assertAlmostEquals(chanceOfConditions(apart, noise)!, 0.3739009663000589, 1e-9);
  assertEquals(chanceOfConditions(equal, noise), 1);
  assertEquals(chanceOfConditions(apart, [none[0]!, none[1]!]), null);
  assertEquals(chanceOfConditions([[1, 2]], noise), null);
  assertEquals(chanceOfConditions(apart, [noise[0]!, { variance: Infinity, freedom: 1 }]), null);
});

Deno.test("tasks of one true difference are said to differ at the level, where seeds alone say so of most", () => {
  const { both, seedsAlone } = falseDisagreements(3, 6, { seeds: 0.1, examples: 1 }, 300);
  // 5 %, and three standard errors.
  assert(both <= 0.088, String(both));
  assert(seedsAlone > 0.2, String(seedsAlone));
});
