/** The findings below the answer, on ordinary and on odd studies: whole sentences. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findingsOf } from "../../src/report/findings/findings.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";
import { scoredStudy, withHappened } from "../analysis/scored_study.ts";

/** Findings by what they are about. */
const findings = (study: StudyResults): Readonly<Record<string, string>> =>
  Object.fromEntries(
    findingsOf(analyse(study)).map(({ lead, text }) => [lead, text]),
  );

const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const small = { steps: 12, events: 2, examples: 0 };
const few = fixtureStudy({ ...small, budgets: [4] });
const many = fixtureStudy({
  ...small,
  methods: manyFixtureMethods,
  tasks: [["RTE", "accuracy"], ["MRPC", "f1"], ["CoLA", "matthews"], ["STS-B", "pearson"]],
  budgets: [4, 8],
});

Deno.test("findingsOf counts runs in words", () => {
  const runs = (study: StudyResults) => findings(study)["Runs"];
  const one = { labels: ["lora"], seeds: [1] };
  assertEquals(runs(scoredStudy({ ...one, score: () => 0.5 })), "The one planned run finished.");
  assertEquals(
    runs(scoredStudy({ labels: ["lora"], seeds: [1, 2], score: () => 0.5 })),
    "Both planned runs finished.",
  );
  assertEquals(runs(scoredStudy({ score: () => 0.5 })), "All 6 planned runs finished.");
  assertEquals(
    runs(scoredStudy({ ...one, score: () => null })),
    "0 of 1 planned run finished, 1 failed.",
  );
  assertEquals(
    runs(scoredStudy({ score: ({ seed }) => [null, undefined, 0.5][seed - 1] })),
    "2 of 6 planned runs finished, 2 failed, 2 have not been made yet.",
  );
  assertEquals(
    runs(
      scoredStudy({ score: ({ label, seed }) => label === "lora" || seed > 1 ? 0.5 : undefined }),
    ),
    "5 of 6 planned runs finished, 1 has not been made yet.",
  );
  assertEquals(
    runs({ ...scoredStudy({ score: () => 0.5 }), planned: [], runs: [] }),
    "0 of 0 planned runs finished.",
  );
});

Deno.test("findingsOf names the best mean at the largest budget, whichever way the metric is better", () => {
  const scores = { lora: [0.5, 0.6], other: [0.7, 0.4] };
  const at = (metric: string) =>
    findings(scoredStudy({
      tasks: [["t", metric]],
      budgets: [2, 8],
      score: ({ label, budget, seed }) =>
        scores[label as keyof typeof scores][budget === 2 ? 0 : 1]! + 0.01 * seed,
    }));
  assertEquals(
    at("accuracy")["Best mean accuracy on t at rank 8"],
    "lora 62.00 (sd 1.00, 3 seeds) and other 42.00 (sd 1.00, 3 seeds).",
  );
  assertEquals(
    at("perplexity↓")["Best mean perplexity on t at rank 8"],
    "other 0.42 (sd 0.01, 3 seeds) and lora 0.62 (sd 0.01, 3 seeds).",
  );
  const averaged = findings(scoredStudy({
    tasks: [["t", "accuracy"], ["u", "f1"]],
    seeds: [1],
    score: ({ label, task }) => label === "lora" ? 0.5 : task === "t" ? 0.7 : 0.5,
  }));
  assertEquals(
    averaged["Best average over 2 tasks at rank 4"],
    "other 60.00 (one seed) and lora 50.00 (one seed).",
  );
});

Deno.test("findingsOf says what six blocks of three methods cannot show", () => {
  const found = findings(few);
  assertStringIncludes(
    found["Mean ranks at rank 4"]!,
    "The 3 methods are ranked in each of 6 blocks (one task with one seed; 2 tasks), 1 is best: ElaLoRA 1.00, LoRA 2.",
  );
  assertStringIncludes(
    found["Mean ranks at rank 4"]!,
    "Methods without a budget, each placed among them: head only 4.00.",
  );
  // 3 pairs of ranks and 9 differences from LoRA: 12 · 2 / 2⁶ = 0.375.
  assertStringIncludes(
    found["Rank tests at rank 4"]!,
    "6 blocks are too few to compare pairs: even a method that is better in every block has p 0.38 after the correction " +
      "for 12 comparisons. 9 blocks would be enough.",
  );
});

Deno.test("findingsOf ranks at the largest of three budgets alone", () => {
  const leads = Object.keys(findings(fixtureStudy({ ...small, budgets: [2, 4, 8] })));
  assertEquals(leads.filter((lead) => /^(Mean ranks|Rank tests)/.test(lead)), [
    "Mean ranks at rank 8",
    "Rank tests at rank 8",
  ]);
});

Deno.test("findingsOf puts rank tests of two, three and tied methods into whole sentences", () => {
  const tests = (
    labels: readonly string[],
    score: (label: string, seed: number) => number,
    count = 8,
  ) =>
    findings(scoredStudy({
      labels,
      seeds: seeds(count),
      score: ({ label, seed }) => score(label, seed),
    }))["Rank tests at rank 4"];
  const worth = (label: string) => ({ lora: 0.5, p: 0.7, q: 0.6 })[label]!;
  assertEquals(
    tests(["lora", "p"], (label, seed) => worth(label) + seed / 100),
    "p is better than lora (signed-rank test, uncorrected, as the only test of this report).",
  );
  assertEquals(
    tests(["lora", "p"], () => 0.5),
    "They do not differ significantly (signed-rank test, corrected by Holm for both tests of this report).",
  );
  assertEquals(
    tests(["lora", "p"], worth, 3),
    "3 blocks are too few to compare two methods: even a method that is better in every block has p 0.25. 6 blocks would be enough.",
  );
  assertEquals(tests(["lora", "p"], worth, 1), "One block is too few for a test; pairs need 6.");
  assertEquals(
    tests(["lora", "p", "q"], (label, seed) => worth(label) + seed / 100),
    "The 3 methods are not all alike (Friedman’s test, p < 0.001). All 3 pairs differ significantly (signed-rank tests, " +
      "corrected by Holm for all 3 tests of this report). p differs from all others. Compared with lora, p and q are better.",
  );
  assertEquals(
    tests(["lora", "p", "q"], () => 0.5),
    "The methods have equal scores in every block. None of 3 pairs differs significantly (signed-rank tests, " +
      "corrected by Holm for all 5 tests of this report). " +
      "Compared with lora, p and q do not differ significantly.",
  );
  assertEquals(
    tests(
      ["lora", "p", "q"],
      (label, seed) => label === "lora" ? 0.5 : seed % 2 === (label === "p" ? 1 : 0) ? 0.4 : 0.3,
    ),
    "The 3 methods are not all alike (Friedman’s test, p < 0.001). 2 of 3 pairs differ significantly (signed-rank tests, " +
      "corrected by Holm for all 7 tests of this report). lora differs from all others. Compared with lora, p and q are worse.",
  );
});

Deno.test("findingsOf compares with the baseline in whole sentences: better, worse, both, neither, none to test", () => {
  const against = (
    options: Partial<Parameters<typeof scoredStudy>[0]>,
    difference: (task: string, budget: number, seed: number) => number | undefined,
  ) =>
    findings(scoredStudy({
      ...options,
      score: ({ label, task, budget, seed }) => {
        const own = difference(task, budget!, seed);
        return label === "lora" ? 0.5 : own === undefined ? undefined : 0.5 + own;
      },
    }))["other against lora, paired by seed"];
  const two = { tasks: [["a", "accuracy"], ["b", "f1"]] as const, budgets: [2, 8] };
  // Differences of mean d over three seeds with deviation .001: half 4.3027 · .1 / √3 = .25 points.
  const spread = (seed: number) => [-0.001, 0, 0.001][seed - 1]!;
  assertEquals(
    against(two, (_, __, seed) => 0.1 + spread(seed)),
    "On average over tasks and budgets, other is better than lora: +10.00 points (95% interval 9.75 to 10.25, 3 seeds). " +
      "Better than lora in all 4 task-budget combinations.",
  );
  assertEquals(
    against(two, (_, __, seed) => spread(seed) - 0.1),
    "On average over tasks and budgets, other is worse than lora: −10.00 points (95% interval −10.25 to −9.75, 3 seeds). " +
      "Worse than lora in all 4 task-budget combinations.",
  );
  assertEquals(
    against(two, (_, __, seed) => spread(seed)),
    "On average over tasks and budgets, other is equivalent to lora within ±1 point: 0.00 points " +
      "(95% interval −0.25 to 0.25, 3 seeds). Equivalent to lora in all 4 task-budget combinations.",
  );
  assertEquals(
    against(
      two,
      (task, budget, seed) => (task === "b" ? 0 : budget === 2 ? 0.1 : -0.1) + spread(seed),
    ),
    "On average over tasks and budgets, other is equivalent to lora within ±1 point: 0.00 points " +
      "(95% interval −0.25 to 0.25, 3 seeds). Better than lora in 1, worse in 1 and equivalent in 2 of 4 task-budget combinations.",
  );
  assertEquals(
    against({ budgets: [2, 8] }, (_, budget, seed) => (budget === 2 ? 0 : -0.1) + spread(seed)),
    "On t, on average over budgets, other is worse than lora: −5.00 points (95% interval −5.25 to −4.75, 3 seeds). " +
      "Worse than lora at 1 and equivalent at 1 of 2 budgets.",
  );
  assertEquals(
    against({ budgets: [2, 8] }, (_, __, seed) => 0.1 + spread(seed)),
    "On t, on average over budgets, other is better than lora: +10.00 points (95% interval 9.75 to 10.25, 3 seeds). " +
      "Better than lora at both budgets.",
  );
  assertEquals(
    against({ tasks: two.tasks }, (_, __, seed) => spread(seed)),
    "On average over tasks at rank 4, other is equivalent to lora within ±1 point: 0.00 points " +
      "(95% interval −0.25 to 0.25, 3 seeds). Equivalent to lora on both tasks.",
  );
  // Deviation .01: half of the interval is 2.5 points, which says neither.
  assertEquals(
    against({ tasks: two.tasks }, (_, __, seed) => 10 * spread(seed)),
    "On average over tasks at rank 4, other does not differ significantly from lora, nor was equivalence shown: 0.00 points " +
      "(95% interval −2.48 to 2.48, 3 seeds). No significant difference from lora on either task.",
  );
  assertEquals(
    against({}, (_, __, seed) => 0.1 + spread(seed)),
    "On t at rank 4, other is better than lora: +10.00 points (95% interval 9.75 to 10.25, 3 seeds).",
  );
  assertEquals(
    against({ tasks: [["t", "perplexity↓"]] }, (_, __, seed) => 0.1 + spread(seed)),
    "On t at rank 4, other is worse than lora: +0.10 perplexity (95% interval 0.10 to 0.10, 3 seeds).",
  );
  assertEquals(
    against({ seeds: [1] }, () => 0.1),
    "On t at rank 4, the difference is +10.00 points (one seed, so no test).",
  );
  assertEquals(
    against({ ...two, seeds: [1] }, () => 0.1),
    "On average over tasks and budgets, the difference is +10.00 points (one seed, so no test). " +
      "None of the 4 task-budget combinations could be tested by itself.",
  );
  assertEquals(
    against({}, () => 0.25),
    "On t at rank 4, the difference is +25.00 points with each of 3 seeds, so its spread is unknown.",
  );
  assertEquals(against({}, () => 0), "On t at rank 4, the scores are equal with each of 3 seeds.");
  assertEquals(
    against(
      { budgets: [2, 8] },
      (_, budget, seed) => (budget === 2) === (seed === 1) ? 0.1 : undefined,
    ),
    "On t, on average over budgets, no seed has the scores of other and lora in all 2 combinations. " +
      "None of the 2 budgets could be tested by itself.",
  );
});

Deno.test("findingsOf of many methods names the best and counts the others", () => {
  const found = findings(many);
  assertStringIncludes(
    found["Mean ranks at rank 8"]!,
    "The 14 methods are ranked in each of 12 blocks",
  );
  assertStringIncludes(found["Mean ranks at rank 8"]!, "and 9 others.");
  const tests = found["Rank tests at rank 8"]!;
  assertStringIncludes(tests, "The 14 methods are not all alike (Friedman’s test, p < 0.001).");
  assertStringIncludes(tests, "12 blocks are too few to compare pairs");
  assertEquals(
    found["Methods against LoRA, paired by seed"]!,
    // Three seeds are too few for so many tests.
    "None is better than LoRA. None is worse than LoRA. No significant difference: 16 of 16 comparisons. " +
      "Verdicts rest on tests, corrected by Holm for all 662 tests of this report.",
  );
  assert(!("DoRA against LoRA, paired by seed" in found));
  assert(Object.keys(found).length < 12, "too many findings to read");
});

Deno.test("findingsOf of many methods says so where none is better, and leaves out what one seed cannot show", () => {
  const labels = ["lora", "b", "c", "d", "e", "f", "g", "h", "i"];
  const study = (count: number) =>
    scoredStudy({
      labels,
      seeds: seeds(count),
      score: ({ label, seed }) =>
        label === "b"
          ? 0.4 + seed / 1000
          : label === "lora"
          ? 0.5
          : 0.5 + [0.01, -0.01, 0][seed - 1]!,
    });
  assertEquals(
    findings(study(3))["Methods against lora, paired by seed"],
    "None is better than lora. Worse than lora: b (−9.80 points). No significant difference: 7 of 8 comparisons. " +
      "Verdicts rest on tests, corrected by Holm for all 52 tests of this report.",
  );
  assertEquals(findings(study(1))["Methods against lora, paired by seed"], undefined);
});

Deno.test("findingsOf names the cells that nothing beats for less", () => {
  const front = findings(few)["Quality for its cost"]!;
  assertStringIncludes(front, "By training time: head only");
  assertStringIncludes(front, "By parameters to store: head only and ElaLoRA at rank 4.");
  assertStringIncludes(
    front,
    "Nothing cheaper has as good a mean, though differences may not be significant.",
  );
});

/** Step times of these runs, in milliseconds, all made alone. */
function timed(millisOf: (label: string, budget: number) => number, jobs = 1): StudyResults {
  const study = scoredStudy({ budgets: [1, 2, 4, 8], score: () => 0.5 });
  return withHappened(study, ({ record: { asked, happened } }) => ({
    time: {
      ...happened.time,
      jobs,
      medianStepMillis: millisOf(asked.label, asked.budget!.value),
    },
  }));
}

Deno.test("findingsOf gives the median ratio of step times, the mean of the middle two of an even count", () => {
  const ratios: Readonly<Record<number, number>> = { 1: 1, 2: 1.1, 4: 1.5, 8: 4 };
  const found = findings(timed((label, budget) => label === "lora" ? 10 : 10 * ratios[budget]!));
  assertEquals(
    found["Time of a step against lora"],
    "1.30 × for other (medians over tasks and budgets).",
  );
});

Deno.test("findingsOf compares no times of runs that shared the machine", () => {
  const found = findings(timed(() => 10, 2));
  assertEquals(
    found["Time of a step against lora"],
    "Not compared, since up to 2 runs were trained at a time and shared the machine.",
  );
  assertEquals(found["Quality for its cost on t"]!.includes("By training time"), false);
});

Deno.test("findingsOf says what ranks did: moved, added, masked, or kept in total", () => {
  const study = fixtureStudy({ ...small, budgets: [4], seeds: [1] });
  const changed = (moved: number, added: number): StudyResults =>
    withHappened(study, ({ record: { happened: { initialRanks } } }) => ({
      finalRanks: initialRanks &&
        Object.fromEntries(
          Object.entries(initialRanks).map(([name, rank]) => [name, rank + added]),
        ),
      ranksMoved: moved,
    }));
  const said = (moved: number, added: number) =>
    findings(changed(moved, added))["Ranks of ElaLoRA"]!.replaceAll(/ \(means over \d runs\)/g, "");
  // 4 layers of 6 modules on each of 2 tasks.
  assertEquals(
    said(0, 2),
    "A run added 48 ranks by the end in 2 events. All modules ended with rank 6.",
  );
  assertEquals(
    said(3, 2),
    "A run moved 3 ranks and added 48 ranks by the end in 2 events. All modules ended with rank 6.",
  );
  assertEquals(
    said(0, -1),
    "A run masked 24 ranks by the end in 2 events. All modules ended with rank 3.",
  );
  assertEquals(
    said(0, 0),
    "A run changed no total rank in 2 events. All modules ended with rank 4.",
  );
});

/** A study whose ablated runs lose `lossOf` without each of five modules of rank 1 to 5. */
function ablated(lossOf: (module: number, budget: number, seed: number) => number): StudyResults {
  const study = scoredStudy({ labels: ["other"], budgets: [2, 8], score: () => 0.5 });
  return {
    ...study,
    runs: study.runs.map((run) => ({
      ...run,
      ablation: {
        schema: 1,
        metric: "accuracy",
        baseline: 0.5,
        removals: [
          ...[1, 2, 3, 4, 5].map((rank) => {
            const { budget, seed } = run.record.asked;
            const loss = lossOf(rank, budget!.value, seed);
            return {
              kind: "module" as const,
              name: `layer.${rank}.query`,
              rank,
              metric: 0.5 - loss,
              loss,
            };
          }),
          // Whole layers lose the other way round: they must not count among modules.
          ...[1, 2, 3, 4, 5].map((rank) => ({
            kind: "layer" as const,
            name: `layer.${rank}`,
            rank,
            metric: 0.4 + rank / 100,
            loss: 0.1 - rank / 100,
          })),
        ],
      },
    })),
  };
}

Deno.test("findingsOf correlates rank and loss over modules alone, and says where intervals lie", () => {
  const said = (lossOf: (module: number, budget: number, seed: number) => number) =>
    findings(ablated(lossOf))["Rank and metric lost, other"];
  // Losses in the order of the ranks but for one neighbouring pair, another for each seed: ρ .9 or 1.
  const rising = (module: number, seed: number) =>
    [[2, 1, 3, 4, 5], [1, 3, 2, 4, 5], [1, 2, 3, 4, 5]][seed - 1]![module - 1]! / 100;
  assertEquals(
    said((module, _, seed) => rising(module, seed)),
    "Over modules, the rank and the metric lost without the module correlate with ρ 0.93 at 2 budgets. " +
      "Each 95% interval lies above zero.",
  );
  assertEquals(
    said((module, budget, seed) => budget === 2 ? rising(module, seed) : -rising(module, seed)),
    "Over modules, the rank and the metric lost without the module correlate with ρ −0.93 to 0.93 at 2 budgets. " +
      "Of the 2 intervals (95%), 1 lies above zero and 1 lies below zero.",
  );
  assertEquals(
    said((module, _, seed) => rising(module, seed) * (seed === 1 ? -1 : 1)),
    "Over modules, the rank and the metric lost without the module correlate with ρ 0.33 at 2 budgets. Each 95% interval includes zero.",
  );
  // Equal correlations of all seeds have no spread.
  assertEquals(
    said((module) => module),
    "Over modules, the rank and the metric lost without the module correlate with ρ 1.00 at 2 budgets. No correlation has a 95% interval.",
  );
  assertEquals(said(() => 1), undefined);
});

Deno.test("findingsOf: a study of one seed and one task claims no difference", () => {
  const one = Object.values(
    findings(fixtureStudy({ ...small, seeds: [1], tasks: [["RTE", "accuracy"]] })),
  );
  assertEquals(one.filter((text) => /better|worse|not all alike|differ /.test(text)), []);
});
