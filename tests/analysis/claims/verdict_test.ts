import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { moreSeeds } from "../../../src/analysis/claims/more_seeds.ts";
import { RandomStream } from "../../../src/base/random.ts";
import type { Claim, ClaimsOfStudy } from "../../../src/study/schema/claims.ts";
import type { RunChecks } from "../../../src/analysis/claims/gates.ts";
import type { ClaimVerdict } from "../../../src/analysis/claims/verdict.ts";
import { intervalsAt, planStopping, stoppingState } from "../../../src/stats/stopping.ts";
import type { ScoredRun } from "../../../src/analysis/claims/series.ts";
import {
  type ClaimedOptions,
  claimedStudy,
  claimOf,
  improvingCells,
  type Place,
  verdictsOn,
} from "./scored_runs.ts";

/** Deviations of ten seeds, in points: mean 0, standard deviation 1. */
const noise = [0.3, -1.2, 0.9, -0.4, 1.5, -0.8, 0.1, 1.0, -1.6, 0.2];

/** Scores of `ours` that lie `points` above those of `lora`, give or take `spread` points. */
const above = (points: number, spread = 0.5) => ({ label, seed }: Place) =>
  0.6 + 0.02 * Math.sin(seed) +
  (label === "ours" ? 0.01 * (points + spread * noise[(seed - 1) % 10]!) : 0);

function verdictOf(
  options: Partial<ClaimedOptions>,
  claim: Partial<Claim> = {},
  checks: RunChecks<ScoredRun> = {},
): ClaimVerdict {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf(claim)],
    seeds: 10,
    score: above(0),
    ...options,
  });
  const [verdict, ...others] = verdictsOn({ study, planned, runs }, checks);
  assertEquals(others, []);
  return verdict!;
}

const fixed: Partial<ClaimsOfStudy> = { decide: { rule: "fixed" } };

Deno.test("a claim is supported, refuted, equivalent or undecided, by what it says", () => {
  const answers = (says: Claim["says"]) =>
    [3, 0, -3, 1].map((points) =>
      verdictOf({ rest: fixed, score: above(points) }, { says }).answer
    );
  assertEquals(answers("better"), ["supported", "equivalent", "refuted", "undecided"]);
  assertEquals(answers("equivalent"), ["refuted", "supported", "refuted", "undecided"]);
  assertEquals(answers("not worse"), ["supported", "supported", "refuted", "supported"]);
});

Deno.test("lost runs take a verdict back only where they are the arm's that it favours", () => {
  const answer = (says: Claim["says"], points: number, lost: string) => {
    const isLost = ({ label, seed }: Place) => label === lost && (seed === 3 || seed === 5);
    return verdictOf({
      rest: { decide: { rule: "fixed", mostSeeds: 9 } },
      seeds: 12,
      score: (place) => isLost(place) ? null : above(points, 0.1)(place),
    }, { says }).answer;
  };
  const both = (says: Claim["says"], points: number) =>
    ["ours", "lora"].map((lost) => answer(says, points, lost));
  assertEquals(both("better", 3), ["runs failed", "supported"]);
  assertEquals(both("not worse", 0), ["runs failed", "supported"]);
  assertEquals(both("not worse", -3), ["refuted", "runs failed"]);
  assertEquals(both("better", -3), ["refuted", "runs failed"]);
  assertEquals(both("equivalent", 0), ["runs failed", "runs failed"]);
});

Deno.test("the number that decides is the rule's, in points", () => {
  const { state, unit, differences, plan } = verdictOf({ rest: fixed, score: above(3) });
  assertEquals(state.n, 10);
  assertAlmostEquals(state.mean! * unit.perMargin, 3, 1e-9);
  assertEquals(unit.name, "points");
  const values = differences.map(({ value }) => value);
  assertAlmostEquals(values[1]!, 3 - 0.6, 1e-9);
  // By hand: one look is the plain t interval of these ten differences.
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - 3) ** 2, 0) / 9);
  assertAlmostEquals(state.low, 3 - 2.262157 * sd / Math.sqrt(10), 1e-5);
  assertEquals(plan.looks, [10]);
});

Deno.test("better than the margin is the default, and zero an option that equivalence ignores", () => {
  const decide = { rule: "fixed", betterThan: 0 } as const;
  const score = above(1, 1);
  assertEquals(verdictOf({ rest: fixed, score }).answer, "undecided");
  assertEquals(verdictOf({ rest: { decide }, score }).answer, "supported");
  assertEquals(verdictOf({ rest: { decide }, score }, { says: "equivalent" }).answer, "undecided");
});

Deno.test("claims share the level, and each look is that of the declared rule", () => {
  const claims = [claimOf(), claimOf({ name: "second", says: "not worse" })];
  const { study, planned, runs } = claimedStudy({ claims, seeds: 10, score: above(1.6, 1) });
  const [first] = verdictsOn({ study, planned, runs });
  const plan = planStopping({ block: 3, cap: 30, margin: 1, betterThan: 1, level: 0.025 });
  assertEquals(first!.plan.difference, plan.difference);
  assertEquals(first!.looks.map(({ n }) => n), [3, 6, 9]);
  const values = first!.differences.map(({ value }) => value);
  const usual = planStopping({ block: 3, cap: 30, margin: 1, betterThan: 1, level: 0.05 });
  const { low: usualLow, high: usualHigh } = intervalsAt(values.slice(0, 9), usual);
  const state = { ...stoppingState(values, plan), level: 0.025, usualLow, usualHigh };
  assertEquals(first!.state, state);
});

Deno.test("tasks count by their margins, and raw differences stay beside", () => {
  const tasks = [["small", "matthews"], ["large", "accuracy"]] as const;
  const score = ({ label, task }: Place) => label === "lora" ? 0.5 : task === "small" ? 0.51 : 0.56;
  const { differences, unit, plan } = verdictOf({
    tasks,
    score,
    rest: { margin: { large: 0.03, default: 0.01 } },
  });
  assertAlmostEquals(differences[0]!.value, (0.01 / 0.01 + 0.06 / 0.03) / 2, 1e-9);
  assertEquals(differences[0]!.tasks.map(({ task, metric, margin }) => [task, metric, margin]), [
    ["small", "matthews", 0.01],
    ["large", "accuracy", 0.03],
  ]);
  assertAlmostEquals(differences[0]!.tasks[1]!.difference, 0.06, 1e-9);
  assertEquals(unit, { name: "margins", perMargin: 1 });
  // An example of the accuracy's task is known as the smallest step; matthews has none.
  assertAlmostEquals(plan.resolution, 1 / 500 / 0.03 / 2, 1e-12);
});

Deno.test("the smallest step is known from the first seed on, and smaller the more budgets are averaged", () => {
  const tasks = [["t", "accuracy"]] as const;
  const one = verdictOf({ tasks, seeds: 1 });
  assertAlmostEquals(one.plan.resolution, 1 / 500 / 0.01, 1e-12);
  const two = verdictOf({ tasks, budgets: [2, 4], seeds: 1 });
  assertAlmostEquals(two.plan.resolution, 1 / 500 / 0.01 / Math.sqrt(2), 1e-12);
});

Deno.test("seeds count in ascending order, in whichever order the study asks for them", () => {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    seeds: 12,
    score: above(3),
  });
  const [verdict] = verdictsOn({ study, planned: planned.toReversed(), runs });
  assertEquals(
    verdict!.differences.map(({ seed }) => seed),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
});

Deno.test("a metric that is better low counts the other way round", () => {
  const tasks = [["t", "loss↓"]] as const;
  const score = ({ label }: Place) => label === "ours" ? 0.4 : 0.5;
  const { differences, unit } = verdictOf({ tasks, score });
  assertAlmostEquals(differences[0]!.value, 10, 1e-9);
  assertEquals(unit, { name: "loss", perMargin: 0.01 });
});

Deno.test("metrics of two tasks share points, and other units only if they are one metric", () => {
  const unitOf = (...metrics: readonly string[]) =>
    verdictOf({ tasks: metrics.map((metric, i) => [`t${i}`, metric]), seeds: 1 }).unit.name;
  assertEquals(unitOf("matthews", "accuracy"), "points");
  assertEquals(unitOf("loss↓", "loss↓"), "loss");
  assertEquals(unitOf("loss↓", "perplexity↓"), "margins");
  assertEquals(unitOf("accuracy", "loss↓"), "margins");
});

Deno.test("a claim about another metric than the first reads that one", () => {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf({ metric: "f1" })],
    seeds: 3,
    score: above(3),
  });
  const withF1 = runs.map(({ record }) => {
    const f1 = record.asked.label === "ours" ? 0.7 : 0.72;
    const last = { ...record.happened.last!, metrics: { matthews: 0.5, f1 } };
    return { record: { ...record, happened: { ...record.happened, last } } };
  });
  const [verdict] = verdictsOn({ study, planned, runs: withF1 });
  assertEquals(verdict!.differences[0]!.tasks[0]!.metric, "f1");
  assertAlmostEquals(verdict!.differences[0]!.value, -2, 1e-9);
});

Deno.test("budgets that both arms have are averaged, and others are left out", () => {
  const score = ({ label, budget }: Place) =>
    label === "lora" ? 0.5 : budget === 2 ? 0.52 : budget === 4 ? 0.54 : undefined;
  const study = claimedStudy({ claims: [claimOf()], seeds: 3, budgets: [2, 4, 8], score });
  const planned = study.planned.filter(({ label, budget }) =>
    label === "lora" || budget?.value !== 8
  );
  const [verdict] = verdictsOn({ study: study.study, planned, runs: study.runs });
  assertAlmostEquals(verdict!.differences[0]!.value, 3, 1e-9);
});

Deno.test("a seed with a failed run is left out as a whole, with the reason", () => {
  const tasks = [["s", "matthews"], ["t", "matthews"]] as const;
  const score = ({ label, seed, task }: Place) =>
    seed === 2 && label === "ours" && task === "t" ? null : seed === 4 ? NaN : 0.5;
  const { differences, leftOut, waiting } = verdictOf({ tasks, score, seeds: 5 });
  assertEquals(differences.map(({ seed }) => seed), [1, 3, 5]);
  assertEquals(leftOut, [
    { seed: 2, run: "t, ours, seed 2", arm: "a", label: "ours", reason: "failed: diverged" },
    ...["s, ours", "s, lora", "t, ours", "t, lora"].map((run) => ({
      seed: 4,
      run: `${run}, seed 4`,
      arm: run.endsWith("ours") ? "a" as const : "b" as const,
      label: run.slice(3),
      reason: "has no matthews",
    })),
  ]);
  assertEquals(waiting, []);
});

Deno.test("seeds wait for those before them that are not there yet", () => {
  const made = (first: number) => ({ label, seed }: Place) =>
    seed === first && label === "lora" ? undefined : above(3)({ label, seed } as Place);
  const late = verdictOf({ score: made(2) });
  assertEquals(late.differences.map(({ seed }) => seed), [1]);
  assertEquals(late.waiting, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals([late.answer, late.state.n, late.state.mean], ["undecided", 0, null]);
  // What is there before is decided as it will be when all are there.
  assertEquals(verdictOf({ score: made(10) }).looks, verdictOf({ score: above(3) }).looks);
});

Deno.test("there is no verdict where training had not converged or tuning ended at an edge", () => {
  const score = above(3);
  const isOne = ({ record }: ScoredRun) => record.asked.label === "ours" && record.asked.seed === 7;
  const improving = (runs: readonly ScoredRun[]) => improvingCells(runs.filter(isOne));
  const open = verdictOf({ score }, {}, { improving });
  assertEquals(open.answer, "more steps needed");
  assertMatch(open.closed[0]!.note, /still improving when it ended: "t, ours"$/);
  const edge = verdictOf({ score }, {}, {
    improving,
    isBracketed: ({ record }) => record.asked.label === "ours",
  });
  assertEquals(edge.answer, "not bracketed");
  assertEquals(edge.closed.map(({ answer }) => answer), ["not bracketed", "more steps needed"]);
  assertMatch(edge.closed[0]!.note, /of lora lie at the edge/);
  assertEquals(verdictOf({ score }, {}, { improving: () => [] }).answer, "supported");
});

Deno.test("runs of later seeds do not take back what was decided without them", () => {
  const rest = { decide: { block: 3, mostSeeds: 12 } };
  const made = { rest, seeds: 12, score: above(4) };
  const isLate = ({ record }: ScoredRun) => record.asked.seed > 6;
  const late = (runs: readonly ScoredRun[]) => improvingCells(runs.filter(isLate));
  const decided = verdictOf(made, {}, {
    improving: late,
    isBracketed: (run) => !isLate(run),
    hasLearned: (run) => !isLate(run),
  });
  assertEquals([decided.state.n, decided.answer, decided.closed, decided.idle], [
    6,
    "supported",
    [],
    { runs: 0, of: 12 },
  ]);
  // A gate that opens with more seeds opens for good, and not before.
  const early = (runs: readonly ScoredRun[]) => runs.length > 2 * 9 ? [] : improvingCells(runs);
  const wait = (seeds: number) => verdictOf({ ...made, seeds }, {}, { improving: early }).answer;
  assertEquals([6, 9, 10, 12].map(wait), [
    "more steps needed",
    "more steps needed",
    "more steps needed",
    "supported",
  ]);
});

Deno.test("an undecided claim says after how many seeds it likely is not", () => {
  // Spread of one margin: nine seeds are too few, twice as many will do.
  const near = verdictOf({ score: above(0, 1), seeds: 9 });
  assertEquals([near.answer, near.more], [
    "undecided",
    { total: 18, isWithinPlan: true, isKnown: true },
  ]);
  // Four margins: more than the plan has.
  const far = verdictOf({ score: above(0, 4), seeds: 9 });
  assert(far.more!.total > 30 && far.more!.total < 200 && !far.more!.isWithinPlan);
  // A mean at the margin itself points nowhere, however many seeds there are.
  const never = verdictOf({ score: above(1, 0.5), rest: fixed });
  assert(never.more!.total > 1000, String(never.more!.total));
  assertEquals(never.more!.isWithinPlan, false);
  // Before there is a spread, the next look is what is known.
  const first = verdictOf({ score: above(0), seeds: 1, tasks: [["t", "accuracy"]] });
  assertEquals(first.more, { total: 3, isWithinPlan: true, isKnown: false });
  assertEquals(verdictOf({ score: above(3) }).more, null);
});

Deno.test("the number of seeds decides in about 80 of 100 studies whose mean and spread were guessed right", () => {
  const stream = RandomStream.fromSeed(18).fork("more seeds");
  const studies = 400;
  for (const question of ["difference", "not worse"] as const) {
    const plan = planStopping({ block: 3, cap: 30, margin: 1, betterThan: 1, question });
    for (const [mean, sd] of [[0.1, 1.1], [2.2, 1.6]] as const) {
      const seen = Array.from(
        { length: 8 },
        (_, i) => mean + (i % 2 === 0 ? 1 : -1) * sd * Math.sqrt(7 / 8),
      );
      const { total, isWithinPlan } = moreSeeds(seen, plan);
      assert(isWithinPlan && total > 8);
      let decided = 0;
      for (let study = 0; study < studies; study++) {
        const values = Array.from({ length: total }, () => mean + sd * stream.normal());
        if (stoppingState(values, plan).verdict !== "undecided") decided++;
      }
      // A look that reaches 80 exactly may not exist; the one before does not.
      const share = decided / studies;
      assert(share > 0.75 && share < 0.97, `${question}, ${mean}: ${share} at ${total}`);
    }
  }
});
