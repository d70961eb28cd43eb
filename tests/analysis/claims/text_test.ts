import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { plannedClaimsText } from "../../../src/analysis/claims/planned_claims.ts";
import {
  decimalsOf,
  hiddenInterval,
  lineOf,
  marginText,
  plainLine,
  roughly,
  ruleText,
} from "../../../src/analysis/claims/text.ts";
import type { ClaimVerdict } from "../../../src/analysis/claims/verdict.ts";
import type { Claim, Decide } from "../../../src/study/schema/claims.ts";
import type { Tune } from "../../../src/study/schema/tune.ts";
import {
  type ClaimedOptions,
  claimedStudy,
  claimOf,
  type Place,
  verdictsOn,
} from "./scored_runs.ts";

/** A line without what the claim holds over, which scope_test.ts is about. */
const lineText = (verdict: ClaimVerdict): string =>
  plainLine(lineOf(verdict)).replace(/, over seeds, on .*? dev texts/, "");

/** The line of a study's only claim; `ours` lies `points` above `lora`, give or take half a point. */
function line(options: Partial<ClaimedOptions>, claim: Partial<Claim> = {}): string {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf(claim)],
    rest: { decide: { rule: "fixed" } },
    seeds: 4,
    score: above(3),
    ...options,
  });
  return lineText(verdictsOn({ study, planned, runs })[0]!);
}

const above = (points: number, spread = 0.5) => ({ label, seed }: Place) =>
  0.6 + (label === "ours" ? 0.01 * (points + (seed % 2 === 0 ? spread : -spread)) : 0);

Deno.test("a line has the verdict, the number that decides, its interval and what is claimed", () => {
  assertEquals(
    line({}),
    "ours: supported, +3.00 points (95% interval +2.08 to +3.92, 4 seeds) – claimed: ours is better than lora",
  );
  assertEquals(
    line({ score: above(0, 0.3) }),
    // The interval that decides equivalence is that of two one-sided tests.
    "ours: equivalent, 0.00 points (95% interval −0.55 to +0.55, decided by the 90% interval −0.41 to +0.41, 4 seeds) – claimed: ours is better than lora",
  );
  assertEquals(
    line({ score: above(-3) }, { text: "Ours wins." }),
    "ours: refuted, −3.00 points (95% interval −3.92 to −2.08, 4 seeds) – claimed: Ours wins. (tested: ours is better than lora)",
  );
});

Deno.test("an undecided line says what would decide it and what is excluded", () => {
  assertEquals(
    line({ score: above(-0.8) }),
    "ours: undecided (about 49 more seeds), −0.80 points (95% interval −1.72 to +0.12, 4 seeds) – claimed: ours is better than lora; " +
      "about 53 seeds are wanted in all, and the plan allows 4; an advantage of 1 point or more is excluded",
  );
  // Equal differences beside zero have no spread.
  assertEquals(
    line({ score: above(2, 0) }),
    "ours: undecided, +2.00 points (no interval at this look, 4 seeds) – claimed: ours is better than lora; every seed has the same " +
      "difference, so its spread is not known",
  );
});

Deno.test("a line warns of skewed differences, by the seeds that decided and where the rule is about their mean", () => {
  const skewed = [3, 3.1, 2.9, 3, 3.2, 9];
  const score = ({ label, seed }: Place) =>
    0.6 + (label === "ours" ? 0.01 * (skewed[seed - 1] ?? -9) : 0);
  const words = "its differences are skewed (+2.4, standard error 0.8): verdicts about their mean";
  const of = (decide: Decide, seeds = 6) => line({ rest: { decide }, seeds, score });
  assertStringIncludes(of({ rule: "fixed" }), words);
  assertFalse(of({ rule: "fixed" }, 5).includes("skewed"));
  const blocks = { block: 6, mostSeeds: 12 } as const;
  assertStringIncludes(of(blocks), words);
  assertStringIncludes(of(blocks, 8), words);
  assertFalse(of({ rule: "sign", ...blocks }).includes("skewed"));
  // Before the first look there is nothing to warn of.
  assertFalse(of({ block: 8, mostSeeds: 12 }).includes("skewed"));
});

Deno.test("differences have the decimals of their unit, and margins its name", () => {
  const of = (name: string, perMargin: number) => ({ unit: { name, perMargin } });
  const units = [
    of("points", 0.004),
    of("margins", 1),
    of("loss", 5),
    of("loss", 0.5),
    of("loss", 0.004),
  ];
  assertEquals(units.map(decimalsOf), [2, 2, 2, 3, 5]);
  assertEquals(decimalsOf(of("loss", 5000)), 2);
  assertEquals(
    [of("points", 1), of("points", 2), of("margins", 1), of("loss", 1), of("points", 0.12345)].map(
      marginText,
    ),
    ["1 point", "2 points", "1 margin", "1 loss", "0.123 points"],
  );
});

Deno.test("seeds are told with two digits, rounded up", () => {
  assertEquals([1, 9, 10, 99, 100, 101, 119, 1234].map(roughly), [
    1,
    9,
    10,
    99,
    100,
    110,
    120,
    1300,
  ]);
});

Deno.test("an interval is hidden that has no ends, is wider than scores reach, or than 100 margins", () => {
  const points = { name: "points", perMargin: 4 };
  const wide = "wider than any difference can be";
  assertEquals(hiddenInterval(points, -Infinity, Infinity), "no interval at this look");
  // 200 points are 50 margins.
  assertEquals(hiddenInterval(points, -51, 51), wide);
  assertEquals(
    [[-50, 50], [-51, 49], [-49, 51], [-50, 50.1], [-50.1, 50]].map(([low, high]) =>
      hiddenInterval(points, low!, high!)
    ),
    [null, null, null, ...Array(2).fill("wider than 100 margins")],
  );
  assertEquals(hiddenInterval({ name: "loss", perMargin: 4 }, -51, 51), "wider than 100 margins");
});

Deno.test("an undecided line excludes an advantage or a disadvantage of the margin, of what may be worse neither", () => {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    rest: { decide: { rule: "fixed" } },
    seeds: 4,
    score: above(-0.8),
  });
  const verdict = verdictsOn({ study, planned, runs })[0]!;
  const excluded = (low: number, high: number, question = verdict.plan.question) => {
    const state = { ...verdict.state, low, high };
    const { notes } = lineOf({ ...verdict, state, plan: { ...verdict.plan, question } });
    return notes.filter((note) => note.endsWith("is excluded"));
  };
  const said = (what: string) => [`${what} of 1 point or more is excluded`];
  assertEquals(excluded(-3, 0.9), said("an advantage"));
  assertEquals(excluded(-0.9, 3), said("a disadvantage"));
  for (const [low, high] of [[-1, 1], [-3, 1], [-1, 3], [-1.5, 1.5]] as const) {
    assertEquals(excluded(low, high), []);
  }
  assertEquals(excluded(-3, 0.9, "not worse"), []);
});

Deno.test("an interval of a first look that says nothing is not shown by its ends", () => {
  const text = (spread: number) =>
    line({
      seeds: 3,
      score: above(1.8, spread),
      rest: { decide: { rule: "obrien-fleming", block: 3, mostSeeds: 12 } },
    });
  assertStringIncludes(text(0.8), "(95% interval wider than 100 margins, 3 seeds)");
  assertStringIncludes(text(2), "(95% interval wider than any difference can be, 3 seeds)");
});

Deno.test("before the first look there is a mean or nothing, and the seeds that are wanted", () => {
  const none = () => undefined;
  assertEquals(
    line({ score: none }),
    "ours: undecided (4 more seeds), no seed yet (no seed has a score of both) – claimed: ours is better than lora",
  );
  assertEquals(
    line({ score: (place) => place.seed > 1 ? undefined : above(3)(place) }),
    "ours: undecided (3 more seeds), +2.50 points (1 seed, and the first look is at 4) – claimed: ours is better than lora",
  );
});

Deno.test("where no seed has a score further seeds are no answer", () => {
  assertEquals(
    line({ score: ({ label }) => label === "ours" ? null : 0.5, seeds: 3 }),
    "ours: undecided, no seed yet (no seed has a score of both) – claimed: ours is better than lora; " +
      '3 of 3 seeds left out: "t, ours, seed 1" failed: diverged, "t, ours, seed 2" failed: diverged and "t, ours, seed 3" failed: diverged',
  );
});

Deno.test("a line tells where the settings of one arm alone were tuned, and so does a plan", () => {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    rest: { decide: { rule: "fixed" } },
    seeds: 4,
    score: above(3),
  });
  const lineWhere = (...tuned: readonly string[]) => {
    const isTuned = ({ record }: typeof runs[0]) => tuned.includes(record.asked.label);
    return lineText(verdictsOn({ study, planned, runs }, { isTuned })[0]!);
  };
  const note = "; the settings of lora were not tuned, those of the other arm were";
  assertEquals(lineWhere("ours"), `${lineWhere()}${note}`);
  assertEquals(lineWhere("ours", "lora"), lineWhere());
  // On a task for which nothing was tuned both arms are alike.
  const two = claimedStudy({
    claims: [claimOf()],
    tasks: [["s", "matthews"], ["t", "matthews"]],
    seeds: 4,
    score: above(3),
  });
  const isOfTask = ({ record }: typeof runs[0]) => record.asked.task === "s";
  const [verdict] = verdictsOn(two, { isTuned: isOfTask });
  assertEquals(verdict!.notTuned, []);
  const planWhere = (tune: Pick<Tune, "methods">) =>
    plannedClaimsText({ ...study, tune }, planned)[1]!;
  assertStringIncludes(
    planWhere({ methods: ["lora"] }),
    "; the settings of ours are not tuned, those of the other arm are",
  );
  assertFalse(planWhere({ methods: ["lora", "ours"] }).includes("tuned"));
  assertFalse(planWhere({}).includes("tuned"));
});

Deno.test("seeds that were left out or not needed are named", () => {
  const score = (place: Place) =>
    place.seed === 2 && place.label === "lora" ? null : above(3)(place);
  assertEquals(
    line({ score, seeds: 16, rest: { decide: { rule: "pocock", mostSeeds: 18 } } }),
    "ours: supported, +2.83 points (after stopping +2.83, 95% interval +2.01 to +3.66, 6 seeds) – claimed: ours is better than lora; " +
      '1 of 16 seeds left out: "t, lora, seed 2" failed: diverged; decided by the first 6 of 15 seeds',
  );
});

Deno.test("a verdict in favour of an arm does not leave out more than a tenth of its seeds", () => {
  const rule = { decide: { rule: "fixed", mostSeeds: 9 } } as const;
  const failing = (label: string, ...seeds: readonly number[]) => (points: number) =>
    line({
      seeds: 9 + seeds.length,
      rest: rule,
      score: (place) =>
        place.label === label && seeds.includes(place.seed) ? null : above(points)(place),
    }).split(",")[0];
  assertEquals([3, 0, -3].map(failing("ours", 2, 4)), [
    "ours: runs failed",
    "ours: runs failed",
    "ours: refuted",
  ]);
  assertEquals([3, 0, -3].map(failing("lora", 2, 4)), [
    "ours: supported",
    "ours: runs failed",
    "ours: runs failed",
  ]);
  // One of ten is let pass, and those after the last seed that counts are none of the verdict's.
  assertEquals(failing("ours", 2)(3), "ours: supported");
  assertEquals(failing("ours", 2, 11)(3), "ours: supported");
  assertStringIncludes(
    line({
      seeds: 6,
      score: (place) => place.label === "ours" && place.seed % 3 === 0 ? null : above(3)(place),
      rest: { decide: { rule: "fixed", mostSeeds: 4 } },
    }),
    "; ours has no score with 1 of 5 seeds, too many for a verdict in its favour that leaves them out: repeat them by --retry-failed",
  );
});

Deno.test("runs that learned nothing are no evidence: not where all of a task are chance, and told where some are", () => {
  const learned = (hasLearned: (place: Pick<Place, "task" | "label" | "seed">) => boolean) => {
    const { study, planned, runs } = claimedStudy({
      claims: [claimOf()],
      rest: { decide: { rule: "fixed" } },
      tasks: [["s", "matthews"], ["t", "matthews"]],
      seeds: 4,
      score: above(0, 0.3),
    });
    const hasLearnedOf = { hasLearned: ({ record }: typeof runs[0]) => hasLearned(record.asked) };
    return lineText(verdictsOn({ study, planned, runs }, hasLearnedOf)[0]!);
  };
  const equal =
    ", 0.00 points (95% interval −0.55 to +0.55, decided by the 90% interval −0.41 to +0.41, 4 seeds) – claimed: ours is better than lora";
  assertEquals(learned(() => true), `ours: equivalent${equal}`);
  assertEquals(
    learned(({ task }) => task === "s"),
    `ours: nothing learned${equal}; no run learned anything on t: their scores are chance`,
  );
  // An arm that learns nothing is a finding.
  assertEquals(
    learned(({ label }) => label === "ours"),
    `ours: equivalent${equal}; 8 of its 16 runs collapsed or are no better than the majority class`,
  );
  assertStringIncludes(
    learned(({ label, task, seed }) => label === "ours" || task === "s" || seed > 1),
    "; 1 of its 16 runs collapsed or is no better than the majority class",
  );
});

Deno.test("tasks of different margins are told in margins", () => {
  assertEquals(
    line({
      tasks: [["s", "matthews"], ["t", "matthews"]],
      rest: { decide: { rule: "fixed" }, margin: { s: 0.02 } },
    }),
    "ours: supported, +2.25 margins (95% interval +1.56 to +2.94, 4 seeds) – claimed: ours is better than lora",
  );
});

Deno.test("the rule and what claims need are told before anything runs", () => {
  const { study, planned } = claimedStudy({
    claims: [
      claimOf({ margin: 0.02 }),
      claimOf({ name: "too", says: "not worse", exclude: [{ seed: 1 }] }),
    ],
    tasks: [["s", "matthews"], ["t", "accuracy"]],
    seeds: 3,
    score: () => undefined,
  });
  assertEquals(plannedClaimsText(study, planned), [
    "Claims. " + ruleText(study),
    "  ours: ours is better than lora; margin 2 points; s and t; 12 runs with 3 seeds of at most 30; 3 seeds cannot decide it, " +
    "the first look that can is at 6",
    "  too: ours is not worse than lora; margin 1 point; s and t; 8 runs with 2 seeds of at most 30; 2 seeds cannot decide it, " +
    "the first look that can is at 6",
  ]);
  assertEquals(
    ruleText(study),
    "A seed gives one difference for each claim: the mean over the tasks of the claim, in units of their margins. Claims are " +
      "tested after every 3 seeds, up to 30 (rule obrien-fleming); the chance of any false verdict is at most 5%, and 2.5% for " +
      "each claim, over all looks together (7.5% where a true difference is exactly the margin: neither better nor equivalent " +
      "is true there). Better and worse mean a difference of more than the margin.",
  );
  assertEquals(
    ruleText({
      claims: [claimOf()],
      axes: { seeds: [1, 2, 3, 4] },
      decide: { rule: "fixed", betterThan: 0 },
    }),
    "A seed gives one difference for each claim: the mean over the tasks of the claim, in units of their margins. Claims are " +
      "tested once, at 4 seeds; the chance of a false verdict is at most 5%. Better and worse mean a difference of any size.",
  );
  // Of "not worse" both verdicts together have the level where neither is true.
  const text = (says: Claim["says"], decide: Decide) =>
    ruleText({ claims: [claimOf({ says })], axes: { seeds: [1] }, decide });
  assertFalse(text("not worse", {}).includes("exactly the margin"));
  assertStringIncludes(text("equivalent", { betterThan: 0 }), "(7.5% where");
  assertStringIncludes(
    text("better", { rule: "sign" }),
    "a median difference of more than the margin",
  );
  assertEquals(plannedClaimsText({ axes: { seeds: [1] } }, planned), []);
  // Six seeds are the first look that can decide; margins have three digits.
  const enough = claimedStudy({
    claims: [claimOf({ margin: 0.012349 })],
    seeds: 6,
    score: () => undefined,
  });
  assertEquals(
    plannedClaimsText(enough.study, enough.planned)[1],
    [
      "  ours: ours is better than lora; margin 1.23 points; t; 12 runs with 6 seeds of at most 30",
    ].join(),
  );
});
