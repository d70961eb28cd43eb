import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  hedgesG,
  interquartileMean,
  performanceProfile,
  probabilityOfImprovement,
  standardisedEffect,
  stratifiedInterval,
} from "../../src/stats/effects.ts";
import { correctFamily, isGateOpen } from "../../src/stats/rank_tests.ts";
import { cliquesOf } from "../../src/stats/letters.ts";
import { almostStochasticOrder, violationRatio } from "../../src/stats/stochastic_order.ts";
import golden from "../golden/effects.json" with { type: "json" };

const pairs = (apart: readonly (readonly number[])[]) =>
  apart.map(([a = 0, b = 0]) => [a, b] as const);

Deno.test("standardised effects and their intervals agree with SciPy", () => {
  for (const { values, d, g, low, high } of golden.effects) {
    const found = standardisedEffect(values)!;
    assertEquals(hedgesG(values), found.g);
    assertEquals(found.n, values.length);
    assertAlmostEquals(found.d, d, 1e-12);
    assertAlmostEquals(found.g, g, 1e-12);
    assertAlmostEquals(found.interval.low, low, 1e-6);
    assertAlmostEquals(found.interval.high, high, 1e-6);
  }
  assertEquals(standardisedEffect([1]), null);
  assertEquals(standardisedEffect([0.3 - 0.2, 0.2 - 0.1]), null);
});

Deno.test("cliques are the largest ones that networkx finds", () => {
  for (const { count, apart, cliques } of golden.cliques) {
    assertEquals(cliquesOf(count, pairs(apart)), cliques);
  }
  // By hand: 1 and 2 differ from 3, and 0 from 1; sets are in order, in whatever order they are found.
  assertEquals(cliquesOf(4, [[1, 3], [2, 3], [0, 1]]), [[0, 2], [0, 3], [1, 2]]);
  assertEquals(cliquesOf(0, []), []);
  assertEquals(cliquesOf(1, []), [[0]]);
});

Deno.test("a family is corrected as statsmodels does, with secondary contrasts behind the primary ones", () => {
  for (const { primary, secondary, corrected } of golden.families) {
    const found = correctFamily({ primary, secondary });
    for (const side of ["primary", "secondary"] as const) {
      assertEquals(found[side].length, corrected[side].length);
      for (const [i, p] of corrected[side].entries()) {
        assertAlmostEquals(found[side][i]!, p, 1e-12);
      }
    }
    assertEquals(isGateOpen(found), corrected.primary.every((p) => p < 0.05));
  }
  // At the level itself, as for any test, nothing is decided.
  assertEquals(isGateOpen({ primary: [0.05], secondary: [] }), false);
  // No secondary contrast counts where a primary one does not, however small its p.
  assertEquals(correctFamily({ primary: [0.3], secondary: [1e-9] }).secondary, [0.3]);
  assertEquals(correctFamily({ primary: [], secondary: [0.25, 0.5] }).secondary, [0.5, 0.5]);
  assertEquals(correctFamily({ primary: [], secondary: [] }), { primary: [], secondary: [] });
});

Deno.test("improvement, interquartile mean and profile agree with rliable", () => {
  const { ours, theirs, improvement, interquartileMean: mean, thresholds, profile } = golden.scores;
  assertAlmostEquals(probabilityOfImprovement(ours, theirs), improvement, 1e-12);
  assertAlmostEquals(probabilityOfImprovement(theirs, ours), 1 - improvement, 1e-12);
  assertEquals(probabilityOfImprovement(ours, ours), 0.5);
  assertAlmostEquals(interquartileMean(ours), mean, 1e-12);
  for (const [i, share] of performanceProfile(ours, thresholds).entries()) {
    assertAlmostEquals(share, profile[i]!, 1e-12);
  }
});

Deno.test("stratified intervals agree with NumPy's resamples of rliable's measures", () => {
  const { ours, theirs, improvementInterval, interquartileInterval } = golden.scores;
  const ofMean = stratifiedInterval([ours], ([own]) => interquartileMean(own!), { seed: 1 });
  assertAlmostEquals(ofMean.low, interquartileInterval[0]!, 0.002);
  assertAlmostEquals(ofMean.high, interquartileInterval[1]!, 0.002);
  const ofImprovement = stratifiedInterval(
    [ours, theirs],
    ([own, others]) => probabilityOfImprovement(own!, others!),
    { seed: 1 },
  );
  assertAlmostEquals(ofImprovement.low, improvementInterval[0]!, 0.03);
  assertAlmostEquals(ofImprovement.high, improvementInterval[1]!, 0.03);
  // Each task keeps its runs: with one run of each nothing is left to draw.
  assertEquals(stratifiedInterval([[[1], [3]]], ([own]) => interquartileMean(own!), { seed: 1 }), {
    low: 2,
    high: 2,
  });
});

Deno.test("measures over tasks refuse tasks without runs and unequal tasks", () => {
  assertThrows(() => interquartileMean([]), RangeError, "no tasks");
  assertThrows(() => performanceProfile([[1], []], [0]), RangeError, "task 1 without runs");
  assertThrows(() => probabilityOfImprovement([[1]], [[1], [2]]), RangeError, "1 tasks");
});

Deno.test("two differences have no effect without bias, and a score at a threshold is not above it", () => {
  assertEquals(hedgesG([1, 2]), 0);
  assertEquals(performanceProfile([[0.5, 0.6]], [0.4, 0.5, 0.6]), [1, 0.5, 0]);
});

Deno.test("stratified intervals are of the draws and the level that are asked for", () => {
  for (const draws of [undefined, 50]) {
    let count = 0;
    const statistic = () => ++count;
    stratifiedInterval([[[1]]], statistic, draws === undefined ? { seed: 1 } : { seed: 1, draws });
    assertEquals(count, draws ?? 2000);
  }
  // Of 1 to 1001, a quarter lies below 251 and a quarter above 751.
  let next = 0;
  assertEquals(
    stratifiedInterval([[[1]]], () => ++next, { seed: 1, draws: 1001, level: 0.5 }),
    { low: 251, high: 751 },
  );
});

Deno.test("the first task without runs is named, whichever side it is on", () => {
  assertThrows(() => probabilityOfImprovement([[1]], [[]]), RangeError, "task 0 without runs");
  assertThrows(() => interquartileMean([[1], [], []]), RangeError, "task 1 without runs");
  assertThrows(
    () => stratifiedInterval([[[]]], () => 1, { seed: 1 }),
    RangeError,
    "task 0 without runs",
  );
});

Deno.test("violation ratios and almost stochastic order agree with deepsig", () => {
  for (const { a, b, ratio, limit } of golden.orders) {
    // deepsig sums over a grid of 10⁻⁵.
    assertAlmostEquals(violationRatio(a, b), ratio, 1e-3);
    assertAlmostEquals(violationRatio(a, b) + violationRatio(b, a), 1, 1e-12);
    const found = almostStochasticOrder(a, b, { seed: 2, draws: 4000 });
    assertAlmostEquals(found, limit, 0.02);
  }
  assertEquals(almostStochasticOrder([2, 3], [1], { seed: 1 }), 0);
  const { a, b } = golden.orders[0]!;
  const thousand = almostStochasticOrder(a, b, { seed: 1, draws: 1000 });
  assertEquals(almostStochasticOrder(a, b, { seed: 1 }), thousand);
  assert(almostStochasticOrder([1], [2, 3], { seed: 1 }) === 1);
  assertThrows(() => almostStochasticOrder([], [1], { seed: 1 }), RangeError, "0 and 1 scores");
});
