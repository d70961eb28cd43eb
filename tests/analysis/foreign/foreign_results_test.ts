/** Scores that were made elsewhere: what they decide, what is said of them, and what is refused. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { analyse } from "../../../src/analysis/analysis.ts";
import type { ForeignClaims, ForeignScore } from "../../../src/analysis/foreign/foreign_score.ts";
import { InputError, UsageError } from "../../../src/base/input_error.ts";
import { StudyError } from "../../../src/study/check/problems.ts";

const says = (says: "better" | "equivalent", claim: object = {}): ForeignClaims => ({
  claims: [{ name: "ours", says, a: { method: "ours" }, b: { method: "lora" }, ...claim }],
});

/** Scores of two methods on some tasks; of ours minus LoRA's the differences are given. */
function scores(
  differences: readonly number[],
  tasks: readonly string[] = ["RTE"],
): readonly ForeignScore[] {
  return tasks.flatMap((task) =>
    differences.flatMap((difference, i) => {
      const base = 0.7 + 0.003 * (i % 3);
      return [
        { method: "lora", task, seed: i + 1, score: base },
        { method: "ours", task, seed: i + 1, score: base + difference },
      ];
    })
  );
}

const warningsOf = (rows: readonly ForeignScore[], claims: ForeignClaims = {}) =>
  analyse(rows, claims).warnings.map(({ text }) => text).join("\n");

Deno.test("claims are decided by all seeds that are there, once", () => {
  const clear = analyse(scores([0.03, 0.032, 0.029, 0.031, 0.028]), says("better"));
  const [verdict] = clear.claimsReport!.verdicts;
  assertEquals([verdict!.answer, verdict!.state.n, verdict!.plan.looks], ["supported", 5, [5]]);
  assertStringIncludes(clear.claimsReport!.heading, "made elsewhere");
  const wide = analyse(scores([0.01, -0.01, 0.02, 0.0, 0.0]), says("better"));
  assertEquals(wide.claimsReport!.lines[0]!.answer, "undecided");
  const [line] = wide.claimsReport!.lines;
  assert(/^about \d+ more seeds$/.test(line!.wanted), line!.wanted);
  assert(line!.notes.every((note) => !note.includes("the plan allows")), line!.notes.join());
});

Deno.test("one seed decides nothing, and the line says when the first verdict can come", () => {
  const { claimsReport } = analyse(scores([0.05]), says("better"));
  const [line] = claimsReport!.lines;
  assertEquals([line!.answer, line!.wanted], ["undecided", "2 more seeds"]);
  assertStringIncludes(line!.basis, "1 seed, and the first look is at 3");
});

Deno.test("each claim looks at the seeds that it has, whatever others have", () => {
  const third = [1, 2, 3].map((seed) => ({
    ...{ method: "dora", task: "RTE", seed, score: 0.7 + 0.003 * ((seed - 1) % 3) + 0.001 * seed },
  }));
  const { claimsReport } = analyse([...scores([0.03, 0.032, 0.029, 0.031, 0.028]), ...third], {
    claims: [
      ...says("better").claims!,
      { name: "dora", says: "equivalent", a: { method: "dora" }, b: { method: "lora" } },
    ],
  });
  assertEquals(claimsReport!.verdicts.map(({ state }) => state.n), [5, 3]);
  assertEquals(claimsReport!.verdicts.map(({ plan }) => plan.level), [0.025, 0.025]);
});

Deno.test("a seed that lacks a task counts for no claim over several tasks, and the page says so", () => {
  const rows = scores([0.03, 0.032, 0.029, 0.031, 0.028], ["RTE", "CoLA"])
    .filter(({ task, seed, method }) => !(task === "CoLA" && seed === 4 && method === "ours"));
  const { claimsReport, warnings } = analyse(rows, says("better"));
  const { differences } = claimsReport!.verdicts[0]!;
  assertEquals(differences.map(({ seed }) => seed), [1, 2, 3, 5]);
  assertStringIncludes(warnings.map(({ text }) => text).join(), 'Claim "ours" leaves out seed 4');
});

Deno.test("a run without a score is left out and named", () => {
  const rows = scores([0.03, 0.032, 0.029, 0.031, 0.028]).map((row) =>
    row.method === "lora" && row.seed === 2 ? { ...row, score: null } : row
  );
  const { claimsReport } = analyse(rows, says("better"));
  assertEquals(claimsReport!.verdicts[0]!.differences.length, 4);
  assertStringIncludes(warningsOf(rows), "1 run has no score and counts in no mean: lora on RTE");
});

Deno.test("percent is read as percent and said; beside fractions it is refused with both lines", () => {
  const percent = scores([0.03, 0.032, 0.029]).map((row) => ({ ...row, score: row.score! * 100 }));
  const read = analyse(percent);
  assertEquals(read.rows[0]!.score, 0.7);
  assertStringIncludes(read.foreign!.notes.join(), "read as percent");
  const mixed = percent.map((row, i) => ({
    ...row,
    ...{ file: "a.csv", line: i + 2, score: i === 3 ? row.score / 100 : row.score },
  }));
  const error = assertThrows(() => analyse(mixed), InputError);
  assertStringIncludes(error.message, 'Cannot read "a.csv", line 5: found score 0.7');
  assertStringIncludes(error.message, "line 2 has 70, want percent or fractions in one metric");
});

Deno.test("a row that repeats another counts once; one that contradicts it is refused", () => {
  const rows = scores([0.03, 0.032, 0.029]).map((row, i) => ({
    ...row,
    file: "a.csv",
    line: i + 2,
  }));
  const again = [...rows, { ...rows[1]!, line: 99 }];
  assertStringIncludes(
    warningsOf(again),
    '1 row repeats another and is counted once: "a.csv", line 99 is line 3',
  );
  assertEquals(analyse(again).runs.length, 6);
  const error = assertThrows(
    () => analyse([...rows, { ...rows[1]!, line: 99, score: 0.5 }]),
    InputError,
    'Cannot read "a.csv", line 99: found a second score of ours on RTE with seed 1: 0.5 where line 3 has 0.73',
  );
  assertStringIncludes(error.message, "seed, step, example, budget, task or metric");
});

Deno.test("without seeds runs are numbered in their order; methods without a seed in common are named", () => {
  const bare = scores([0.03, 0.032, 0.029]).map(({ seed: _, ...row }) => row);
  assertEquals(analyse(bare).grid.seeds, [1, 2, 3]);
  assertStringIncludes(warningsOf(bare), "No seeds are given");
  const apart = scores([0.03, 0.032, 0.029]).map((row) =>
    row.method === "ours" ? { ...row, seed: row.seed! + 10 } : row
  );
  assertStringIncludes(
    warningsOf(apart),
    "Methods without a seed in common cannot be paired: lora and ours on RTE (seeds 1, 2, 3 and seeds 11, 12, 13)",
  );
  assertThrows(() => analyse(apart, says("better")), StudyError, "no task and seed");
});

Deno.test("one method, unknown arms and unknown baselines are said plainly", () => {
  const one = scores([0.01, 0.02, 0.03]).filter(({ method }) => method === "lora");
  assertStringIncludes(
    warningsOf(one),
    "All scores are of one method, lora: there is nothing to compare.",
  );
  assertThrows(
    () =>
      analyse(scores([0.01]), {
        claims: [{ ...says("better").claims![0]!, a: { method: "our" } }],
      }),
    StudyError,
    'Did you mean "ours"?',
  );
  assertThrows(
    () => analyse(scores([0.01]), {}, { baseline: "Lora" }),
    UsageError,
    'Unknown method "Lora": known are "lora", "ours". Did you mean "lora"?',
  );
});

Deno.test("a metric that sounds like a loss must say which way it is better, and then lower wins", () => {
  const losses = scores([-0.03, -0.032, -0.029, -0.031]).map((row) => ({
    ...row,
    metric: "eval_loss",
  }));
  assertThrows(() => analyse(losses), InputError, "sounds as if less were better");
  const { claimsReport } = analyse(losses, says("better"), { better: "lower" });
  assertEquals(claimsReport!.lines[0]!.answer, "supported");
});

Deno.test("of steps the last counts, and a score that still moves gates the claim", () => {
  const rows = scores([0.03, 0.032, 0.029, 0.031]).flatMap((row) =>
    Array.from({ length: 20 }, (_, i) => ({
      ...row,
      step: 10 * (i + 1),
      score: row.score! - 0.02 * (19 - i),
    }))
  );
  const { claimsReport, rows: [first], runs } = analyse(rows, says("better"));
  assertEquals([first!.score, runs[0]!.evaluations.length], [0.7, 20]);
  assertEquals(claimsReport!.lines[0]!.answer, "more steps needed");
});

Deno.test("methods with very different numbers of parameters are no equal budgets", () => {
  const rows = scores([0.03, 0.032, 0.029]).map((row) => ({
    ...row,
    parameters: row.method === "lora" ? 1000 : 9_175_040,
  }));
  assertStringIncludes(warningsOf(rows), "between 1,000 and 9,175,040 parameters");
});
