import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  intervalsAt,
  medianUnbiasedMean,
  planStopping,
  stoppedMean,
  stoppingState,
} from "../../src/stats/mod.ts";
import golden from "../golden/stopped_mean.json" with { type: "json" };

Deno.test("a median-unbiased mean has an even chance of a higher outcome, by SciPy's multivariate normal", () => {
  for (const { plan, look, mean, side, unbiased } of golden.cases) {
    const regions = golden.regions[plan as keyof typeof golden.regions];
    const found = medianUnbiasedMean(regions, {
      look,
      mean,
      side: side as "above" | "below" | "middle",
    });
    assertAlmostEquals(found, unbiased, 2e-4, `${plan}, look ${look}, ${mean}`);
  }
  const outside = () =>
    medianUnbiasedMean(golden.regions.pocock, { look: 5, mean: 1, side: "above" });
  assertThrows(outside, RangeError, "there are looks 0 to 4");
});

Deno.test("a stopped mean lies nearer to what did not stop the study, mirrors its sign and is none where nothing stops early", () => {
  const options = { block: 3, cap: 12, margin: 0.1, rule: "pocock" } as const;
  const plan = planStopping(options);
  const differences = [0.2, 2.9, 0.4, 3.2, 1.2, 1.5, 1.1, 2, 0.5];
  const { verdict, n, mean } = stoppingState(differences, plan);
  assertEquals([verdict, n], ["better", 9]);
  const found = stoppedMean(differences, plan, verdict)!;
  assert(found < mean! - 0.01 && found > mean! / 2);
  const turned = stoppedMean(differences.map((value) => -value), plan, "worse")!;
  assertAlmostEquals(turned, -found, 1e-12);
  // Nothing can have stopped it before the first look.
  const first = [2.1, 2.9, 2.4];
  assertAlmostEquals(stoppedMean(first, plan, "better")!, 7.4 / 3, 1e-9);
  assertEquals(stoppedMean(differences, plan, "undecided"), null);
  assertEquals(
    stoppedMean(differences, planStopping({ ...options, rule: "sign" }), "better"),
    null,
  );
  assertEquals(
    stoppedMean(differences, planStopping({ ...options, block: 9, cap: 9 }), "better"),
    null,
  );
  assertEquals(stoppedMean(Array(6).fill(0), plan, "equivalent"), null);
  assertThrows(
    () => stoppedMean([1, 2, 3, 4], plan, "better"),
    RangeError,
    "looks are at 3, 6, 9, 12",
  );
});

Deno.test("a claim of not worse is corrected towards what did not stop it", () => {
  const plan = planStopping({
    block: 3,
    cap: 12,
    margin: 1,
    rule: "pocock",
    question: "not worse",
  });
  const differences = [1.2, 2.9, 0.4, 3.6, 2.2, 1.8].map((value) => value - 1);
  const bar = planStopping({ block: 3, cap: 12, margin: 1e-9, rule: "pocock" });
  const shifted = stoppedMean(differences.map((value) => value + 1), bar, "better")!;
  assertAlmostEquals(stoppedMean(differences, plan, "not worse")!, shifted - 1, 1e-6);
});

Deno.test("intervals at a look are those of the state there, whatever earlier looks said", () => {
  const plan = planStopping({ block: 3, cap: 12, margin: 1, rule: "pocock" });
  const differences = [2.1, 2.9, 2.4, 3.1, 2.2, 2.6];
  const { low, high, innerLow, innerHigh } = stoppingState(differences.slice(0, 3), plan);
  assertEquals(intervalsAt(differences.slice(0, 3), plan), { low, high, innerLow, innerHigh });
  assert(intervalsAt(differences, plan).low > low);
  assertThrows(() => intervalsAt([1, 2], plan), RangeError, "at 2 seeds");
});
