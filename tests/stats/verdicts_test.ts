import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { bayesTTest } from "../../src/stats/bayes.ts";
import {
  differencePower,
  equivalencePower,
  equivalenceTest,
  seedsForDifference,
  seedsForEquivalence,
  smallestDifference,
  smallestMargin,
} from "../../src/stats/power.ts";
import {
  noncentralUpper,
  overSpread,
  roundingSpread,
  spreadLimits,
} from "../../src/stats/spread.ts";
import { upperProbability, upperQuantile } from "../../src/stats/distributions.ts";
import golden from "../golden/verdicts.json" with { type: "json" };

/** Equal to nine digits, however small. */
const assertSame = (found: number, wanted: number, what = "") =>
  assertAlmostEquals(
    found,
    wanted,
    1e-9 * Math.abs(wanted) + 1e-15,
    `${what}: ${found}, ${wanted}`,
  );

Deno.test("tails of Student's t agree with SciPy and invert, whole degrees of freedom or not", () => {
  for (const { t, freedom, upper } of golden.tails) {
    assertSame(upperProbability(t, freedom), upper, `t ${t}, freedom ${freedom}`);
    if (upper > 1e-200 && t > 0) {
      assertAlmostEquals(upperQuantile(upper, freedom), t, 1e-9 * t + 1e-12);
    }
  }
  assertAlmostEquals(upperQuantile(0.9, 4), -upperQuantile(0.1, 4), 1e-12);
  assertThrows(() => upperProbability(1, 0), RangeError, "0 degrees of freedom");
  assertEquals(upperProbability(0, 3), 0.5);
  assertAlmostEquals(upperQuantile(0.5, 3), 0, 1e-12);
  for (const p of [0, 1]) assertThrows(() => upperQuantile(p, 3), RangeError, `at ${p}`);
  assertThrows(() => upperQuantile(0.05, 0), RangeError, "0 degrees of freedom");
});

Deno.test("the noncentral t agrees with SciPy", () => {
  for (const { t, freedom, shift, upper } of golden.noncentral) {
    assertAlmostEquals(
      noncentralUpper(t, freedom, shift),
      upper,
      1e-10,
      `${t} ${freedom} ${shift}`,
    );
  }
});

Deno.test("two one-sided tests agree with statsmodels", () => {
  for (const { values, equivalence } of Object.values(golden.samples)) {
    for (const { margin, p, pBelow, pAbove } of equivalence) {
      const found = equivalenceTest(values, margin)!;
      assertEquals(found.n, values.length);
      assertSame(found.p, p);
      assertSame(found.pBelow, pBelow);
      assertSame(found.pAbove, pAbove);
    }
  }
});

Deno.test("equivalence is not tested without spread, and not within no margin", () => {
  assertEquals(equivalenceTest([0.3], 1), null);
  assertEquals(equivalenceTest([], 1), null);
  assertEquals(equivalenceTest([0, 0, 0], 1), null);
  assertEquals(equivalenceTest([0.3 - 0.2, 0.2 - 0.1, 0.4 - 0.3], 1), null);
  for (const margin of [0, -1, NaN]) {
    assertThrows(() => equivalenceTest([1, 2], margin), RangeError, `margin of ${margin}`);
  }
});

Deno.test("the Bayesian t test agrees with baycomp, and with the textbook without correlation", () => {
  for (const { values, odds } of Object.values(golden.samples)) {
    for (const { margin, correlation, better, equal, worse } of odds) {
      const found = bayesTTest(values, margin, { correlation })!;
      assertAlmostEquals(found.better, better, 1e-10);
      assertAlmostEquals(found.equal, equal, 1e-10);
      assertAlmostEquals(found.worse, worse, 1e-10);
      // The other way round, better and worse change places.
      const turned = bayesTTest(values.map((value) => -value), margin, { correlation })!;
      assertEquals([turned.better, turned.worse], [found.worse, found.better]);
    }
  }
});

Deno.test("the Bayesian t test takes equal differences as certain and one as nothing", () => {
  assertEquals(bayesTTest([2], 1), null);
  assertEquals(bayesTTest([2, 2, 2], 1), { better: 1, equal: 0, worse: 0 });
  assertEquals(bayesTTest([-2, -2], 1), { better: 0, equal: 0, worse: 1 });
  assertEquals(bayesTTest([1, 1, 1], 1), { better: 0, equal: 1, worse: 0 });
  assertEquals(bayesTTest([1, 1, 1], 0.5), { better: 1, equal: 0, worse: 0 });
  assertEquals(bayesTTest([0, 0, 0], 1), { better: 0, equal: 1, worse: 0 });
  assertEquals(bayesTTest([0, 0, 0], 0), { better: 0.5, equal: 0, worse: 0.5 });
  assertThrows(() => bayesTTest([1, 2], -1), RangeError, "±-1");
  assertThrows(() => bayesTTest([1, 2], 1, { correlation: 1 }), RangeError, "correlation of 1");
});

Deno.test("the power to find a difference agrees with statsmodels", () => {
  for (const { n, effect, level, power } of golden.differencePower) {
    assertAlmostEquals(differencePower(n, 3 * effect, 3, { level }), power, 1e-9);
    assertAlmostEquals(differencePower(n, -3 * effect, 3, { level }), power, 1e-9);
  }
  for (const { effect, power, n } of golden.seeds) {
    assertEquals(seedsForDifference(2 * effect, 2, { power }), Math.max(2, Math.ceil(n)));
  }
  for (const { n, effect } of golden.smallest) {
    // statsmodels ends its search a little early.
    assertAlmostEquals(smallestDifference(n, 5), 5 * effect, 1e-5);
  }
});

Deno.test("the power to find equivalence agrees with adaptive quadrature of SciPy", () => {
  for (const { n, margin, difference, level, power } of golden.equivalencePower) {
    const found = equivalencePower(n, 3 * margin, 3 * difference, 3, { level });
    assertAlmostEquals(found, power, 1e-8, `${n} ${margin} ${difference}`);
  }
  for (const { margin, difference, n } of golden.equivalenceSeeds) {
    assertEquals(seedsForEquivalence(2 * margin, 2, { difference: 2 * difference }), n);
  }
  for (const { n, margin } of golden.smallestMargin) {
    assertAlmostEquals(smallestMargin(n, 5), 5 * margin, 1e-6 * margin);
  }
});

Deno.test("what no number of seeds can show is infinite, and one seed shows nothing", () => {
  assertEquals(seedsForDifference(0, 1), Infinity);
  assertEquals(seedsForDifference(1e-9, 1), Infinity);
  assertEquals(seedsForEquivalence(1, 1, { difference: 1 }), Infinity);
  assertEquals([smallestDifference(1, 1), smallestMargin(1, 1)], [Infinity, Infinity]);
  assertEquals([differencePower(1, 5, 1), equivalencePower(1, 5, 0, 1)], [0, 0]);
  assertAlmostEquals(differencePower(9, 0, 1), 0.05, 1e-10);
  assertThrows(() => seedsForDifference(1, 0), RangeError, "standard deviation of 0");
  assertThrows(() => seedsForEquivalence(0, 1), RangeError, "margin of 0");
  assertThrows(() => equivalencePower(5, 1, 0, 0), RangeError, "standard deviation of 0");
  // Chances of less than the level are no power: nothing is there to be found.
  assertEquals(seedsForDifference(0, 1, { level: 0.3, power: 0.2 }), Infinity);
  assertEquals(seedsForEquivalence(1, 1, { difference: 1, level: 0.3, power: 0.2 }), Infinity);
});

Deno.test("power at another level, without a difference, of two seeds, and just as much as wanted", () => {
  // SciPy's adaptive quadrature, as in the golden file.
  assertAlmostEquals(equivalencePower(4, 3, 0, 3, { level: 0.1 }), 0.39534760025956994, 1e-8);
  assertEquals(seedsForEquivalence(1, 2), 36);
  assertAlmostEquals(differencePower(2, smallestDifference(2, 1), 1), 0.8, 1e-9);
  assertAlmostEquals(equivalencePower(2, smallestMargin(2, 1), 0, 1), 0.8, 1e-8);
  const sure = { power: 0.95 };
  assertAlmostEquals(differencePower(5, smallestDifference(5, 1, sure), 1), 0.95, 1e-9);
  // The units of the scores do not matter.
  assertAlmostEquals(1e6 * smallestDifference(5, 1e-6), smallestDifference(5, 1), 1e-8);
  for (const n of [2, 4, 11]) {
    assertEquals(seedsForDifference(0.7, 1, { power: differencePower(n, 0.7, 1) }), n);
  }
});

Deno.test("limits of a standard deviation agree with SciPy", () => {
  for (const { freedom, level, low, high } of golden.spread) {
    const found = spreadLimits(1, freedom, level);
    assertSame(found.low, low);
    assertSame(found.high, high);
  }
  const { low, high } = spreadLimits(2, 2);
  assert(high / low > 12 && high / low < 12.2);
});

Deno.test("expectations over a spread have its moments, and end where the function does", () => {
  for (const freedom of [1, 2, 7, 60]) {
    assertAlmostEquals(overSpread(freedom, () => 1), 1, 1e-9);
    assertAlmostEquals(overSpread(freedom, (spread) => spread * spread), 1, 1e-9);
  }
  // With 2 degrees of freedom S² is exponential: E max(0, c − S²) = c − 1 + e^(−c), with c = ln 2.
  const half = (spread: number) => Math.max(0, Math.LN2 - spread * spread);
  assertAlmostEquals(overSpread(2, half, Math.sqrt(Math.LN2)), Math.LN2 - 0.5, 1e-9);
  assertEquals(overSpread(5, () => 1, 0), 0);
  assertAlmostEquals(roundingSpread(0.5), 0.2041241452, 1e-10);
});
