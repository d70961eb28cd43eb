import { assertAlmostEquals, assertEquals } from "@std/assert";
import { lineOf } from "../../../src/analysis/claims/text.ts";
import { marginScale } from "../../../src/analysis/claims/margin_scale.ts";
import { claimedStudy, claimOf, type Place, verdictsOn } from "./scored_runs.ts";

/** What the margin is said to be where LoRA gains so many points over the head, and so many from one rank to the next. */
function scaleOf(overHead: number, byStep: number, claim = claimOf()): readonly string[] {
  const gain = ({ label, budget }: Place) =>
    label === "head" ? 0 : overHead + (budget === 2 ? 0 : budget === 4 ? byStep : byStep + 5);
  const { study, planned, runs } = claimedStudy({
    claims: [claim],
    labels: ["head", "lora", "ours"],
    budgets: [2, 4, 8],
    seeds: 3,
    score: (place) => 0.5 + gain(place) / 100,
  });
  return marginScale(study, claim, planned, runs, { name: "points", perMargin: 1 });
}

Deno.test("a margin stands beside what adapting brings and the smallest step of the budget", () => {
  assertEquals(scaleOf(6, 0.5), [
    "the margin is 17% of what lora gains over head (6.00 points, 3 seeds)",
    "the margin is more than lora gains from rank 2 to 4 (0.50 points, 3 seeds)",
  ]);
  assertEquals(scaleOf(0.8, 2), [
    "the margin is more than lora gains over head (0.80 points, 3 seeds)",
    "the margin is 50% of what lora gains from rank 2 to 4 (2.00 points, 3 seeds)",
  ]);
  // A claim about the head is about that scale itself.
  const about = claimOf({ a: { method: "lora" }, b: { method: "head" } });
  assertEquals(scaleOf(6, 2, about), [
    "the margin is 50% of what lora gains from rank 2 to 4 (2.00 points, 3 seeds)",
  ]);
});

Deno.test("without plain LoRA a margin has no scale", () => {
  const claim = claimOf({ b: { method: "other" } });
  const { study, planned, runs } = claimedStudy({
    claims: [claim],
    labels: ["other", "ours"],
    seeds: 2,
    score: () => 0.5,
  });
  assertEquals(marginScale(study, claim, planned, runs, { name: "points", perMargin: 1 }), []);
});

Deno.test("a margin may be a share of what the study measures on the seeds of the first look, task by task", () => {
  const share = { share: 0.25, a: { method: "lora" }, b: { method: "head" } };
  const verdictOf = (gains: readonly [number, number], seeds = 6) => {
    const made = claimedStudy({
      claims: [claimOf({ says: "equivalent", margin: share })],
      rest: { decide: { block: 3, mostSeeds: 6, rule: "pocock" } },
      tasks: [["first", "matthews"], ["second", "matthews"]],
      labels: ["head", "lora", "ours"],
      seeds,
      score: ({ task, label, seed }) => {
        const gain = gains[task === "first" ? 0 : 1]!;
        // Seeds after the first look gain more, and the margin stays.
        const own = label === "head" ? 0 : gain * (seed > 3 ? 2 : 1);
        return 0.5 + (own + (label === "ours" ? 0.02 * (seed % 3) : 0)) / 100;
      },
    });
    return verdictsOn(made)[0]!;
  };
  const verdict = verdictOf([8, 2]);
  const [first, second] = verdict.differences.at(-1)!.tasks;
  assertAlmostEquals(first!.margin, 0.02, 1e-12);
  assertAlmostEquals(second!.margin, 0.005, 1e-12);
  assertEquals([verdict.answer, verdict.unit.name], ["supported", "margins"]);
  const early = lineOf(verdictOf([8, 2], 2));
  assertEquals(
    early.notes[0],
    "its margin, 25% of what lora gains over head, is measured once 3 seeds have both",
  );
  const none = lineOf(verdictOf([8, -1]));
  assertEquals(
    none.notes[0],
    "its margin, 25% of what lora gains over head, is none: there is no gain on second",
  );
});
