import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { aligned, meanCourse, movementOf } from "../../../src/analysis/claims/course.ts";
import type { ScoredRun } from "../../../src/analysis/claims/series.ts";
import type { ClaimVerdict } from "../../../src/analysis/claims/verdict.ts";
import { claimCourseChart } from "../../../src/report/charts/claims.ts";
import { RandomStream } from "../../../src/base/random.ts";
import { claimedStudy, claimOf, verdictsOn } from "./scored_runs.ts";

const steps = 100;

/** The verdict where `ours` ends three points above `lora`, and came there from as many points more or less in each fifth. */
function verdictOf(perFifth: number, { seeds = 6, spread = 0.05 } = {}): ClaimVerdict {
  const stream = RandomStream.fromSeed(8).fork("course");
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    rest: { decide: { rule: "pocock", block: 3, mostSeeds: 6 } },
    seeds,
    score: ({ label }) => 0.5 + (label === "ours" ? 0.03 : 0),
  });
  const withCourse = runs.map(({ record }): ScoredRun => {
    const { asked, happened } = record;
    const last = happened.last!;
    const noise = () => spread * stream.normal() / 100;
    const evaluations = Array.from({ length: 10 }, (_, i) => {
      const left = (10 - (i + 1)) / 2;
      const gain = asked.label === "ours" ? 3 - perFifth * left : 0;
      return { ...last, step: (i + 1) * 10, metrics: { matthews: 0.5 + gain / 100 + noise() } };
    });
    const end = evaluations.at(-1)!;
    return {
      record: { asked, happened: { ...happened, steps, last: end, best: end } },
      evaluations,
    };
  });
  return verdictsOn({ study, planned, runs: withCourse })[0]!;
}

Deno.test("a claim whose difference still moves by more than a third of the margin waits", () => {
  const moving = verdictOf(0.8);
  assertEquals([moving.state.verdict, moving.answer], ["better", "more steps needed"]);
  assertMatch(
    moving.closed[0]!.note,
    /^its difference still moved by \+0\.8\d? points in the last fifth of the steps, more than a third of the margin$/,
  );
  assertEquals(moving.closed[0]!.against, "its difference still moves");
  // Less than a third of a margin, however certain, and either way.
  assertEquals(verdictOf(0.2).answer, "supported");
  assertEquals(verdictOf(0).answer, "supported");
  assertEquals(verdictOf(-0.8).answer, "more steps needed");
});

Deno.test("a difference that may stand still is asked for seeds and not for steps", () => {
  assertEquals(movementOf([0.9]), null);
  const sure = movementOf([0.9, 1, 1.1, 0.95, 1.05, 1])!;
  assertEquals([sure.isMoving, sure.isNoisy], [true, false]);
  assertAlmostEquals(sure.mean, 1, 1e-12);
  const near = movementOf([0.3, 0.5, 0.4, 0.45, 0.35, 0.42])!;
  assertEquals([near.isMoving, near.isNoisy], [true, false]);
  const noisy = movementOf([0.1, 0.9, 0.5, 0.2, 0.8])!;
  assertEquals([noisy.isMoving, noisy.isNoisy], [true, true]);
  assertEquals(movementOf([1.5, -1.2, 1.1, -0.2])!.isMoving, false);
});

Deno.test("a difference that stands still is taken for one that moves in less than five of a hundred studies", () => {
  const stream = RandomStream.fromSeed(9).fork("settled");
  const count = (mean: number) => {
    let moving = 0;
    for (let i = 0; i < 2000; i++) {
      if (movementOf(Array.from({ length: 6 }, () => mean + 0.4 * stream.normal()))!.isMoving) {
        moving++;
      }
    }
    return moving / 2000;
  };
  assert(count(0) < 0.05);
  assert(count(1) > 0.95);
});

Deno.test("courses are read side by side from where all have begun", () => {
  const [a, b] = [
    [{ done: 0.2, value: 1 }, { done: 0.6, value: 2 }, { done: 1, value: 4 }],
    [{ done: 0.5, value: 10 }, { done: 1, value: 20 }],
  ];
  assertEquals(aligned([a, b]), [
    { done: 0.5, values: [1, 10] },
    { done: 0.6, values: [2, 10] },
    { done: 1, values: [4, 20] },
  ]);
  assertEquals(meanCourse([a, b]).at(-1), { done: 1, value: 12 });
});

Deno.test("the chart of courses has the mean over seeds at each evaluation, and is left out without evaluations", () => {
  const chart = claimCourseChart([verdictOf(0.2)])!;
  assertEquals(chart.id, "claim_course");
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    seeds: 3,
    score: () => 0.5,
  });
  assertEquals(claimCourseChart(verdictsOn({ study, planned, runs })), null);
});
