import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { chance } from "../../src/base/format.ts";
import {
  fewestBlocks,
  friedmanTest,
  holm,
  leastCorrectedP,
  signedRankTest,
} from "../../src/stats/rank_tests.ts";
import { RandomStream } from "../../src/base/random.ts";
import { lettersOf } from "../../src/stats/letters.ts";

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

Deno.test("friedmanTest of thousands of blocks has the p of χ², which random orders come to", () => {
  // Three methods in 1,000 blocks, the first of which is best in 360 and the others in 320 each.
  const orders = [[3, 2, 1], [1, 3, 2], [2, 1, 3]];
  const blocks = (n: number) =>
    Array.from({ length: n }, (_, i) => orders[i % 25 < 9 ? 0 : 1 + i % 2]!);
  const drawn = friedmanTest(blocks(1000), { draws: 4000 })!;
  const tail = friedmanTest(blocks(1025), { draws: 1 })!;
  assertEquals(tail.freedom, 2);
  // With two degrees of freedom the tail is exp(−χ²/2).
  assertAlmostEquals(tail.p, Math.exp(-tail.statistic / 2), 1e-12);
  assertAlmostEquals(drawn.p, Math.exp(-drawn.statistic / 2), 0.02);
});

Deno.test("signed ranks of more differences than a call takes arguments are summed", () => {
  const differences = Array.from({ length: 300_000 }, (_, i) => i % 3 === 0 ? -1 : 1);
  assertEquals(signedRankTest(differences).n, 300_000);
});

Deno.test("friedmanTest repeats, and another seed draws other orders", () => {
  const { scores } = golden.friedman["nine blocks of seventeen"];
  assertEquals(friedmanTest(scores), friedmanTest(scores));
  assertNotEquals(friedmanTest(scores, { seed: 1 })!.p, friedmanTest(scores, { seed: 2 })!.p);
});

Deno.test("the least p that Holm leaves is a chance", () => {
  assertEquals([leastCorrectedP(1, 10), leastCorrectedP(6, 3)], [1, 3 / 32]);
});

Deno.test("friedmanTest counts the observed order among those drawn, of two blocks and methods too", () => {
  const alike = [[1, 2], [1, 2]];
  assertEquals(friedmanTest(alike, { draws: 0 })!.p, 1);
  // Every order gives at least a statistic of 0.
  const opposed = friedmanTest([[1, 2], [2, 1]], { draws: 1 })!;
  assertEquals([opposed.statistic, opposed.p], [0, 1]);
  // Half of the orders agree; four standard errors of 4,000 draws.
  assertAlmostEquals(friedmanTest(alike, { draws: 4000 })!.p, 0.5, 4 * Math.sqrt(0.25 / 4000));
  assertEquals(
    friedmanTest([[1, 2, 3], [1, 2, 3]]),
    friedmanTest([[1, 2, 3], [1, 2, 3]], { seed: 0 }),
  );
});

Deno.test("signedRankTest compares sizes to ten digits and leaves out what rounding leaves of large ones", () => {
  assertEquals(signedRankTest([1, -1.0000000004]).positive, 1.5);
  assertEquals(signedRankTest([1, -1.000000001]).positive, 1);
  assertEquals(signedRankTest([1e6, 2e6, 1e-7]).n, 2);
  assertEquals(signedRankTest([0, 0]), { n: 0, positive: 0, p: 1 });
});

Deno.test("friedmanTest has nothing to say of one block, one method, or ties alone", () => {
  assertEquals(friedmanTest([]), null);
  assertEquals(friedmanTest([[1, 2, 3]]), null);
  assertEquals(friedmanTest([[1], [2]]), null);
  assertEquals(friedmanTest([[4, 4], [7, 7]]), null);
});

/** p to nine digits, however small it is. */
const assertSameP = (found: number, wanted: number) =>
  assertAlmostEquals(found, wanted, 1e-9 * wanted);

Deno.test("signedRankTest agrees with SciPy, ties and zeros included", () => {
  for (const { values, n, positive, p } of Object.values(golden.wilcoxon)) {
    const found = signedRankTest(values);
    assertEquals([found.n, found.positive], [n, positive]);
    assertSameP(found.p, p);
  }
});

Deno.test("signedRankTest has exact and then normal tails to a thousand differences", () => {
  for (const { series, n, positive, p } of Object.values(golden.series)) {
    const [count = 0, modulus = 0, shift = 0] = series;
    const values = Array.from({ length: count }, (_, i) => (i + 1) * 7919 % modulus - shift);
    const found = signedRankTest(values);
    assertEquals([found.n, found.positive], [n, positive]);
    assertSameP(found.p, p);
    // The other sign is the same test.
    assertSameP(signedRankTest(values.map((value) => -value)).p, p);
  }
});

Deno.test("eight methods can be told apart over more than a hundred blocks", () => {
  // 28 pairs: a p that stopped at .002 would be .056 after correction.
  const { p } = signedRankTest(Array.from({ length: 101 }, (_, i) => 1 + i % 7));
  const corrected = holm(Array.from({ length: 28 }, () => p));
  assertAlmostEquals(Math.log2(corrected[0]!), 1 - 101 + Math.log2(28), 1e-9);
});

Deno.test("no p of signedRankTest or holm is 0 or written as 0", () => {
  for (const n of [1, 200, 201, 1100, 3000]) {
    const { p } = signedRankTest(Array.from({ length: n }, (_, i) => i + 1));
    assert(p > 0 && p <= 1, `${n}: ${p}`);
    assertEquals(chance(p), n === 1 ? "1.00" : "< 0.001");
    assert(holm([p, p, 0.5]).every((corrected) => corrected > 0));
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
  // Of four null hypotheses two can be true at most: factors 2, 2, 2, 1 in place of 4, 3, 2, 1.
  assertEquals(holm([0.125, 0.03125, 0.0625, 0.5], 2), [0.25, 0.0625, 0.125, 0.5]);
});

Deno.test("fewestBlocks is where the least p that signs allow passes Holm's correction", () => {
  // One pair: 2 · 2⁻⁵ = 0.0625 and 2 · 2⁻⁶ = 0.03125. 17 methods, 136 pairs: 136 · 2⁻¹¹ = 0.066, 136 · 2⁻¹² = 0.033.
  assertEquals([fewestBlocks(1), fewestBlocks(136)], [6, 13]);
  // Below the level, not at it.
  assertEquals([fewestBlocks(1, 0.0625), fewestBlocks(1, 0.063)], [6, 5]);
  assertAlmostEquals(leastCorrectedP(12, 136), 136 / 2048, 1e-15);
  // The bound is what the tests give when one of three methods wins each block and the others win half each.
  const wins = Array.from({ length: 8 }, (_, i) => 0.1 + 0.01 * i);
  const { p } = signedRankTest(wins);
  assertAlmostEquals(holm([p, 1, 1])[0]!, leastCorrectedP(8, 3), 1e-15);
});

Deno.test("lettersOf gives hand-worked displays", () => {
  assertEquals(lettersOf(3, []), ["a", "a", "a"]);
  assertEquals(lettersOf(3, [[0, 1], [0, 2], [1, 2]]), ["a", "b", "c"]);
  assertEquals(lettersOf(4, [[0, 2], [0, 3], [1, 3]]), ["a", "ab", "bc", "c"]);
  // The middle of five differs from its neighbours but the ends do not differ from each other.
  assertEquals(lettersOf(3, [[0, 1], [1, 2]]), ["a", "b", "a"]);
  assertEquals(lettersOf(1, []), ["a"]);
  assertEquals(lettersOf(0, []), []);
});

Deno.test("lettersOf: two methods share a letter exactly where they were not told apart, and no letter is spare", () => {
  const stream = RandomStream.fromSeed(2);
  for (let round = 0; round < 60; round++) {
    const count = 2 + stream.int(9);
    const apart: [number, number][] = [];
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) if (stream.next() < round / 60) apart.push([a, b]);
    }
    const letters = lettersOf(count, apart);
    const isApart = (a: number, b: number) => apart.some(([x, y]) => x === a && y === b);
    for (let a = 0; a < count; a++) {
      assert(letters[a] !== "");
      for (let b = a + 1; b < count; b++) {
        const isShared = [...letters[a]!].some((letter) => letters[b]!.includes(letter));
        assertEquals(isShared, !isApart(a, b));
      }
    }
    // A letter's methods are a largest group: whoever lacks the letter differs from one that has it.
    for (const letter of new Set(letters.join(""))) {
      const members = letters.flatMap((own, i) => own.includes(letter) ? [i] : []);
      for (let other = 0; other < count; other++) {
        if (members.includes(other)) continue;
        const isKeptOut = members.some((m) => isApart(Math.min(m, other), Math.max(m, other)));
        assert(isKeptOut, `${letters} has room for ${other} in ${letter}`);
      }
    }
  }
});

Deno.test("lettersOf names more than 26 groups by letter and number", () => {
  const allApart = (count: number) =>
    Array.from({ length: count }, (_, a) => a)
      .flatMap((a) => Array.from({ length: count - 1 - a }, (_, i) => [a, a + 1 + i] as const));
  assertEquals(lettersOf(26, allApart(26)).at(-1), "z");
  assertEquals(lettersOf(27, allApart(27)).at(-1), "a2");
  const letters = lettersOf(30, allApart(30));
  assertEquals([letters[0], letters[25], letters[26], letters[29]], ["a1", "z1", "a2", "d2"]);
});
