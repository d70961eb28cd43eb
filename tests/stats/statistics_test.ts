import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  assertFinite,
  averageRanks,
  bootstrapInterval,
  isNoSpread,
  kendall,
  rankCorrelation,
  skewnessOf,
  spearman,
  summarise,
} from "../../src/stats/statistics.ts";
import { centralProbability, centralQuantile } from "../../src/stats/distributions.ts";

import golden from "../golden/statistics.json" with { type: "json" };

const near = (actual: number | null, expected: number, relative = 1e-9) => {
  assert(actual !== null);
  assertAlmostEquals(actual, expected, relative * Math.max(1, Math.abs(expected)));
};

Deno.test("centralQuantile agrees with SciPy from 1 to 40,000 degrees of freedom", () => {
  for (const { level, freedom, t } of golden.quantiles) {
    near(centralQuantile(level, freedom), t, 1e-8);
    near(centralProbability(t, freedom), level, 1e-9);
  }
});

Deno.test("centralQuantile refuses what has no quantile", () => {
  for (const [level, freedom] of [[0, 3], [1, 3], [0.95, 0], [0.95, 2.5]] as const) {
    assertThrows(() => centralQuantile(level, freedom), RangeError, "Student's t");
  }
});

Deno.test("summarise agrees with SciPy's mean, deviation and t interval", () => {
  for (const sample of Object.values(golden.summaries)) {
    const summary = summarise(sample.values);
    assertEquals(summary.n, sample.values.length);
    near(summary.mean, sample.mean);
    near(summary.sd, sample.sd);
    near(summary.low, sample.low);
    near(summary.high, sample.high);
  }
});

Deno.test("skewness is SciPy's, with the standard error of normal numbers, and none of equal ones", () => {
  let compared = 0;
  for (const { values, skewness } of Object.values(golden.summaries)) {
    const found = skewnessOf(values);
    if (skewness === null) assertEquals(found, null);
    else {
      near(found!.skewness, skewness);
      compared++;
    }
  }
  assertEquals(compared, 2);
  // Joanes and Gill 1998: √(6 · 10 · 9 / (8 · 11 · 13)).
  near(skewnessOf(golden.summaries["ten values"].values)!.error, 0.687043, 1e-6);
  assertEquals(skewnessOf([0.3 - 0.2, 0.2 - 0.1, 0.4 - 0.3]), null);
});

Deno.test("summarise claims no spread for one value and nothing for none, and leaves out NaN", () => {
  assertEquals(summarise([4]), { n: 1, mean: 4, sd: null, low: null, high: null });
  assertEquals(summarise([]), { n: 0, mean: null, sd: null, low: null, high: null });
  assertEquals(summarise([NaN, 4, Infinity]).n, 1);
});

Deno.test("spearman, kendall and averageRanks agree with SciPy, ties included", () => {
  for (const pair of Object.values(golden.correlations)) {
    near(spearman(pair.x, pair.y), pair.spearman);
    near(kendall(pair.x, pair.y), pair.kendall);
    assertEquals(averageRanks(pair.y), pair.ranks);
  }
});

Deno.test("averageRanks() gives equal values their average rank", () => {
  assertEquals(averageRanks([30, 10, 20, 20, 10, 20]), [6, 1.5, 4, 4, 1.5, 4]);
  assertEquals(averageRanks([]), []);
});

Deno.test("spearman and kendall of equal and of opposite orders are 1 and −1, not more", () => {
  for (const correlate of [spearman, kendall]) {
    for (const x of [[7, 7, 5], [0, 1, 2, 3], [1, 5, 2, 2, 9, 4, 4]]) {
      assertEquals(correlate(x, x), 1);
      assertEquals(correlate(x, x.map((value) => -value)), -1);
    }
  }
});

Deno.test("one value is constant, so that it has no correlation", () => {
  assertEquals(rankCorrelation([1], [2]), null);
});

Deno.test("spearman and kendall are null where a side is constant or pairs are few", () => {
  for (const correlate of [spearman, kendall]) {
    assertEquals(correlate([2, 2, 2, 2], [1, 2, 3, 4]), null);
    assertEquals(correlate([1, 2, 3, 4], [5, 5, 5, 5]), null);
    assertEquals(correlate([1, 2], [1, 2]), null);
  }
});

Deno.test("bootstrapInterval agrees with SciPy's percentile bootstrap and repeats", () => {
  const { values, low, high } = golden.bootstrap;
  const meanOf = (units: readonly number[]) =>
    units.reduce((sum, unit) => sum + values[unit]!, 0) / units.length;
  const found = bootstrapInterval(values.length, meanOf, { seed: 3, draws: 20000 });
  assert(found !== null);
  // 20,000 draws leave about 0.02 of sampling error at the ends.
  assertAlmostEquals(found.low, low, 0.06);
  assertAlmostEquals(found.high, high, 0.06);
  assertEquals(bootstrapInterval(values.length, meanOf, { seed: 3, draws: 20000 }), found);
  const few = (seed: number) => bootstrapInterval(values.length, meanOf, { seed, draws: 100 });
  assertNotEquals(few(4), few(3));
});

Deno.test("bootstrapInterval draws as often as it is told, 2,000 times by default, from three units on", () => {
  for (const draws of [undefined, 50]) {
    let count = 0;
    const statistic = () => ++count;
    assert(bootstrapInterval(3, statistic, draws === undefined ? { seed: 1 } : { seed: 1, draws }));
    assertEquals(count, draws ?? 2000);
  }
  // Of 1 to 1001, a quarter lies below 251 and a quarter above 751.
  let next = 0;
  assertEquals(
    bootstrapInterval(3, () => ++next, { seed: 1, draws: 1001, level: 0.5 }),
    { low: 251, high: 751 },
  );
});

Deno.test("bootstrapInterval gives none where the statistic is mostly undefined", () => {
  assertEquals(bootstrapInterval(5, () => null, { seed: 0 }), null);
  assertEquals(bootstrapInterval(2, () => 1, { seed: 0 }), null);
  // Undefined on one sample in ten is not too often, on one in nine it is.
  const each = (nth: number) => {
    let count = 0;
    return () => ++count % nth === 0 ? null : count;
  };
  assert(bootstrapInterval(5, each(10), { seed: 0, draws: 900 }) !== null);
  assertEquals(bootstrapInterval(5, each(9), { seed: 0, draws: 900 }), null);
});

Deno.test("the first value that is no finite number is named with its place", () => {
  assertFinite([0, -1, 1e300], "difference");
  assertFinite([], "difference");
  assertThrows(
    () => assertFinite([NaN, 1, Infinity], "difference"),
    RangeError,
    "Cannot use NaN as difference 1 of 3",
  );
  assertThrows(
    () => assertFinite([1, -Infinity], "score"),
    RangeError,
    "-Infinity as score 2 of 2",
  );
});

Deno.test("a spread is none where it is rounding of the largest value", () => {
  assert(isNoSpread(1e-7, [1e6, -1e6]));
  assert(isNoSpread(1e-13, [0, 1]));
  assertEquals([isNoSpread(1e-7, [1, 2]), isNoSpread(0, [0, 0])], [false, true]);
});
