/** Numbers of reports at their edges: signs, ties, bounds, and what must not be counted. */
import { analyse } from "../../src/analysis/analysis.ts";
import { csvRows } from "../../src/report/table.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { selectedEvaluation } from "../../src/analysis/run_rows.ts";
import { friedmanTest } from "../../src/stats/rank_tests.ts";
import { bootstrapInterval } from "../../src/stats/statistics.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { ablationPoints, truncationRows } from "../../src/analysis/ablation.ts";
import { RandomStream } from "../../src/base/random.ts";
import { softmaxOf } from "../../src/train/evaluate.ts";
import { scorerOf } from "../../src/analysis/example_scores.ts";
import { metrics } from "../../src/tasks/metrics.ts";
import { scoreText } from "../../src/report/sections/scores.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy, withHappened } from "../analysis/scored_study.ts";
import { tableOf } from "./table_of.ts";

Deno.test("a failed run that was evaluated before it failed has no score anywhere", () => {
  const study = scoredStudy({
    score: ({ label, seed }) => seed === 2 ? null : label === "lora" ? 0.5 : 0.6,
  });
  const failed = study.runs.find(({ record }) => record.asked.seed === 2)!;
  assert(failed.record.happened.last !== null);
  assertEquals(selectedEvaluation(failed.record), null);
  assertEquals(analyse(study).rows.filter(({ score }) => score === null).length, 2);
  const row = analyse(study).scores.find(({ label }) => label === "other")!;
  assertEquals([row.n, row.failed, row.mean], [2, 1, 0.6]);
  assertEquals(analyse(study).tests.paired.map(({ n }) => n), [2]);
  assertEquals(analyse(study).tests.rankings[0]!.blocks, 2);
  assertEquals(analyse(study).costs.map(({ n, score }) => [n, score]), [[2, 0.5], [
    2,
    0.6,
  ]]);
});

Deno.test("the selected evaluation is the best or the last, as the study asked", () => {
  const study = withHappened(
    scoredStudy({ labels: ["lora"], seeds: [1], score: () => 0.5 }),
    () => ({}),
  );
  const { record } = study.runs[0]!;
  const best = { ...record.happened.last!, step: 2, metrics: { accuracy: 0.75 } };
  const scoreWith = (keep: "best" | "last") =>
    analyse(withHappened(study, () => ({ keep, best }))).rows[0]!.score;
  assertEquals([scoreWith("best"), scoreWith("last")], [0.75, 0.5]);
});

Deno.test("a method without a budget that ties with a ranked one takes half a place", () => {
  const scores = { lora: 0.5, p: 0.7, q: 0.6 };
  const placed = (free: number) =>
    analyse(scoredStudy({
      labels: ["lora", "p", "q", "full"],
      score: ({ label }) => label === "full" ? free : scores[label as keyof typeof scores],
    })).tests.rankings[0]!.beside;
  assertEquals(placed(0.6), [{ label: "full", n: 3, meanRank: 2.5 }]);
  assertEquals(placed(0.65), [{ label: "full", n: 3, meanRank: 2 }]);
  assertEquals(placed(0.7), [{ label: "full", n: 3, meanRank: 1.5 }]);
  const low = analyse(scoredStudy({
    labels: ["lora", "p", "full"],
    tasks: [["t", "perplexity↓"]],
    score: ({ label }) => ({ lora: 20, p: 30, full: 25 })[label]!,
  })).tests.rankings[0]!;
  assertEquals(low.methods.map(({ label }) => label), ["lora", "p"]);
  assertEquals(low.beside[0]!.meanRank, 2);
});

Deno.test("methods that tie for the best of a block are all counted as best", () => {
  const [ranking] = analyse(scoredStudy({
    labels: ["p", "q", "r"],
    score: ({ label, seed }) => label === "r" ? 0.1 : label === "p" || seed === 1 ? 0.5 : 0.4,
  })).tests.rankings;
  assertEquals(ranking!.methods.map(({ label, firsts }) => [label, firsts]), [
    ["p", 3],
    ["q", 1],
    ["r", 0],
  ]);
});

Deno.test("a method with half of the blocks is ranked, one with fewer is left out", () => {
  const ranked = (made: number) => {
    const [ranking] = analyse(scoredStudy({
      labels: ["p", "q", "r"],
      seeds: [1, 2, 3, 4],
      score: ({ label, seed }) => label === "r" && seed > made ? undefined : 0.5 + seed / 100,
    })).tests.rankings;
    return [ranking!.methods.length, ranking!.blocks, ranking!.incompleteBlocks];
  };
  assertEquals(ranked(2), [3, 2, 2]);
  assertEquals(ranked(1), [2, 4, 0]);
});

Deno.test("friedmanTest counts the observed order in, so that p is never 0", () => {
  const scores = Array.from({ length: 12 }, () => [1, 2, 3, 4, 5]);
  assertEquals(friedmanTest(scores, { draws: 99 })!.p, 1 / 100);
});

Deno.test("bootstrapInterval wants a value in nine of ten draws", () => {
  const withMissing = (missing: number) => {
    let draw = 0;
    return bootstrapInterval(5, () => draw++ < missing ? null : draw, { seed: 0, draws: 100 });
  };
  assert(withMissing(10) !== null);
  assertEquals(withMissing(11), null);
});

/** A study of one ablated run whose metric is better low: what it loses goes up. */
function ablatedLow(): StudyResults {
  const study = scoredStudy({
    labels: ["p"],
    seeds: [1],
    tasks: [["t", "perplexity↓"]],
    score: () => 20,
  });
  return {
    ...study,
    runs: study.runs.map((run): RunResults => ({
      ...run,
      ablation: {
        schema: 1,
        metric: "perplexity↓",
        baseline: 20,
        removals: [1, 2, 3, 4].map((rank) => ({
          kind: "module",
          name: `layer.${rank}.query`,
          rank,
          metric: 20 + rank,
          loss: -rank,
        })),
        truncations: [{ rank: 1, metric: 25 }, { rank: 2, metric: 20 }],
      },
    })),
  };
}

Deno.test("what a removal or a cut costs is positive, also for a metric that is better low", () => {
  assertEquals(ablationPoints(analyse(ablatedLow())).map(({ loss }) => loss), [1, 2, 3, 4]);
  assertAlmostEquals(analyse(ablatedLow()).ablation[0]!.spearman!, 1, 1e-12);
  assertEquals(truncationRows(analyse(ablatedLow())).map(({ mean, loss }) => [mean, loss]), [
    [25, 5],
    [20, 0],
  ]);
});

Deno.test("metrics of chosen examples are those of the tasks' own metrics", () => {
  const stream = RandomStream.fromSeed(3);
  const rows = Array.from(
    { length: 2 },
    () => Array.from({ length: 40 }, () => ({ target: stream.int(3), prediction: stream.int(3) })),
  );
  const examples = Array.from({ length: 40 }, () => stream.int(40));
  const drawn = examples.map((example) => rows[1]![example]!);
  const targets = drawn.map(({ target }) => target);
  const predictions = drawn.map(({ prediction }) => prediction);
  for (const name of ["accuracy", "f1", "macroF1", "matthews", "pearson", "spearman"] as const) {
    const score = scorerOf(name, rows)!(1, examples);
    assertAlmostEquals(score, metrics[name].compute(targets, predictions, []), 1e-12, name);
  }
  assertEquals(scorerOf("perplexity↓", rows), null);
  const withLogits = rows.map((own) =>
    own.map(({ target, prediction }) => ({
      target: Math.min(1, target),
      prediction,
      logits: [0, stream.int(5) - 2],
    }))
  );
  const rowsDrawn = examples.map((example) => withLogits[1]![example]!);
  for (const name of ["auroc", "averagePrecision", "logLoss", "brier", "ece"] as const) {
    assertEquals(
      scorerOf(name, withLogits)!(1, examples),
      metrics[name].compute(
        rowsDrawn.map(({ target }) => target),
        rowsDrawn.map(({ prediction }) => prediction),
        rowsDrawn.map(({ logits }) => softmaxOf(logits)),
      ),
    );
    // Older results have none.
    assertEquals(scorerOf(name, [withLogits[0]!, rows[1]!]), null);
  }
});

/** Runs of given sharing, by label. */
function shared(jobs: Readonly<Record<string, number | undefined>>): StudyResults {
  return withHappened(
    scoredStudy({ score: ({ label }) => label === "lora" ? 0.5 : 0.6 }),
    ({ record: { asked, happened } }) => {
      const { jobs: _, ...time } = happened.time;
      const own = jobs[asked.label];
      return {
        time: {
          ...time,
          medianStepMillis: asked.label === "lora" ? 10 : 15,
          ...(own === undefined ? {} : { jobs: own }),
        },
      };
    },
  );
}

Deno.test("costRows compares no time of runs that shared the machine, and puts none on the front of times", () => {
  const found = (jobs: Readonly<Record<string, number | undefined>>) =>
    analyse(shared(jobs)).costs.map((
      { label, jobs, stepRatio, isOnTimeFront, isOnSizeFront },
    ) => [label, jobs, stepRatio, isOnTimeFront, isOnSizeFront]);
  const alone = found({ lora: 1, other: 1 });
  assertEquals(alone, [["lora", 1, 1, false, false], ["other", 1, 1.5, true, true]]);
  assertEquals(found({ lora: 1, other: 2 }), [
    ["lora", 1, 1, false, false],
    ["other", 2, null, false, true],
  ]);
  assertEquals(found({ lora: 3, other: 1 }), [
    ["lora", 3, null, false, false],
    ["other", 1, null, false, true],
  ]);
  // Records from before it was written do not say; their ratios stand, and the note warns.
  assertEquals(found({}), [["lora", null, 1, false, false], ["other", null, 1.5, true, true]]);
});

Deno.test("costTable says how many runs were trained at a time, and what that means for its times", () => {
  const text = (jobs: Readonly<Record<string, number | undefined>>) =>
    markdownOf(tableOf(analyse(shared(jobs)), "cost"));
  assert(!text({ lora: 1, other: 1 }).includes("shared the machine"));
  const some = text({ lora: 1, other: 2 });
  assert(some.includes("Runs that were made several at a time shared the machine"));
  assert(!some.includes("Older records"));
  const old = text({ lora: 2 });
  assert(old.includes("Older records do not say how many runs were trained at a time"));
  const cells = old.split("\n").filter((line) => line.startsWith("| t |")).map((line) =>
    line.split(" | ")[5]
  );
  assertEquals(cells, ["2", "not known"]);
});

Deno.test("the most runs at a time of a cell count, and records that do not say leave one unknown", () => {
  const study = scoredStudy({ labels: ["lora"], score: () => 0.5 });
  const jobsOf = (own: readonly (number | undefined)[]) =>
    analyse(withHappened(study, ({ record: { asked, happened } }) => {
      const { jobs: _, ...time } = happened.time;
      const jobs = own[asked.seed - 1];
      return { time: { ...time, ...(jobs === undefined ? {} : { jobs }) } };
    })).costs[0]!.jobs;
  assertEquals(jobsOf([1, 4, 2]), 4);
  assertEquals(jobsOf([1, undefined, 1]), null);
  assertEquals(jobsOf([undefined, undefined, undefined]), null);
  assertEquals(jobsOf([1, undefined, 2]), 2);
});

Deno.test("scoreText names failures and missing runs apart, and a dash where nothing is", () => {
  const row = { metric: "accuracy", mean: 0.5, sd: 0.01, n: 2, failed: 0, missing: 0 };
  assertEquals(scoreText(row), "50.00 ± 1.00 (n 2)");
  assertEquals(scoreText({ ...row, failed: 1, missing: 1 }), "50.00 ± 1.00 (n 2, 1 failed)");
  assertEquals(
    scoreText({ ...row, failed: 1, missing: 3 }),
    "50.00 ± 1.00 (n 2, 1 failed, 2 missing)",
  );
  assertEquals(scoreText({ ...row, n: 1, sd: null }), "50.00 (n 1)");
  assertEquals(scoreText({ ...row, mean: null, n: 0, failed: 3, missing: 3 }), "3 failed");
  assertEquals(scoreText({ ...row, mean: null, n: 0 }), "–");
});

Deno.test("the front of a metric that is better low holds the lowest", () => {
  const study = withHappened(
    scoredStudy({
      tasks: [["t", "perplexity↓"]],
      score: ({ label }) => label === "lora" ? 20 : 25,
    }),
    ({ record: { asked, happened } }) => ({
      time: { ...happened.time, trainMillis: asked.label === "lora" ? 10 : 20 },
    }),
  );
  const found = analyse(study).costs.map((
    row,
  ) => [row.label, row.isOnTimeFront, row.isOnSizeFront]);
  assertEquals(found, [["lora", true, true], ["other", false, false]]);
});

Deno.test("times of a cell are medians, and parameters to store include the head", () => {
  const study = withHappened(
    scoredStudy({ labels: ["lora"], score: () => 0.5 }),
    ({ record: { asked, happened } }) => ({
      time: { ...happened.time, medianStepMillis: [10, 11, 90][asked.seed - 1]! },
    }),
  );
  const [row] = analyse(study).costs;
  assertEquals(row!.stepMillis, 11);
  // One layer of six modules with 512 parameters a rank, rank 4, and a head of 770.
  assertEquals(row!.parameters, 6 * 512 * 4 + 770);
});

Deno.test("a peak is the largest of a cell's runs", () => {
  const study = withHappened(
    scoredStudy({ labels: ["lora"], score: () => 0.5 }),
    ({ record: { asked, happened } }) => ({
      budget: { ...happened.budget!, peak: [300, 500, 400][asked.seed - 1]! },
    }),
  );
  assertEquals(csvRows(tableOf(analyse(study), "budgets"))[0]!["peak"], 500);
});

Deno.test("blocks are held against all comparisons of a report, those with the baseline too", () => {
  const ranked = (blocks: number) =>
    analyse(scoredStudy({
      labels: ["lora", "p", "q"],
      seeds: Array.from({ length: blocks }, (_, i) => i + 1),
      // Differences between methods vary, so that each t test is one of the family.
      score: ({ label, seed }) =>
        ["lora", "p", "q"].indexOf(label) * (seed % 3 === 0 ? 0 : 0.01) * seed,
    })).tests.rankings[0]!;
  // 3 pairs of ranks and 2 differences from lora: 5 · 2⁻⁶ = .078 and 5 · 2⁻⁷ = .039.
  assertEquals([7, 8].map((blocks) => [ranked(blocks).comparisons, ranked(blocks).canTellApart]), [
    [5, false],
    [5, true],
  ]);
});

Deno.test("a pair leans towards the method with the larger signed ranks, not towards more wins", () => {
  // Five small wins and three large losses of p: ranks 1 to 5 of 36 are above zero.
  const gains = [0.01, 0.02, 0.03, 0.04, 0.05, -0.1, -0.2, -0.3];
  const [ranking] = analyse(scoredStudy({
    labels: ["p", "q"],
    seeds: [1, 2, 3, 4, 5, 6, 7, 8],
    score: ({ label, seed }) => label === "p" ? 0.5 + gains[seed - 1]! : 0.5,
  })).tests.rankings;
  const pair = ranking!.pairs[0]!;
  assertEquals([pair.label, pair.wins, pair.losses, pair.leansTowards], ["p", 5, 3, false]);
});

Deno.test("intervals of mean ranks stay within the ranks that there are", () => {
  const [ranking] = analyse(scoredStudy({
    labels: ["p", "q"],
    score: ({ label, seed }) => (label === "p") === (seed < 3) ? 0.6 : 0.5,
  })).tests.rankings;
  assertEquals(ranking!.methods.map(({ low, high }) => [low, high]), [[1, 2], [1, 2]]);
});

Deno.test("pairedRows gives SciPy's p, corrects it for all tests, and leaves out what cannot be tested", () => {
  const differences: Readonly<Record<string, readonly number[]>> = {
    p: [0.03, 0.02, 0.04],
    q: [-0.01, 0.02, 0.03],
    flat: [0.25, 0.25, 0.25],
    equal: [0, 0, 0],
  };
  const tested = (labels: readonly string[]) =>
    analyse(scoredStudy({
      labels: ["lora", ...labels],
      score: ({ label, seed }) => 0.5 + (differences[label]?.[seed - 1] ?? 0),
    })).tests.paired;
  // scipy.stats.ttest_1samp([.03, .02, .04], 0)
  const p = 0.035098718646;
  const [alone] = tested(["p"]);
  assertAlmostEquals(alone!.p!, p, 1e-8);
  // Beside it stands the signed-rank test of the same two methods; the p of equivalence is none of the smallest.
  assertAlmostEquals(alone!.corrected!, 2 * p, 1e-8);
  assertEquals(alone!.verdict.kind, "undecided");
  // 2 differences and 3 pairs of ranks.
  assertAlmostEquals(tested(["p", "q"])[0]!.corrected!, 5 * p, 1e-8);
  assertEquals(
    tested(["flat", "equal"]).map(({ label, p, verdict }) => [label, p, verdict.reason]),
    [["flat", null, "same in every pair"], ["equal", 1, "same in every pair"]],
  );
});

Deno.test("a majority's score that is no number is none", () => {
  const study = withHappened(
    scoredStudy({ labels: ["lora"], score: () => 0.5 }),
    ({ record: { asked } }) => ({ majority: { accuracy: asked.seed === 1 ? NaN : 0.25 } }),
  );
  assertEquals([...analyse(study).majority], [["t", 0.25], ["all tasks", 0.25]]);
});
