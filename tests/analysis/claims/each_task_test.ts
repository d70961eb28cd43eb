import { assert, assertEquals, assertMatch } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import type { ClaimVerdict } from "../../../src/analysis/claims/verdict.ts";
import { ruleOf } from "../../../src/analysis/claims/verdict.ts";
import { chanceOfTasks, disagreementOf } from "../../../src/analysis/claims/each_task.ts";
import { lineOf } from "../../../src/analysis/claims/text.ts";
import type { SeedDifference } from "../../../src/analysis/claims/series.ts";
import type { Claim } from "../../../src/study/schema/claims.ts";
import { claimedStudy, claimOf, verdictsOn } from "./scored_runs.ts";

/** The verdict on a claim whose `ours` gains so many points on two tasks, give or take one with each seed. */
function verdictOf(
  gains: readonly [number, number],
  claim: Partial<Claim> = {},
  { seeds = 12, spread = 1, stream = RandomStream.fromSeed(3).fork("each task") } = {},
): ClaimVerdict {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf(claim)],
    rest: { decide: { block: 3, mostSeeds: 12 } },
    tasks: [["first", "matthews"], ["second", "matthews"]],
    seeds,
    score: ({ task, label }) =>
      0.5 +
      (label === "ours" ? (gains[task === "first" ? 0 : 1]! + spread * stream.normal()) / 100 : 0),
  });
  return verdictsOn({ study, planned, runs })[0]!;
}

Deno.test("two tasks that disagree are no equivalence, and each has its own verdict beside", () => {
  const verdict = verdictOf([-3, 3]);
  assertEquals(verdict.state.verdict, "equivalent");
  assertEquals(verdict.answer, "tasks disagree");
  assert(verdict.tasksDiffer! < 1e-3);
  const { notes } = lineOf(verdict);
  assertMatch(
    notes[0]!,
    /^equivalent on average, but the tasks differ \(p [\d.e−-]+\): first −\d\.\d\d \(worse\) and second \+\d\.\d\d \(better\)$/,
  );
});

Deno.test("tasks that differ by less than matters agree, and so do noisy ones", () => {
  // Certainly apart, and both within the margin of a point.
  const near = verdictOf([-0.4, 0.4], {}, { spread: 0.05 });
  assert(near.tasksDiffer! < 0.02);
  assertEquals(near.answer, "equivalent");
  assertEquals(verdictOf([3, 3.5]).answer, "supported");
  // One task carries the average: better there, and within the margin on the other.
  assertEquals(verdictOf([0, 6]).answer, "tasks disagree");
});

Deno.test("tasks of the same true difference are rarely said to disagree", () => {
  const stream = RandomStream.fromSeed(5).fork("agree");
  let disagreeing = 0;
  const studies = 300;
  for (let i = 0; i < studies; i++) {
    if (verdictOf([0, 0], {}, { stream }).answer === "tasks disagree") disagreeing++;
  }
  assert(disagreeing <= 0.05 * studies, String(disagreeing));
});

Deno.test("a claim on every task holds where each shows it, and one task refutes it", () => {
  const on = "every task";
  const answer = (gains: readonly [number, number], says: Claim["says"] = "better") =>
    verdictOf(gains, { on, says }).answer;
  assertEquals(answer([4, 4]), "supported");
  assertEquals(answer([4, 0]), "equivalent");
  assertEquals(answer([4, -4]), "refuted");
  assertEquals(answer([4, 1]), "undecided");
  assertEquals(answer([-3, 3], "equivalent"), "refuted");
  assertEquals(answer([0, 0], "equivalent"), "supported");
  assertEquals(answer([0, 3], "not worse"), "supported");
  const short = verdictOf([4, 1], { on });
  assertEquals(short.task, "second");
  assertMatch(lineOf(short).number, /^\+\d\.\d\d points on second$/);
  assert(lineOf(short).claim.endsWith(" on every task"));
});

Deno.test("a claim that is false on one task is supported on every task in at most half of the level's studies", () => {
  // At the bar itself on one task and far beyond it on the other, where an error is most likely.
  const stream = RandomStream.fromSeed(6).fork("union");
  let supported = 0;
  const studies = 300;
  for (let i = 0; i < studies; i++) {
    if (verdictOf([1, 6], { on: "every task" }, { stream }).answer === "supported") supported++;
  }
  // 2.5 %, and three standard errors.
  assert(supported <= 0.052 * studies, String(supported / studies));
});

Deno.test("the chance of tasks is that of the seeds' differences, and none for one task or seed", () => {
  const seedOf = (...values: readonly number[]): SeedDifference => ({
    seed: 1,
    value: 0,
    tasks: values.map((difference, i) => ({
      task: String(i),
      metric: "accuracy",
      difference,
      margin: 1,
    })),
  });
  assertEquals(chanceOfTasks([seedOf(1), seedOf(2)]), null);
  assertEquals(chanceOfTasks([seedOf(1, 2)]), null);
  // The paired t test of 1, 2, 3: t = 2 √3 with two degrees of freedom.
  const p = chanceOfTasks([seedOf(0, 1), seedOf(0, 2), seedOf(0, 3)])!;
  assert(Math.abs(p - 0.07417990) < 1e-7, String(p));
  const plan = ruleOf({ axes: { seeds: [1, 2, 3] } });
  assertEquals(disagreementOf([seedOf(0, 9)], "undecided", plan), null);
});
