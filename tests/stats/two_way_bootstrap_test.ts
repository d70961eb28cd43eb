import { assertAlmostEquals, assertEquals } from "@std/assert";
import { correlation, type Interval } from "../../src/stats/statistics.ts";
import {
  twoWayDraws,
  twoWayIntervals,
  type TwoWayStatistic,
} from "../../src/stats/two_way_bootstrap.ts";
import golden from "../golden/two_way_bootstrap.json" with { type: "json" };

type Metric = (predicted: readonly number[], wanted: readonly number[]) => number | null;

const accuracy: Metric = (predicted, wanted) =>
  predicted.filter((label, i) => label === wanted[i]).length / predicted.length;

/** Matthews' correlation is Pearson's of two labels. */
const metrics: Readonly<Record<string, Metric>> = { accuracy, matthews: correlation };

function differenceOf(metric: Metric): TwoWayStatistic {
  return ({ seeds, examples }) => {
    const wanted = examples.map((e) => golden.labels[e]!);
    let sum = 0;
    for (const s of seeds) {
      const ours = metric(examples.map((e) => golden.ours[s]![e]!), wanted);
      const theirs = metric(examples.map((e) => golden.theirs[s]![e]!), wanted);
      if (ours === null || theirs === null) return null;
      sum += ours - theirs;
    }
    return sum / seeds.length;
  };
}

const sizes = { seeds: golden.ours.length, examples: golden.labels.length };

function assertInterval(found: Interval, wanted: Interval, tolerance: number): void {
  assertAlmostEquals(found.low, wanted.low, tolerance);
  assertAlmostEquals(found.high, wanted.high, tolerance);
}

Deno.test("on given draws, both intervals agree with NumPy to all digits", () => {
  for (const [name, wanted] of Object.entries(golden.given)) {
    const found = twoWayIntervals(sizes, differenceOf(metrics[name]!), golden.draws)!;
    assertAlmostEquals(found.observed, wanted.observed, 1e-12);
    assertInterval(found.percentile, wanted.percentile, 1e-12);
    assertInterval(found.corrected, wanted.corrected, 1e-9);
  }
});

Deno.test("on draws of its own, both intervals agree with SciPy's bootstrap of two samples", () => {
  const draws = twoWayDraws(sizes.seeds, sizes.examples, { seed: 3, draws: 4000 });
  const found = twoWayIntervals(sizes, differenceOf(accuracy), draws)!;
  // A share of 5 × 24 predictions moves in steps of 1/120.
  assertInterval(found.percentile, golden.scipy.percentile, 0.021);
  assertInterval(found.corrected, golden.scipy.corrected, 0.026);
});

Deno.test("draws repeat with their seed and have the sizes that were asked for", () => {
  const drawn = (seed: number) => [...twoWayDraws(3, 7, { seed, draws: 5 })];
  assertEquals(drawn(1), drawn(1));
  assertEquals(drawn(1).map(({ seeds, examples }) => [seeds.length, examples.length]), [
    [3, 7],
    [3, 7],
    [3, 7],
    [3, 7],
    [3, 7],
  ]);
  assertEquals(JSON.stringify(drawn(1)) === JSON.stringify(drawn(2)), false);
  assertEquals([...twoWayDraws(3, 7, { seed: 1 })].length, 2000);
});

Deno.test("a method against itself has the interval [0, 0]", () => {
  const draws = twoWayDraws(5, 24, { seed: 1, draws: 50 });
  const found = twoWayIntervals(sizes, () => 0, draws);
  assertEquals(found, {
    observed: 0,
    percentile: { low: 0, high: 0 },
    corrected: { low: 0, high: 0 },
  });
});

Deno.test("no interval comes of too little, or of a statistic that is mostly undefined", () => {
  const draws = () => twoWayDraws(3, 3, { seed: 1, draws: 40 });
  const mean: TwoWayStatistic = ({ seeds }) => seeds.reduce((sum, s) => sum + s, 0);
  assertEquals(twoWayIntervals({ seeds: 2, examples: 9 }, mean, draws()), null);
  assertEquals(twoWayIntervals({ seeds: 9, examples: 2 }, mean, draws()), null);
  assertEquals(twoWayIntervals({ seeds: 3, examples: 3 }, mean, []), null);
  // Undefined where a draw misses seed 0, as 8 in 27 do, and as leaving it out does.
  const needsFirst: TwoWayStatistic = (draw) => draw.seeds.includes(0) ? mean(draw) : null;
  assertEquals(twoWayIntervals({ seeds: 3, examples: 3 }, needsFirst, draws()), null);
});

/** Three seeds that differ in nothing: 2 as observed, and a draw has the value that stands for its last seed. */
function drawn(values: readonly (number | null)[], level?: number) {
  const draws = values.map((value) => ({ seeds: [0, 0, value ?? -1], examples: [0, 1, 2] }));
  const statistic: TwoWayStatistic = ({ seeds }) =>
    seeds.length < 3 ? 2 : seeds[2] === -1 ? null : seeds[2]!;
  return twoWayIntervals({ seeds: 3, examples: 3 }, statistic, draws, level);
}

Deno.test("bias counts ties half, and is none where all resamples lie on one side", () => {
  // Below are two of ten, tied two: SciPy's norm.cdf(2 norm.ppf(0.3) ± norm.ppf(0.75)) and numpy.quantile.
  const found = drawn([8, 0, 1, 2, 2, 3, 4, 5, 6, 7], 0.5)!;
  assertEquals([found.observed, found.percentile], [2, { low: 2, high: 5.75 }]);
  assertInterval(found.corrected, { low: 0.3817617977, high: 2.1867773498 }, 1e-9);
  for (const values of [[3, 4, 5, 7], [0, 1, 1.5, 1.75]]) {
    const { percentile, corrected } = drawn(values, 0.5)!;
    assertInterval(corrected, percentile, 1e-12);
  }
  assertEquals(drawn([4])!.percentile, { low: 4, high: 4 });
});

Deno.test("a tenth of the resamples may be undefined, and no value without a seed", () => {
  const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  assertEquals(drawn([...nine, null])?.percentile, drawn(nine)!.percentile);
  assertEquals(drawn([...nine, null, null]), null);
  const undefinedWithout: TwoWayStatistic = ({ seeds }) => seeds.length < 3 ? null : 1;
  const draws = twoWayDraws(3, 3, { seed: 1, draws: 5 });
  assertEquals(twoWayIntervals({ seeds: 3, examples: 3 }, undefinedWithout, draws), null);
});
