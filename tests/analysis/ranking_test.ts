import { analyse } from "../../src/analysis/analysis.ts";
import { csvRows } from "../../src/report/table.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { markdownOf } from "../../src/report/markdown.ts";
import type { Ranking } from "../../src/analysis/ranking.ts";
import { powerText } from "../../src/report/sections/ranking.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { type FixtureMethod, fixtureMethods, fixtureStudy } from "./fixture.ts";
import { tableOf } from "../report/table_of.ts";

const method = (label: string, name = "elalora", usesBudget = true): FixtureMethod => ({
  ...fixtureMethods[1]!,
  method: name,
  label,
  usesBudget,
});

/** A study with the given scores: `label/task` to one score a seed; NaN leaves the run out. */
function scored(
  scores: Readonly<Record<string, readonly number[]>>,
  options: { readonly metrics?: Readonly<Record<string, string>>; readonly free?: string } = {},
): StudyResults {
  const names = Object.keys(scores).map((key) => key.split("/") as [string, string]);
  const labels = [...new Set(names.map(([label]) => label))];
  const tasks = [...new Set(names.map(([, task]) => task))];
  const study = fixtureStudy({
    tasks: tasks.map((task) => [task, options.metrics?.[task] ?? "accuracy"]),
    methods: labels.map((label) =>
      method(label, label === "A" ? "lora" : "elalora", label !== options.free)
    ),
    budgets: [4],
    seeds: Object.values(scores)[0]!.map((_, i) => i + 1),
    steps: 4,
    events: 1,
    examples: 0,
  });
  const runs = study.runs.flatMap((run): RunResults[] => {
    const { record } = run;
    const { asked, happened } = record;
    const score = scores[`${asked.label}/${asked.task}`]![asked.seed - 1]!;
    if (Number.isNaN(score)) return [];
    const last = { ...happened.last!, metrics: { [happened.primaryMetric]: score } };
    return [{ ...run, record: { ...record, happened: { ...happened, last } } }];
  });
  return { ...study, runs };
}

const only = (study: StudyResults): Ranking => {
  const [ranking, ...rest] = analyse(study).tests.rankings;
  assert(ranking !== undefined && rest.length === 0);
  return ranking;
};

/** Eight seeds of one task: C is best in all; A is above B in six. */
const eight = {
  "A/t": [0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.70, 0.70],
  "B/t": [0.70, 0.70, 0.70, 0.70, 0.70, 0.70, 0.77, 0.78],
  "C/t": [0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88],
};

Deno.test("rankingsOf gives hand-worked mean ranks, intervals, tests and letters", () => {
  const ranking = only(scored(eight));
  const [c, a, b] = ranking.methods;
  assertEquals([c!.label, a!.label, b!.label], ["C", "A", "B"]);
  // A is second in six blocks and third in two: 2.25, deviation √(8/7 · 3/16); t(0.975, 7) = 2.364624 (SciPy).
  assertEquals([c!.meanRank, a!.meanRank, b!.meanRank], [1, 2.25, 2.75]);
  assertAlmostEquals(a!.high!, 2.25 + 2.3646242510102993 * Math.sqrt(3 / 14 / 8), 1e-9);
  // Never anything but first: no spread to estimate from.
  assertEquals([c!.low, c!.high, c!.firsts], [null, null, 8]);
  // 2/2⁸ in two of three tests; A against B: differences .01 … .06 above and .07, .08 below, 15 of 36 below.
  const p = Object.fromEntries(ranking.pairs.map((pair) => [pair.label + pair.other, pair]));
  assertEquals([p["CA"]!.p, p["CB"]!.p], [2 / 256, 2 / 256]);
  assertAlmostEquals(p["CA"]!.corrected!, 5 * 2 / 256, 1e-15);
  assertEquals([p["AB"]!.wins, p["AB"]!.losses, p["AB"]!.verdict.kind], [6, 2, "undecided"]);
  assertEquals(ranking.methods.map((m) => m.letters), ["a", "b", "b"]);
  // Pairs of ranks and differences from A are corrected together: C from A by t is the smallest of 5, then C by ranks.
  assertEquals(c!.againstBaseline, {
    p: p["CA"]!.corrected,
    verdict: { kind: "better", reason: null },
  });
  assertEquals(a!.againstBaseline, null);
  assertEquals(ranking.canTellApart, true);
  assertEquals(powerText(ranking), "2 of 3 pairs differ significantly");
});

Deno.test("rankingsOf turns metrics that are better low, and says worse where the baseline is better", () => {
  const ranking = only(scored(eight, { metrics: { t: "perplexity↓" } }));
  assertEquals(ranking.methods.map((m) => m.label), ["B", "A", "C"]);
  assertEquals(ranking.methods[2]!.againstBaseline!.verdict.kind, "worse");
});

Deno.test("rankingsOf takes a block a task and seed, and only blocks that all methods have", () => {
  const ranking = only(scored({
    "A/t": [0.5, 0.5, 0.5],
    "B/t": [0.6, NaN, 0.4],
    "A/u": [0.5, 0.5, 0.5],
    "B/u": [0.6, 0.7, 0.8],
    "Late/t": [0.9, 0.9, NaN],
    "Late/u": [NaN, NaN, NaN],
  }));
  assertEquals([ranking.blocks, ranking.incompleteBlocks, ranking.tasks], [5, 1, 2]);
  assertEquals(ranking.leftOut, ["Late"]);
  assertEquals(ranking.methods.map((m) => [m.label, m.meanRank]), [["B", 1.2], ["A", 1.8]]);
});

Deno.test("rankingsOf says in words when blocks are too few, and ranks all the same", () => {
  const ranking = only(scored({ "A/t": [1, 2, 3], "B/t": [2, 3, 4], "C/t": [3, 4, 5] }));
  assertEquals(ranking.methods.map((m) => m.letters), ["a", "a", "a"]);
  assertEquals(ranking.canTellApart, false);
  assertEquals(
    powerText(ranking),
    "too few blocks: a method that is better in every block has p 0.75 after the correction for 3 comparisons; 7 blocks would be enough",
  );
});

Deno.test("rankingsOf places a method without budget beside the others without moving them", () => {
  const free = only(scored({ ...eight, "F/t": [0.705, ...new Array(7).fill(0.9)] }, { free: "F" }));
  const places = ({ methods }: Ranking) => methods.map(({ label, meanRank }) => [label, meanRank]);
  assertEquals(places(free), places(only(scored(eight))));
  // Third of four in the first block (below C and A), first in the seven others.
  assertEquals(free.beside, [{ label: "F", n: 8, meanRank: (3 + 7) / 8 }]);
});

Deno.test("rankingsOf shares a rank with a method without budget that ties", () => {
  // Beside .88, .7 and .78: a tie with the first shares ranks 1 and 2, one with the last ranks 3 and 4.
  const last = (score: number) => [...new Array(7).fill(NaN), score];
  const at = (score: number) =>
    only(scored({ ...eight, "F/t": last(score) }, { free: "F" })).beside[0]!.meanRank;
  assertEquals([0.88, 0.85, 0.78, 0.7, 0.6].map(at), [1.5, 2, 2.5, 3.5, 4]);
});

Deno.test("rankingsOf takes scores that differ by rounding alone for equal", () => {
  const ranking = only(scored({ "A/t": [0.3, 0.3], "B/t": [0.1 + 0.2, 0.4] }));
  assertEquals(ranking.methods.map((m) => [m.label, m.meanRank, m.firsts]), [
    ["B", 1.25, 2],
    ["A", 1.75, 1],
  ]);
  const [pair] = ranking.pairs;
  assertEquals([pair!.wins, pair!.losses, pair!.ties], [1, 0, 1]);
});

Deno.test("rankingsOf ranks methods without budget among themselves where the study has no other", () => {
  const study = fixtureStudy({
    methods: [method("head", "head", false), method("full", "full", false)],
    budgets: [],
  });
  const ranking = only(study);
  assertEquals([ranking.budget, ranking.methods.length, ranking.beside.length], [
    "no budget",
    2,
    0,
  ]);
});

Deno.test("rankingsOf compares ranks where metrics have no common scale", () => {
  const scores = {
    "A/t": [0.1, 0.1, 0.1, 0.1],
    "B/t": [0.2, 0.2, 0.2, 0.2],
    // One task's large differences would outweigh the other's.
    "A/u": [90, 80, 70],
    "B/u": [100, 100, 100],
  };
  const study = scored({ ...scores, "A/u": [90, 80, 70, 60], "B/u": [100, 100, 100, 100] }, {
    metrics: { u: "perplexity↓" },
  });
  // B wins four blocks and loses four; all differences of ranks are one.
  assertEquals(only(study).pairs[0]!.p, 1);
});

Deno.test("rankingsOf gives nothing for one method, and no methods where no block is complete", () => {
  assertEquals(analyse(scored({ "A/t": [1, 2] })).tests.rankings, []);
  const ranking = only(scored({ "A/t": [1, NaN], "B/t": [NaN, 1] }));
  assertEquals([ranking.blocks, ranking.methods.length, ranking.friedman], [0, 0, null]);
  assertStringIncludes(powerText(ranking), "no task and seed has a score of every method");
});

Deno.test("ranking tables show ranks, letters, verdicts and tests", () => {
  const study = scored({ ...eight, "F/t": new Array(8).fill(0.9) }, { free: "F" });
  const text = markdownOf(tableOf(analyse(study), "ranking"));
  assertStringIncludes(text, "| rank 4 | (F) | (1.00) | – | – | – | 90.00 ± 0.00 (n 8) | – |");
  assertStringIncludes(text, "| rank 4 | C | 1.00 | – | a | 8 of 8 |");
  assertStringIncludes(text, "better (p 0.047)");
  const [row] = csvRows(tableOf(analyse(study), "ranking_tests"));
  // Rank sums 8, 18, 22: χ² = 12/(8·3·4)·(64 + 324 + 484) − 3·8·4 = 13.
  assertAlmostEquals(Number(row!["statistic"]), 13, 1e-12);
  assertEquals([row!["freedom"], row!["blocks"]], [2, 8]);
  assert(Number(row!["p"]) < 0.01);
  assertStringIncludes(
    markdownOf(tableOf(analyse(study), "ranking_pairs")),
    "| rank 4 | C | A | 8 / 0 / 0 | 0.008 | 0.047 | better |",
  );
});
