import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import {
  fewestBlocks,
  friedmanTest,
  holm,
  leastCorrectedP,
  signedRankTest,
} from "../../src/report/rank_tests.ts";
import golden from "../golden/rank_tests.json" with { type: "json" };

Deno.test("friedmanTest agrees with SciPy's statistic and permutation test, ties included", () => {
  for (const { scores, statistic, p } of Object.values(golden.friedman)) {
    const found = friedmanTest(scores, { draws: 20000 });
    assert(found !== null);
    assertAlmostEquals(found.statistic, statistic, 1e-9 * statistic);
    assertEquals(found.freedom, scores[0]!.length - 1);
    // Four standard errors of a share of 20,000 draws; SciPy's third value is one of as many draws.
    assertAlmostEquals(found.p, p, 4 * Math.sqrt(2 * p * (1 - p) / 20000));
  }
});

Deno.test("friedmanTest repeats, and another seed draws other orders", () => {
  const { scores } = golden.friedman["nine blocks of seventeen"];
  assertEquals(friedmanTest(scores), friedmanTest(scores));
  assertNotEquals(friedmanTest(scores, { seed: 1 })!.p, friedmanTest(scores, { seed: 2 })!.p);
});

Deno.test("friedmanTest has nothing to say of one block, one method, or ties alone", () => {
  assertEquals(friedmanTest([]), null);
  assertEquals(friedmanTest([[1, 2, 3]]), null);
  assertEquals(friedmanTest([[1], [2]]), null);
  assertEquals(friedmanTest([[4, 4], [7, 7]]), null);
});

Deno.test("signedRankTest agrees with SciPy, exact with ties and approximate above 100 differences", () => {
  for (const { values, n, positive, p } of Object.values(golden.wilcoxon)) {
    const found = signedRankTest(values);
    assertEquals([found.n, found.positive], [n, positive]);
    // The package's normal distribution is good to seven digits.
    assertAlmostEquals(found.p, p, n > 100 ? 1e-4 : 1e-12);
  }
});

Deno.test("signedRankTest takes differences that are equal but for rounding as ties, and none as no difference", () => {
  const rounded = [0.3 - 0.2, 0.2 - 0.1, 0.4 - 0.3, 0.8 - 0.9];
  assertEquals(signedRankTest(rounded).positive, 7.5);
  assertEquals(signedRankTest([0.1 + 0.2 - 0.3, 0]), { n: 0, positive: 0, p: 1 });
  assertEquals(signedRankTest([]).p, 1);
});

Deno.test("holm agrees with statsmodels", () => {
  for (const { p, corrected } of Object.values(golden.holm)) {
    const found = holm(p);
    for (const [i, wanted] of corrected.entries()) assertAlmostEquals(found[i]!, wanted, 1e-12);
  }
  assertEquals(holm([]), []);
});

Deno.test("fewestBlocks is where the least p that signs allow passes Holm's correction", () => {
  // One pair: 2 · 2⁻⁵ = 0.0625 and 2 · 2⁻⁶ = 0.03125. 17 methods, 136 pairs: 136 · 2⁻¹¹ = 0.066, 136 · 2⁻¹² = 0.033.
  assertEquals([fewestBlocks(1), fewestBlocks(136)], [6, 13]);
  assertAlmostEquals(leastCorrectedP(12, 136), 136 / 2048, 1e-15);
  // The bound is what the tests give when one of three methods wins each block and the others win half each.
  const wins = Array.from({ length: 8 }, (_, i) => 0.1 + 0.01 * i);
  const { p } = signedRankTest(wins);
  assertAlmostEquals(holm([p, 1, 1])[0]!, leastCorrectedP(8, 3), 1e-15);
});
