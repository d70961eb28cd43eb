/** Seeds that a claim needs, against spreads at which SciPy's power is 0.8 and seeds that statsmodels finds. */
import { assertEquals } from "@std/assert";
import { moreSeeds, seedsToDecide } from "../../../src/analysis/claims/more_seeds.ts";
import { planStopping, type StoppingPlan } from "../../../src/stats/stopping.ts";

/** Four looks with critical values by hand. */
const plan: StoppingPlan = {
  ...planStopping({ block: 4, cap: 16, margin: 1, betterThan: 0.5 }),
  difference: [5, 3, 2.5, 2.2],
  equivalence: [4, 2.6, 2.1, 1.9],
};

/** Seeds with a spread just below and just above the given one. */
const around = (spread: number, mean: number, own = plan, from?: number) =>
  [0.999, 1.001].map((times) => seedsToDecide(mean, spread * times, own, from).total);

Deno.test("a difference is likely found at the first look with a power of 0.8 beyond the bar", () => {
  // Roots of scipy.stats.nct in the spread, for a mean 1 above the bar.
  assertEquals(around(0.3114613590153825, 1.5), [4, 8]);
  assertEquals(around(0.7139208316595831, -1.5), [8, 12]);
  assertEquals(around(1.0206924428781656, 1.5), [12, 16]);
  // Looks that were taken do not come again.
  assertEquals(around(0.7139208316595831, 1.5, plan, 8), [12, 12]);
});

Deno.test("equivalence is likely found where the mean lies within the margin, whichever comes first", () => {
  // Roots of scipy.integrate.quad over the sample's spread.
  assertEquals(around(0.6341369462801612, 0.2), [8, 12]);
  // Of a mean of 0.8 the difference is found with larger spreads (0.3062 at 12 seeds) than equivalence (0.2331).
  assertEquals(around(0.30620773286344977, 0.8), [12, 16]);
});

Deno.test("not worse is a difference from minus the margin", () => {
  const own = { ...plan, question: "not worse" } as const;
  assertEquals(around(0.35696041582979154, -0.5, own), [8, 12]);
});

Deno.test("beyond the plan it is the seeds of one test, and at least one more than the plan has", () => {
  const beyond = (mean: number, spread: number) => seedsToDecide(mean, spread, plan);
  // statsmodels: 34 for the difference of 0.3, and 58 for equivalence by SciPy's quadrature.
  assertEquals(beyond(0.8, 0.6), { total: 34, isWithinPlan: false, isKnown: true });
  assertEquals(beyond(0.5, 1.2).total, 38);
  assertEquals(beyond(1.5, 1.4).total, 18);
  // One test would need 16.
  assertEquals(beyond(1.5, 1.31).total, 17);
});

Deno.test("a spread is at least that of rounding, and without any the next look is all that is known", () => {
  const rounded = [0.999, 1.001].map((times) => {
    const resolution = 0.6977429157217839 * Math.sqrt(6) * times;
    return moreSeeds([0, 0, 0], { ...plan, resolution }).total;
  });
  assertEquals(rounded, [8, 12]);
  const isKnown = false;
  assertEquals(moreSeeds([1, 1, 1], plan), { total: 4, isWithinPlan: true, isKnown });
  assertEquals(moreSeeds(new Array(16).fill(1), plan), {
    total: Infinity,
    isWithinPlan: false,
    isKnown,
  });
});

Deno.test("a sign test needs more seeds, to a twentieth of the spread those of SciPy's binomial", () => {
  const sign = planStopping({ block: 10, cap: 30, margin: 1, betterThan: 0.5, rule: "sign" });
  const total = (spread: number) => seedsToDecide(1.5, spread, sign).total;
  // Spreads with which 16 of 20, and 21 of 30, normal differences lie above the bar with a chance of 0.8.
  assertEquals([0.95, 1.05].map((times) => total(0.9989 * times)), [20, 30]);
  assertEquals([0.95, 1.05].map((times) => total(1.4891 * times)), [30, 33]);
});
