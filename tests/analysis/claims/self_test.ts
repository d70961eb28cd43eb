import { assert, assertEquals } from "@std/assert";
import { type SimulatedOptions, simulatedStudy } from "../../../bench/simulated_claims.ts";
import { RandomStream } from "../../../src/base/random.ts";
import { verdictsOf } from "../../../src/analysis/claims/verdict.ts";

const repeats = 100;

/** How often each answer is given in a hundred studies. */
function answers(options: SimulatedOptions): Readonly<Record<string, number>> {
  const stream = RandomStream.fromSeed(18).fork("self");
  const counts = { supported: 0, refuted: 0, equivalent: 0, undecided: 0 };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { study, planned, runs } = simulatedStudy(stream, options);
    counts[verdictsOf(study, planned, runs)[0]!.answer as keyof typeof counts]++;
  }
  return counts;
}

Deno.test("a method against itself under two names is equivalent or undecided, never better", () => {
  const { supported, refuted, equivalent, undecided } = answers({});
  assertEquals([supported, refuted], [0, 0]);
  assertEquals(equivalent! + undecided!, repeats);
  // The bar of the margin does not come from studies that decide nothing.
  assert(equivalent! > 80, String(equivalent));
  const same = answers({ says: "equivalent" });
  assertEquals(same, { supported: equivalent!, refuted: 0, equivalent: 0, undecided: undecided! });
});

Deno.test("differences of three points are still found at the bar of the margin", () => {
  const { supported, refuted, equivalent } = answers({ points: [3, 3] });
  assert(supported! > 90, String(supported));
  assertEquals([refuted, equivalent], [0, 0]);
});
