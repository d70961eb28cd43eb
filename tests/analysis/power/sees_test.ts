/** What numbers of seeds could see, against spreads at which SciPy's power is 0.8. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type Seen, seesOf } from "../../../src/analysis/power/claim_power.ts";
import { planStopping, type StoppingPlan } from "../../../src/stats/stopping.ts";

/** Four looks with critical values by hand. */
const plan: StoppingPlan = {
  ...planStopping({ block: 4, cap: 16, margin: 1, betterThan: 0.5 }),
  difference: [5, 3, 2.5, 2.2],
  equivalence: [4, 2.6, 2.1, 1.9],
};
/** With this spread, eight seeds find a difference of 1 at their look: the root of scipy.stats.nct. */
const spread = 0.7139208316595831;

function assertSees(found: Seen, seeds: number, difference: number, margin: number): void {
  assertEquals(found.seeds, seeds);
  assertAlmostEquals(found.difference, difference, 1e-7);
  assertAlmostEquals(found.margin, margin, 1e-7);
}

Deno.test("seeds see what their last look sees, beyond the bar, with a power of 0.8", () => {
  // The other numbers are spreads for a difference or a margin of 1 at the look: nct, and scipy.integrate.quad.
  for (const seeds of [8, 11]) {
    const [own, all, ...rest] = seesOf(plan, spread, seeds);
    assertSees(own!, seeds, 0.5 + 1, spread / 0.6977429157217839);
    assertSees(all!, 16, 0.5 + spread / 1.3033339730026707, spread / 1.24048628540904);
    assertEquals(rest, []);
  }
  // More than the rule allows are as many as it allows.
  assertEquals(seesOf(plan, spread, 20).map(({ seeds }) => seeds), [16]);
});

Deno.test("before the first look nothing is seen, and not worse is seen from minus the margin", () => {
  assertEquals(seesOf(plan, spread, 3)[0], { seeds: 3, difference: Infinity, margin: Infinity });
  const [own] = seesOf({ ...plan, question: "not worse" }, spread, 8);
  assertSees(own!, 8, -1 + 1, spread / 0.6977429157217839);
});
