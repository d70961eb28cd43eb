import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import gammaln from "@stdlib/math-base-special-gammaln";
import { RandomStream } from "../../src/base/random.ts";
import { bayesSignedRankTest } from "../../src/stats/bayes.ts";
import { gamma, upperProbability } from "../../src/stats/distributions.ts";
import { hierarchicalTest } from "../../src/stats/hierarchical.ts";
import ofHierarchical from "../golden/hierarchical.json" with { type: "json" };
import ofSignedRanks from "../golden/signed_rank_odds.json" with { type: "json" };

Deno.test("gamma has the mean and the variance of its shape", () => {
  const stream = RandomStream.fromSeed(2).fork("gamma");
  for (const shape of [0.2, 0.5, 1, 3.5, 50]) {
    const draws = Array.from({ length: 20_000 }, () => gamma(stream, shape));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    assertAlmostEquals(mean, shape, 4 * Math.sqrt(shape / draws.length));
    // The excess kurtosis is 6 / shape.
    const error = shape * Math.sqrt((2 + 6 / shape) / draws.length);
    assertAlmostEquals(variance, shape, 4 * error);
  }
});

Deno.test("the Bayesian signed-rank test agrees with baycomp within four standard errors", () => {
  const draws = 10_000;
  for (const [name, { values, margin, prior, ...wanted }] of Object.entries(ofSignedRanks)) {
    const found = bayesSignedRankTest(values, margin, { prior, draws });
    for (const side of ["better", "equal", "worse"] as const) {
      const p = wanted[side];
      // baycomp's p is itself of 200,000 draws.
      const error = Math.sqrt(p * (1 - p) * (1 / draws + 1 / 200_000));
      assertAlmostEquals(found[side], p, 4 * error + 1e-9, `${name}, ${side}`);
    }
  }
});

Deno.test("the Bayesian signed-rank test repeats, turns with its sides, and another seed draws anew", () => {
  const { values, margin } = ofSignedRanks["twenty"];
  const options = { draws: 2000 };
  const found = bayesSignedRankTest(values, margin, options);
  assertEquals(bayesSignedRankTest(values, margin, options), found);
  assertNotEquals(bayesSignedRankTest(values, margin, { ...options, seed: 1 }), found);
  const turned = bayesSignedRankTest(values.map((value) => -value), margin, options);
  assertAlmostEquals(turned.worse, found.better, 0.06);
  // Without data the pseudo-difference decides: equal.
  assertEquals(bayesSignedRankTest([], 1, { draws: 10 }), { better: 0, equal: 1, worse: 0 });
  // A difference that lies on the edge but for rounding is half in the region.
  const rounded = bayesSignedRankTest([0.3 - 0.2, 0.2 - 0.1], 0.1, { draws: 500 });
  assertEquals(rounded, bayesSignedRankTest([0.1, 0.1], 0.1, { draws: 500 }));
  assertThrows(() => bayesSignedRankTest([1], -1), RangeError, "±-1");
  assertThrows(() => bayesSignedRankTest([1, NaN], 1), RangeError, "difference 2 of 2");
});

Deno.test("the Bayesian signed-rank test has baycomp's prior by default, and takes neither side of zeros", () => {
  const values = [1, -1, 0.6];
  const found = bayesSignedRankTest(values, 0.5, { draws: 500 });
  assertEquals(bayesSignedRankTest(values, 0.5, { draws: 500, prior: 0.5 }), found);
  for (const differences of [[], [0, 0, 0]]) {
    assertEquals(
      bayesSignedRankTest(differences, 0, { draws: 10 }),
      { better: 0.5, equal: 0, worse: 0.5 },
    );
  }
  // Rounding moves no sum over the edge, however large or small the numbers are.
  const same = (a: readonly number[], b: readonly number[], margin: number) =>
    assertEquals(
      bayesSignedRankTest(a, margin, { draws: 100 }),
      bayesSignedRankTest(b, margin, { draws: 100 }),
    );
  const low = (0.3 - 0.2) * 1e6;
  same([low, low, low, 1.2e5], [1e5, 1e5, 1e5, 1.2e5], 1e5);
  same([0.3 - 0.1], [0.2], 0.1);
});

Deno.test("the hierarchical model agrees with Stan's draws of baycomp to two digits", () => {
  for (const [name, { values, margin, correlation, ...wanted }] of Object.entries(ofHierarchical)) {
    const { odds, nextTask } = hierarchicalTest(values, margin, { correlation, draws: 8000 });
    for (const side of ["better", "equal", "worse"] as const) {
      // 8,000 draws that hang together are worth some 2,000: four standard errors of at most 0.011.
      assertAlmostEquals(odds[side], wanted[side], 0.045, `${name}, ${side}`);
    }
    assertAlmostEquals(nextTask.better + nextTask.equal + nextTask.worse, 1, 1e-9);
  }
});

Deno.test("the hierarchical model draws tasks towards each other and their mean towards the truth", () => {
  const values = ofHierarchical["six tasks, ten seeds, better"].values;
  const found = hierarchicalTest(values, 0.5, { draws: 3000 });
  const raw = values.map((seeds) => seeds.reduce((sum, value) => sum + value, 0) / seeds.length);
  const range = (means: readonly number[]) => Math.max(...means) - Math.min(...means);
  assert(range(found.tasks) < range(raw));
  assert(found.low < found.mean && found.mean < found.high);
  assert(found.low < 1.5 && found.high > 1.5);
  assertEquals(hierarchicalTest(values, 0.5, { draws: 3000 }), found);
  // Correlated seeds say less of their task, so that the others count more.
  const correlated = hierarchicalTest(values, 0.5, { draws: 3000, correlation: 0.5 });
  assert(range(correlated.tasks) < range(found.tasks));
});

Deno.test("the hierarchical model takes a method against itself as equal, and refuses too little", () => {
  const same = hierarchicalTest([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], 1, { draws: 500 });
  assert(same.odds.equal > 0.98);
  assertThrows(() => hierarchicalTest([[1, 2, 3]], 1), RangeError, "1 tasks");
  assertThrows(() => hierarchicalTest([[1, 2, 3], [1, 2]], 1), RangeError, "2 seeds of task 1");
  assertThrows(() => hierarchicalTest([[1, 2, 3], [1, 2, 4]], 0), RangeError, "margin of 0");
});

Deno.test("the hierarchical model agrees with sums over a grid, where one task lies far out", () => {
  // Seeds that agree leave the tasks' means as good as known, so that three unknowns remain.
  const taskMeans = [0.8, 1, 1.1, 0.9, 1.2, 1, 0.7, 12];
  const margin = 0.5;
  const values = taskMeans.map((mean) => Array<number>(12).fill(mean));
  const { mean, nextTask } = hierarchicalTest(values, margin, { draws: 8000 });
  const wanted = onGrid(taskMeans, margin);
  assertAlmostEquals(mean, wanted.mean, 0.03);
  assertAlmostEquals(nextTask.better, wanted.better, 0.02);
  assertAlmostEquals(nextTask.worse, wanted.worse, 0.02);
});

/** What the model says of tasks whose means are known: sums over its centre, the logarithm of its spread, and ν. */
function onGrid(taskMeans: readonly number[], margin: number) {
  const middles = (low: number, high: number, n: number) =>
    Array.from({ length: n }, (_, i) => low + (i + 0.5) * (high - low) / n);
  const sums = { weight: 0, mean: 0, better: 0, worse: 0 };
  const q = taskMeans.length;
  for (const excess of middles(-7, 7, 40).map(Math.exp)) {
    const nu = 1 + excess;
    let prior = 0;
    for (const alpha of middles(1, 2, 8)) {
      for (const beta of middles(0.01, 0.1, 8)) {
        prior += Math.exp(alpha * Math.log(beta * excess) - beta * excess - gammaln(alpha));
      }
    }
    const constant = q * (gammaln((nu + 1) / 2) - gammaln(nu / 2) - Math.log(nu) / 2);
    for (const spread of middles(-4, 3, 50).map(Math.exp)) {
      for (const centre of middles(-1, 3, 80)) {
        // The spread is uniform, so its logarithm has a factor of its own.
        let log = constant - (q - 1) * Math.log(spread);
        for (const mean of taskMeans) {
          log -= (nu + 1) / 2 * Math.log1p(((mean - centre) / spread) ** 2 / nu);
        }
        const weight = prior * Math.exp(log);
        sums.weight += weight;
        sums.mean += weight * centre;
        sums.better += weight * upperProbability((margin - centre) / spread, nu);
        sums.worse += weight * upperProbability((margin + centre) / spread, nu);
      }
    }
  }
  const { weight, mean, better, worse } = sums;
  return { mean: mean / weight, better: better / weight, worse: worse / weight };
}
