/** The sentence that a report starts with, on ordinary and on odd studies. */
import { csvRows } from "../../src/report/table.ts";
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals } from "@std/assert";
import { type Answer, answerOf } from "../../src/report/findings/answer.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy, withHappened } from "../analysis/scored_study.ts";
import { tableOf } from "./table_of.ts";

const answer = (study: StudyResults): Answer => answerOf(analyse(study));

const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** What a seed adds to a score; the mean over the first three is 1/3 of a thousandth. */
const luck = [0, 0.004, -0.003, 0.006, 0.001, -0.005, 0.002, 0.007];

/** Scores of these means, whose seeds run the other way for every label but lora, so that differences have a spread. */
const around =
  (means: Readonly<Record<string, number>>, count: number) =>
  ({ label, seed }: { readonly label: string; readonly seed: number }) =>
    means[label]! + luck[label === "lora" ? seed - 1 : count - seed]!;

const blocks = "(a block is one task with one seed)";

interface Case {
  readonly study: StudyResults;
  readonly sentence: string;
  readonly basis?: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  "no run": {
    study: scoredStudy({ score: () => undefined }),
    sentence: "No run has finished yet.",
  },
  "one run": {
    study: scoredStudy({ labels: ["lora"], seeds: [1], score: () => 0.8 }),
    sentence:
      "Only lora has scores, so there is nothing to compare it with: accuracy 80.00 at rank 4 (one seed).",
  },
  "one method, the largest of its budgets": {
    study: scoredStudy({
      labels: ["lora"],
      budgets: [2, 8],
      score: ({ seed, budget }) => 0.7 + 0.01 * seed + budget! / 100,
    }),
    sentence:
      "Only lora has scores, so there is nothing to compare it with: accuracy 80.00 at rank 8 (mean of 3 seeds, sd 1.00).",
  },
  "one method, two tasks without a common scale": {
    study: scoredStudy({
      labels: ["other"],
      tasks: [["a", "accuracy"], ["b", "perplexity↓"]],
      score: ({ seed, task }) => task === "a" ? 0.7 + 0.01 * seed : 20 + seed,
    }),
    sentence: "Only other has scores, so there is nothing to compare it with: " +
      "accuracy 72.00 on a at rank 4 (mean of 3 seeds, sd 1.00) and perplexity 22.00 on b at rank 4 (mean of 3 seeds, sd 1.00).",
  },
  "the only run failed": {
    study: scoredStudy({ labels: ["lora"], seeds: [1], score: () => null }),
    sentence: "The only run failed.",
  },
  "all runs failed": {
    study: scoredStudy({ score: () => null }),
    sentence: "All 6 runs failed.",
  },
  "all runs so far failed": {
    study: scoredStudy({ score: ({ seed }) => seed === 1 ? null : undefined }),
    sentence: "All 2 runs so far failed.",
  },
  "no score is a number": {
    study: scoredStudy({ score: () => NaN }),
    sentence: "No finished run has a score: its metric is not a number.",
  },
  "one seed": {
    study: scoredStudy({ seeds: [1], score: ({ label }) => label === "lora" ? 0.8 : 0.9 }),
    sentence:
      "other has the best accuracy at rank 4, but there are too few runs to test the difference between lora and other.",
    basis: [`A rank test of two methods needs 6 blocks ${blocks}; there is 1.`],
  },
  "ties everywhere": {
    study: scoredStudy({ score: () => 0.8 }),
    sentence: "No significant difference between lora and other was found.",
    basis: [
      `A rank test of 2 comparisons needs 7 blocks ${blocks}; there are 3. The comparison with lora is a paired t test over 3 seeds, corrected by Holm for both tests of this report.`,
    ],
  },
  "ties at the top": {
    study: scoredStudy({
      labels: ["p", "q", "r"],
      seeds: seeds(8),
      score: ({ label, seed }) =>
        label === "p" ? 0.8 + luck[seed - 1]! : 0.83 + luck[label === "q" ? seed - 1 : 8 - seed]!,
    }),
    sentence:
      "At rank 4, q and r share the best mean accuracy, and q is significantly better than p and r is significantly better than p.",
    basis: [
      `Signed-rank tests over 8 blocks ${blocks}, corrected by Holm for all 3 tests of this report.`,
    ],
  },
  "two seeds": {
    study: scoredStudy({
      seeds: [1, 2],
      // Differences 3.4 and 2.3 points: mean 2.85, half of the interval 12.7062 · 0.778 / √2 = 6.99.
      score: ({ label, seed }) =>
        label === "lora" ? [0.8, 0.804][seed - 1]! : [0.834, 0.827][seed - 1]!,
    }),
    sentence:
      "other has the best mean accuracy at rank 4, but no significant difference between lora and other was found.",
    basis: [
      `A rank test of 2 comparisons needs 7 blocks ${blocks}; there are 2. The comparison with lora is a paired t test over 2 seeds, corrected by Holm for all 3 tests of this report.`,
      "On t at rank 4, a significant difference from lora would have to exceed 7.0 points for other (found: +2.85 points), if it were the only test.",
    ],
  },
  "three seeds that a t test is enough for": {
    study: scoredStudy({
      labels: ["lora", "p", "q"],
      score: around({ lora: 0.8, p: 0.9, q: 0.801 }, 3),
    }),
    sentence: "At rank 4, p has the best mean accuracy, significantly better than lora.",
    basis: [
      `A rank test of 5 comparisons needs 8 blocks ${blocks}; there are 3. Each comparison with lora is a paired t test over 3 seeds, corrected by Holm for all 7 tests of this report.`,
      "On t at rank 4, a significant difference from lora would have to exceed 0.7 points for q (found: +0.10 points), if it were the only test.",
    ],
  },
  "no baseline, few runs": {
    study: scoredStudy({
      labels: ["p", "q"],
      score: ({ label, seed }) => (label === "p" ? 0.8 : 0.83) + luck[seed - 1]!,
    }),
    sentence:
      "q has the best mean accuracy at rank 4, but there are too few runs to test the difference between p and q.",
    basis: [`A rank test of two methods needs 6 blocks ${blocks}; there are 3.`],
  },
  "no budgets": {
    study: scoredStudy({
      labels: ["head", "full"],
      seeds: seeds(8),
      score: ({ label, seed }) => (label === "head" ? 0.6 : 0.8) + luck[seed - 1]!,
    }),
    sentence: "full is significantly better than head.",
    basis: [
      `Signed-rank test over 8 blocks ${blocks}, uncorrected, as the only test of this report.`,
    ],
  },
  "LoRA and a method without a budget": {
    study: scoredStudy({ labels: ["head", "lora"], score: around({ head: 0.6, lora: 0.8 }, 3) }),
    sentence: "head (−20.00 points) is significantly worse than lora.",
    basis: [
      "The comparison with lora is a paired t test over 3 seeds, corrected by Holm for both tests of this report.",
    ],
  },
  "LoRA and a method without a budget, one seed": {
    study: scoredStudy({
      labels: ["lora", "head"],
      seeds: [1],
      score: ({ label }) => label === "head" ? 0.6 : 0.8,
    }),
    sentence:
      "lora has the best accuracy at rank 4, but the methods could not be tested against each other.",
    basis: ["One seed in common with lora is too little for a test."],
  },
  "neither a shared budget nor a baseline": {
    study: scoredStudy({
      labels: ["other", "head"],
      score: ({ label }) => label === "head" ? 0.6 : 0.8,
    }),
    sentence:
      "other has the best mean accuracy at rank 4, but the methods could not be tested against each other.",
    basis: ["No two methods share a budget, and there is no plain LoRA to compare with."],
  },
  "no seed in common": {
    study: scoredStudy({
      score: ({ label, seed }) => (label === "lora") === (seed === 1) ? 0.7 : undefined,
    }),
    sentence: "The methods could not be tested against each other.",
    basis: ["No task and seed has a score of every method."],
  },
  "negative scores": {
    study: scoredStudy({
      tasks: [["c", "matthews"]],
      seeds: seeds(7),
      score: around({ lora: -0.2, other: -0.1 }, 7),
    }),
    sentence: "At rank 4, other is significantly better than lora.",
    basis: [
      `Signed-rank test over 7 blocks ${blocks}, corrected by Holm for all 3 tests of this report.`,
    ],
  },
  "a metric that is better low": {
    study: scoredStudy({
      tasks: [["c", "perplexity↓"]],
      seeds: seeds(7),
      score: around({ lora: 20, other: 18 }, 7),
    }),
    sentence: "At rank 4, other is significantly better than lora.",
    basis: [
      `Signed-rank test over 7 blocks ${blocks}, corrected by Holm for all 3 tests of this report.`,
    ],
  },
  "better at every budget": {
    study: scoredStudy({
      labels: ["lora", "p", "q"],
      budgets: [2, 4, 8],
      seeds: seeds(8),
      score: around({ lora: 0.7, p: 0.8, q: 0.9 }, 8),
    }),
    sentence: "At rank 2, 4 and 8, q has the best mean accuracy, significantly better than lora.",
    basis: [
      `A rank test of 17 comparisons needs 10 blocks ${blocks}; there are 8 at rank 8. Each comparison with lora is a paired t test over 8 seeds, corrected by Holm for all 25 tests of this report.`,
    ],
  },
  "worse at every budget, over tasks": {
    study: scoredStudy({
      tasks: [["a", "accuracy"], ["b", "f1"]],
      budgets: [2, 4],
      seeds: seeds(4),
      score: around({ lora: 0.7, other: 0.6 }, 4),
    }),
    sentence: "At rank 2 and 4, lora is significantly better than other.",
    basis: [
      `A rank test of 11 comparisons needs 9 blocks ${blocks}; there are 8 at rank 4. The comparison with lora is a paired t test over 4 seeds, corrected by Holm for all 20 tests of this report.`,
    ],
  },
  "another answer at each budget": {
    study: scoredStudy({
      budgets: [2, 4, 8],
      seeds: seeds(8),
      score: ({ label, seed, budget }) =>
        label === "lora"
          ? 0.7 + luck[seed - 1]!
          : { 2: 0.65, 4: 0.7, 8: 0.75 }[budget!]! + luck[8 - seed]!,
    }),
    sentence:
      "At rank 2, lora is significantly better than other; at rank 4, other is equivalent to lora; at rank 8, other is significantly better than lora.",
    basis: [
      `A rank test of 7 comparisons needs 9 blocks ${blocks}; there are 8 at rank 8. The comparison with lora is a paired t test over 8 seeds, corrected by Holm for all 11 tests of this report.`,
    ],
  },
  "other leaders at other budgets": {
    study: scoredStudy({
      budgets: [2, 8],
      score: ({ label, seed, budget }) =>
        label === "lora" ? 0.7 + luck[seed - 1]! : (budget === 2 ? 0.699 : 0.702) + luck[3 - seed]!,
    }),
    sentence:
      "The best mean accuracy is lora’s at rank 2 and other’s at rank 8, but no significant difference between lora and other was found.",
    basis: [
      `A rank test of 5 comparisons needs 8 blocks ${blocks}; there are 3 at rank 8. The comparison with lora is a paired t test over 3 seeds, corrected by Holm for all 8 tests of this report.`,
      "On t, on average over budgets, a significant difference from lora would have to exceed 0.7 points for other (found: +0.05 points), if it were the only test.",
    ],
  },
  "more budgets than a sentence lists": {
    study: scoredStudy({
      budgets: [1, 2, 4, 8, 16],
      seeds: seeds(8),
      score: around({ lora: 0.7, other: 0.6 }, 8),
    }),
    sentence: "At all 5 budgets, lora is significantly better than other.",
    basis: [
      `A rank test of 11 comparisons needs 9 blocks ${blocks}; there are 8 at rank 16. The comparison with lora is a paired t test over 8 seeds, corrected by Holm for all 17 tests of this report.`,
    ],
  },
  "more answers than a sentence gives": {
    study: scoredStudy({
      labels: ["lora", "p", "q"],
      budgets: [1, 2, 4, 8],
      seeds: seeds(8),
      score: ({ label, seed, budget }) => {
        const means = {
          1: { lora: 0.9, p: 0.6, q: 0.5 },
          2: { lora: 0.6, p: 0.9, q: 0.5 },
          4: { lora: 0.6, p: 0.5, q: 0.9 },
          8: { lora: 0.9, p: 0.9, q: 0.5 },
        }[budget!]!;
        return means[label as keyof typeof means] + luck[label === "p" ? 8 - seed : seed - 1]!;
      },
    }),
    sentence:
      "At rank 8, p is equivalent to lora; otherwise no significant difference was found (best mean accuracy: lora and p); other budgets differ from this.",
    basis: [
      `A rank test of 17 comparisons needs 10 blocks ${blocks}; there are 8 at rank 8. The comparison with lora is a paired t test over 8 seeds, corrected by Holm for all 22 tests of this report.`,
    ],
  },
  "a method with too few runs to be ranked is not called the best": {
    study: scoredStudy({
      labels: ["lora", "p", "late"],
      seeds: seeds(8),
      score: ({ label, seed }) =>
        label === "late"
          ? seed < 3 ? 0.99 : undefined
          : (label === "lora" ? 0.6 : 0.7) + luck[seed - 1]!,
    }),
    sentence: "At rank 4, p is significantly better than lora.",
    basis: [
      `Signed-rank test over 8 blocks ${blocks}, corrected by Holm for all 3 tests of this report.`,
    ],
  },
  "tasks without a common scale": {
    study: scoredStudy({
      tasks: [["a", "accuracy"], ["b", "perplexity↓"]],
      seeds: seeds(4),
      score: ({ label, task, seed }) =>
        task === "a"
          ? (label === "lora" ? 0.7 : 0.8) + luck[seed - 1]!
          : (label === "lora" ? 20 : 18) + luck[seed - 1]!,
    }),
    sentence: "At rank 4, other is significantly better than lora.",
    basis: [
      `Signed-rank test over 8 blocks ${blocks}, uncorrected, as the only test of this report.`,
    ],
  },
  "tasks without a common scale, a method without a budget": {
    study: scoredStudy({
      labels: ["lora", "head"],
      tasks: [["a", "accuracy"], ["b", "perplexity↓"]],
      seeds: seeds(4),
      score: ({ label, task, seed }) =>
        task === "a"
          ? label === "lora" ? 0.7 + luck[seed - 1]! : 0.6
          : label === "lora"
          ? 20 + luck[seed - 1]!
          : 30,
    }),
    sentence:
      "head on a (−10.17 points) and head on b (+10.00 perplexity) are significantly worse than lora.",
    basis: [
      "Each comparison with lora is a paired t test over 4 seeds, corrected by Holm for all 4 tests of this report.",
    ],
  },
  "methods without a budget beside others": {
    study: scoredStudy({
      labels: ["lora", "other", "head", "full"],
      seeds: seeds(8),
      score: around({ lora: 0.7, other: 0.7, head: 0.5, full: 0.7 }, 8),
    }),
    sentence: "At rank 4, other is equivalent to lora.",
    basis: [
      `Signed-rank test over 8 blocks ${blocks}, corrected by Holm for all 7 tests of this report.`,
      // Differences ±.7, ±.2, ±.2, ±.5 points: half of the 95% interval is .4, so that a point is ruled out.
      "Without a budget, head (−20.00 points) is significantly worse than lora and full (0.00 points) is equivalent to lora within ±1 point.",
    ],
  },
};

for (const [name, { study, sentence, basis = [] }] of Object.entries(cases)) {
  Deno.test(`answerOf: ${name}`, () => {
    const found = answer(study);
    assertEquals(found.sentence, sentence);
    assertEquals(found.basis, basis);
  });
}

Deno.test("answerOf of many methods counts them, and names those that the best does not beat", () => {
  const labels = ["lora", "p", "q", "r", "s", "u"];
  const means = { lora: 0.5, p: 0.55, q: 0.6, r: 0.65, s: 0.9, u: 0.9005 };
  const many = scoredStudy({
    labels,
    tasks: [["a", "accuracy"], ["b", "f1"]],
    seeds: seeds(8),
    score: ({ label, seed, task }) =>
      means[label as keyof typeof means] +
      luck[label === "s" || task === "a" ? 8 - seed : seed - 1]!,
  });
  assertEquals(
    answer(many).sentence,
    "At rank 4, u has the best average over 2 tasks, significantly better than lora, p, q and r but not than s.",
  );
  const apart = scoredStudy({
    labels,
    seeds: seeds(10),
    score: ({ label, seed }) => 0.1 * labels.indexOf(label) + 0.001 * seed,
  });
  assertEquals(
    answer(apart).sentence,
    "At rank 4, u is significantly better than all 5 other methods.",
  );
  const alike = scoredStudy({ labels, seeds: seeds(10), score: () => 0.5 });
  assertEquals(
    answer(alike).sentence,
    "No significant difference between the 6 methods was found.",
  );
});

Deno.test("answerOf says that no method beats the majority class, and not where one does", () => {
  const study = scoredStudy({ score: around({ lora: 0.5, other: 0.52 }, 3) });
  const said = (majority: number) =>
    answer(withHappened(study, () => ({ majority: { accuracy: majority } }))).basis[0];
  assertEquals(
    said(0.53),
    "No method beats always predicting the majority class (accuracy 53.00).",
  );
  assert(!said(0.51)!.includes("majority"));
  const level = withHappened(
    scoredStudy({ labels: ["lora"], score: () => 0.5 }),
    () => ({ majority: { accuracy: 0.5 } }),
  );
  assertEquals(answer(level).basis, [
    "No method beats always predicting the majority class (accuracy 50.00).",
  ]);
  const low = scoredStudy({
    tasks: [["t", "perplexity↓"]],
    score: around({ lora: 20, other: 21 }, 3),
  });
  const lowSaid = (majority: number) =>
    answer(withHappened(low, () => ({ majority: { "perplexity↓": majority } }))).basis[0];
  assertEquals(
    lowSaid(19),
    "No method beats always predicting the majority class (perplexity 19.00).",
  );
  assert(!lowSaid(20.5)!.includes("majority"));
});

Deno.test("where nothing was learned the answer says so first, and names no best", () => {
  const score = ({ label }: { readonly label: string }) => label === "lora" ? 0.5 : 0.52;
  const flag = { kind: "at-majority", metric: "accuracy", score: 0.5, majority: 0.52 } as const;
  const study = scoredStudy({ score });
  const idleAt = (isIdle: (label: string) => boolean) =>
    answer(withHappened(study, ({ record: { asked } }) => ({
      flags: isIdle(asked.label) ? [flag] : [],
    }))).sentence;
  assert(
    answer(study).sentence.includes("best accuracy") ||
      answer(study).sentence.includes("best mean"),
  );
  const all = idleAt(() => true);
  assert(all.startsWith("No run learned anything: each collapsed or is no better than"), all);
  const one = idleAt((label) => label === "lora");
  assert(one.startsWith("t, lora, rank 4 learned nothing: all runs there collapsed or are"), one);
  for (const sentence of [all, one]) assertEquals(sentence.includes("best"), false, sentence);
  const { runs } = withHappened(study, () => ({ flags: [flag] }));
  const rows = csvRows(tableOf(analyse({ ...study, runs }), "convergence")).map(({ state }) =>
    state
  );
  assertEquals([...new Set(rows)], ["nothing learned"]);
});
