import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import {
  logMixtureEvidence,
  mixtureCritical,
  planStopping,
  stoppingState,
  type StoppingVerdict,
} from "../../src/stats/stopping.ts";
import { normalUpper, upperProbability } from "../../src/stats/distributions.ts";
import { criticalValues, signCounts, type Spending, spentLevel } from "../../src/stats/spending.ts";
import golden from "../golden/stopping.json" with { type: "json" };

Deno.test("spentLevel agrees with SciPy and spends all at the cap", () => {
  for (const { spending, share, level, spent } of golden.spent) {
    assertAlmostEquals(spentLevel(spending as Spending, share, level), spent, 1e-12);
  }
  assertEquals(spentLevel("pocock", 0, 0.05), 0);
  assertAlmostEquals(spentLevel("obrien-fleming", 1.2, 0.05), 0.05, 1e-12);
});

Deno.test("critical values are those of simulated studies, within four standard errors", () => {
  let compared = 0;
  for (const { looks, spending, level, sides, critical } of golden.critical) {
    const found = criticalValues({
      looks,
      level,
      sides: sides as 1 | 2,
      spending: spending as Spending,
    });
    for (const [i, wanted] of critical.entries()) {
      if (wanted === null) continue;
      compared++;
      assertAlmostEquals(found[i]!, wanted.t, 4 * wanted.error + 1e-3, `${spending}, look ${i}`);
    }
  }
  assert(compared > 15);
});

Deno.test("with many values, critical values are the published ones for known variance", () => {
  const looks = [20, 40, 60, 80, 100];
  for (const [spending, boundary] of Object.entries(golden.knownVariance)) {
    const found = criticalValues({
      looks,
      level: 0.025,
      sides: 2,
      spending: spending as Spending,
    });
    for (const [i, t] of found.entries()) {
      const [exact, normal] = [upperProbability(t, looks[i]! - 1), normalUpper(boundary[i]!)];
      if (normal > 1e-4) assertAlmostEquals(exact, normal, 0.05 * normal, `${spending} ${i}`);
    }
  }
});

Deno.test("counts of sign tests are those of SciPy's binomial, and leave to the next look what they cannot spend", () => {
  for (const { looks, level, sides, counts } of golden.signs) {
    const wanted = counts.map((count) => count ?? Infinity);
    assertEquals(signCounts({ looks, level, sides: sides as 1 | 2 }), wanted);
  }
  assertEquals(golden.signs.length, 9);
});

Deno.test("the rule sign asks about the median, with its intervals from one value to another", () => {
  const plan = planStopping({ block: 6, cap: 6, margin: 1, rule: "sign" });
  // All six of six: 2/64 on both sides together; five are 14/64, and on one side 7/64.
  assertEquals([plan.difference, plan.equivalence], [[6], [6]]);
  const { mean, low, high, innerLow, innerHigh } = stoppingState([9, 2, 40, 3, 5, 4], plan);
  assertEquals([mean, low, high, innerLow, innerHigh], [4.5, 2, 40, 2, 40]);
  const verdict = (...values: number[]) => stoppingState(values, plan).verdict;
  assertEquals(verdict(9, 2, 40, 3, 5, 4), "better");
  // A value that is equal to the bar lies on neither side of it.
  assertEquals(verdict(9, 2, 40, 3, 5, 0), "undecided");
  assertEquals(verdict(0.9, 0.9, -0.9, 0.1, 0, 0), "equivalent");
  assertEquals(verdict(-5, -5, -5, -5, -5, -5), "worse");
  const five = planStopping({ block: 5, cap: 5, margin: 1, rule: "sign" });
  assertEquals([five.difference, five.equivalence], [[Infinity], [5]]);
  assertEquals(stoppingState([5, 5, 5, 5, 5], five).high, Infinity);
});

Deno.test("the rule sign keeps the level of medians where differences are skewed, on either side, and the t test that of no mean", () => {
  const repeats = 2000;
  const median = Math.log(2);
  const falseVerdicts = (rule: "sign" | "obrien-fleming", centre: number, side: 1 | -1) => {
    const plan = planStopping({ block: 3, cap: 30, margin: 1, betterThan: 1, rule });
    const stream = RandomStream.fromSeed(7).fork("skewed");
    let equivalent = 0;
    let better = 0;
    for (let i = 0; i < repeats; i++) {
      const drawn = Array.from({ length: 30 }, () => -Math.log(1 - stream.next()) - centre);
      const { verdict } = stoppingState(drawn.map((value) => 1 + side * value), plan);
      if (verdict === "equivalent") equivalent++;
      if (verdict === "better") better++;
    }
    return [equivalent / repeats, better / repeats] as const;
  };
  for (const side of [1, -1] as const) {
    const [equivalent, better] = falseVerdicts("sign", median, side);
    assert(equivalent < 0.05 && better < 0.025, `${side}: ${equivalent}, ${better}`);
  }
  assert(falseVerdicts("obrien-fleming", 1, 1)[0] > 0.12);
  assert(falseVerdicts("obrien-fleming", 1, -1)[1] > 0.08);
});

Deno.test("one look is the plain t test, and a look without level cannot end a study", () => {
  const [only] = criticalValues({ looks: [10], level: 0.025, sides: 2 });
  assertAlmostEquals(only!, 2.2621571628, 1e-9);
  assertEquals(criticalValues({ looks: [3, 60], level: 0.025, sides: 2 })[0], Infinity);
  for (const looks of [[], [1, 3], [5, 5], [3.5], [5, 40], [5, 6, 40]]) {
    assertThrows(
      () => criticalValues({ looks, cap: 30, level: 0.05, sides: 1 }),
      RangeError,
      "ascending whole numbers from 2",
    );
  }
});

Deno.test("a study that ended on the other side does not come back, so that two sides end sooner", () => {
  const at = (sides: 1 | 2) =>
    criticalValues({ looks: [2, 4], level: 0.3, sides, spending: "pocock" });
  const [[first, second], [same, sooner]] = [at(1), at(2)] as [number[], number[]];
  assertEquals(first, same);
  assert(second! - sooner! > 0.005, `${second} of one side, ${sooner} of two`);
  assertThrows(
    () => criticalValues({ looks: [], level: 0.3, sides: 1 }),
    RangeError,
    "looks at no number of seeds with at most 0",
  );
});

Deno.test("the mixture evidence is the integral over its prior, and its critical t inverts it", () => {
  for (const { values, scale, log } of golden.evidence) {
    assertAlmostEquals(logMixtureEvidence(values, scale), log, 1e-8);
  }
  for (const [n, scale] of [[6, 1], [10, 1], [60, 1], [10, 0.5], [6, 2]] as const) {
    const t = mixtureCritical(n, 0.05, scale);
    // Values of mean t / √n and deviation 1.
    const values = Array.from({ length: n }, (_, i) => i % 2 === 0 ? 1 : -1);
    const deviation = Math.sqrt(n / (n - 1));
    const shifted = values.map((value) => value / deviation + t / Math.sqrt(n));
    assertAlmostEquals(logMixtureEvidence(shifted, scale), Math.log(20), 1e-9);
  }
  assertEquals([0, 1, 2].map((n) => mixtureCritical(n, 0.05)), [Infinity, Infinity, Infinity]);
  assertEquals([logMixtureEvidence([]), logMixtureEvidence([3]), logMixtureEvidence([0, 0])], [
    0,
    0,
    0,
  ]);
});

Deno.test("a plan tests differences on both sides and equivalence on each, by every rule", () => {
  // Student's t of 3 degrees of freedom: 0.975 and 0.95.
  const one = planStopping({ block: 4, cap: 4, margin: 1 });
  assertAlmostEquals(one.difference[0]!, 3.182446305, 1e-8);
  assertAlmostEquals(one.equivalence[0]!, 2.353363435, 1e-8);
  const many = planStopping({ block: 4, cap: 12, margin: 1, level: 0.04, rule: "pocock" });
  const { looks } = many;
  const spending = "pocock";
  assertEquals(many.difference, criticalValues({ looks, level: 0.02, sides: 2, spending }));
  assertEquals(many.equivalence, criticalValues({ looks, level: 0.04, sides: 1, spending }));
  // The mixture's evidence is of both sides.
  const anytime = planStopping({ block: 4, cap: 12, margin: 1, level: 0.04, rule: "anytime" });
  assertEquals(anytime.difference, looks.map((n) => mixtureCritical(n, 0.04)));
  assertEquals(anytime.equivalence, looks.map((n) => mixtureCritical(n, 0.08)));
});

Deno.test("intervals are the mean and critical values times the spread, or rounding's", () => {
  const plan = planStopping({ block: 4, cap: 4, margin: 1 });
  // Mean 3, squares 4 + 1 + 0 + 9 over 3.
  const error = Math.sqrt(14 / 3) / 2;
  const { mean, low, high, innerLow, innerHigh } = stoppingState([1, 2, 3, 6], plan);
  assertAlmostEquals(mean!, 3, 1e-12);
  assertAlmostEquals(low, 3 - 3.182446305 * error, 1e-8);
  assertAlmostEquals(high, 3 + 3.182446305 * error, 1e-8);
  assertAlmostEquals(innerLow, 3 - 2.353363435 * error, 1e-8);
  assertAlmostEquals(innerHigh, 3 + 2.353363435 * error, 1e-8);
  const stepped = stoppingState([0, 0, 0, 0], { ...plan, resolution: 1 });
  assertAlmostEquals(stepped.high, 3.182446305 / Math.sqrt(6) / 2, 1e-8);
});

Deno.test("an interval that ends at a bar has not passed it", () => {
  const plan = {
    ...planStopping({ block: 4, cap: 4, margin: 2 }),
    difference: [2],
    equivalence: [2],
  };
  /** Differences of that mean and of deviation 1, so that the intervals reach 1 to each side. */
  const verdict = (mean: number, rest: Partial<typeof plan> = {}) => {
    const differences = [-1.5, 0.5, 0.5, 0.5].map((apart) => mean + apart);
    const state = stoppingState(differences, { ...plan, ...rest });
    assertEquals([state.low, state.innerHigh], [mean - 1, mean + 1]);
    return state.verdict;
  };
  assertEquals([verdict(0.5), verdict(1), verdict(-1)], ["equivalent", "undecided", "undecided"]);
  const question = "not worse";
  assertEquals([verdict(-1, { question }), verdict(-3, { question })], ["undecided", "undecided"]);
  assertEquals(verdict(-0.5, { margin: 0.25, betterThan: 1 }), "undecided");
});

Deno.test("a verdict is that of the first look that decides, whatever comes later", () => {
  const plan = planStopping({ block: 3, cap: 12, margin: 1, rule: "pocock" });
  const clear = [2.1, 2.9, 2.4, 3.1, 2.2, 2.6];
  const early = stoppingState(clear.slice(0, 3), plan);
  assertEquals([early.verdict, early.n, early.isFinal], ["better", 3, true]);
  assertEquals(stoppingState([...clear, -50, -60, -70], plan), early);
  assertEquals(stoppingState(clear.map((d) => -d), plan).verdict, "worse");
  const equal = stoppingState([0.1, -0.05, 0.02], plan);
  assertEquals([equal.verdict, equal.n], ["equivalent", 3]);
  assert(equal.innerLow > equal.low && equal.innerHigh < 1);
});

Deno.test("before the first look, and between looks, nothing is decided", () => {
  const plan = planStopping({ block: 3, cap: 8, margin: 0.1 });
  assertEquals(plan.looks, [3, 6, 8]);
  const none = stoppingState([5, 6], plan);
  assertEquals(none, {
    verdict: "undecided",
    n: 0,
    mean: null,
    low: -Infinity,
    high: Infinity,
    innerLow: -Infinity,
    innerHigh: Infinity,
    isFinal: false,
  });
  const noisy = [3, -2, 1, -4, 5, -1, 2, -3];
  assertEquals(stoppingState(noisy.slice(0, 5), plan), stoppingState(noisy.slice(0, 3), plan));
  const end = stoppingState(noisy, plan);
  assertEquals([end.verdict, end.n, end.isFinal], ["undecided", 8, true]);
});

Deno.test("equal differences decide nothing unless all are zero or the metric's steps are known", () => {
  const plan = planStopping({ block: 3, cap: 12, margin: 1, rule: "pocock" });
  const same = stoppingState([5, 5, 5], plan);
  assertEquals([same.verdict, same.low, same.high], ["undecided", -Infinity, Infinity]);
  assertEquals(stoppingState([0.3 - 0.2, 0.2 - 0.1, 0.4 - 0.3], plan).verdict, "undecided");
  assertEquals(stoppingState([0, 0, 0], plan).verdict, "equivalent");
  const stepped = planStopping({
    block: 3,
    cap: 12,
    margin: 1,
    rule: "pocock",
    resolution: 1.2,
  });
  assertEquals(stoppingState([5, 5, 5], stepped).verdict, "better");
  assertEquals(stoppingState([0.9, 0.9, 0.9], stepped).verdict, "undecided");
});

Deno.test("better than the margin is asked for more than better than zero", () => {
  const differences = [0.9, 1.3, 1.1, 1.4, 1.2, 1.0];
  const plain = planStopping({ block: 6, cap: 6, margin: 1 });
  const strict = planStopping({ block: 6, cap: 6, margin: 1, betterThan: 1 });
  assertEquals(stoppingState(differences, plain).verdict, "better");
  assertEquals(stoppingState(differences, strict).verdict, "undecided");
  // A difference that is there but lies within the margin is equivalent.
  assertEquals(stoppingState(differences.map((d) => d / 2), plain).verdict, "equivalent");
});

Deno.test("not worse is a question of its own: above minus the margin, whatever equivalence would say", () => {
  const options = { block: 3, cap: 12, margin: 1, question: "not worse" } as const;
  const plan = planStopping(options);
  const around = (mean: number) => [0.3, -0.4, 0.1, 0.2, -0.3, 0.1].map((apart) => mean + apart);
  const verdicts = [-2.5, -1, 0, 2.5].map((mean) => stoppingState(around(mean), plan).verdict);
  assertEquals(verdicts, ["worse", "undecided", "not worse", "not worse"]);
  // The bar of better is another question's.
  const higher = planStopping({ ...options, betterThan: 2 });
  assertEquals(stoppingState(around(0), higher), stoppingState(around(0), plan));
  assertEquals(stoppingState([0, 0, 0], plan).verdict, "not worse");
});

Deno.test("a plan that cannot be carried out is refused", () => {
  for (
    const [options, words] of [
      [{ block: 2, cap: 10, margin: 1 }, "blocks of 2 seeds"],
      [{ block: 5, cap: 4, margin: 1 }, "up to 4"],
      [{ block: 3, cap: 9, margin: 0 }, "margin of 0"],
      [{ block: 3, cap: 9, margin: 1, betterThan: -1 }, "above -1"],
    ] as const
  ) assertThrows(() => planStopping(options), RangeError, words);
  const plan = planStopping({ block: 3, cap: 3, margin: 1 });
  assertThrows(() => stoppingState([1, NaN, 2], plan), RangeError, "NaN as difference 2 of 3");
});

Deno.test("a method against itself is equivalent or undecided in 95 of 100 studies, and each rule keeps its level", () => {
  const repeats = 600;
  for (const rule of ["pocock", "obrien-fleming", "anytime", "sign"] as const) {
    const count = (margin: number, mean: number, betterThan = 0) => {
      const plan = planStopping({ block: 3, cap: 18, margin, betterThan, rule });
      const stream = RandomStream.fromSeed(4).fork("self");
      const counts: Record<StoppingVerdict, number> = {
        better: 0,
        worse: 0,
        equivalent: 0,
        "not worse": 0,
        undecided: 0,
      };
      for (let i = 0; i < repeats; i++) {
        counts[stoppingState([...stream.normals(18)].map((d) => d + mean), plan).verdict]++;
      }
      return counts;
    };
    // Three standard errors of 5 % above it.
    const most = repeats * 0.05 + 3 * Math.sqrt(repeats * 0.05 * 0.95);
    const narrow = count(0.01, 0);
    assert(narrow.better + narrow.worse < most, `${rule}: ${JSON.stringify(narrow)}`);
    const apart = count(1, 1);
    assert(apart.equivalent < most, `${rule}: ${JSON.stringify(apart)}`);
    const self = count(1, 0);
    assert(self.equivalent + self.undecided >= 0.95 * repeats, `${rule}: ${JSON.stringify(self)}`);
    assertEquals(count(1, 0, 1).better, 0);
    assert(count(0.5, 1.5).better > 0.9 * repeats);
  }
});
