/** Comparisons that a study asks for: which pairs count, their tests, and what each arm trained. */
import { stillFalling } from "./learning_curves.ts";
import { verdictText } from "../../src/analysis/verdict.ts";
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { tablesOf } from "../../src/report/build.ts";
import { findingsOf } from "../../src/report/findings/findings.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { comparedPairs, type StudyComparison } from "../../src/study/compare/arms.ts";
import { type ScoredOptions, scoredStudy } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

const rank = (method: string, budget: number) => ({ method, budget });

/** A study with comparisons, whose plan has all runs also where some were not made. */
function studyOf(
  options: ScoredOptions,
  ...comparisons: readonly StudyComparison[]
): StudyResults {
  const whole = scoredStudy({ ...options, score: () => 0.5 });
  const points = whole.runs.map(({ record }) => ({ ...record.asked, settings: {} }));
  return {
    ...scoredStudy(options),
    comparisons: comparisons.map((asked) => ({ asked, pairs: comparedPairs(asked, points) })),
  };
}

const base: ScoredOptions = {
  labels: ["lora", "other", "head"],
  budgets: [2, 4],
  score: ({ label, budget, seed }) =>
    label === "head" ? 0.3 : (label === "lora" ? 0.5 : 0.53) + 0.02 * budget! +
      (label === "other" ? 0.001 * seed : 0),
};

Deno.test("arms of different budgets are compared seed by seed, with what each trained", () => {
  const study = studyOf(base, { a: rank("other", 2), b: rank("lora", 4) });
  const [row, ...rest] = analyse(study).tests.comparisons;
  assertEquals(rest, []);
  assertEquals([row!.task, row!.a.arm, row!.b.arm, row!.n], [
    "t",
    "other, rank 2",
    "lora, rank 4",
    3,
  ]);
  // 0.57 + 0.001 seed against 0.58: mean -0.008, deviation 0.001, t quantile 4.302653 (SciPy).
  assertAlmostEquals(row!.mean!, -0.008, 1e-12);
  assertAlmostEquals(row!.low!, -0.008 - 4.302652729911275 * 0.001 / Math.sqrt(3), 1e-9);
  assertAlmostEquals(row!.a.mean!, 0.572, 1e-12);
  assertAlmostEquals(row!.b.mean!, 0.58, 1e-12);
  // 2 × scipy.stats.t.sf(0.008 / (0.001 / sqrt(3)), 2)
  assertAlmostEquals(row!.p!, 0.005167993, 1e-8);
  // One of 6 comparisons of the report: the others are those with the baseline at both budgets and over them, and two of ranks.
  assertAlmostEquals(row!.corrected!, 6 * row!.p!, 1e-12);
  assertEquals(row!.verdict, { kind: "worse", reason: null });
  // The fixture's ranks cost 3,072 numbers each.
  assertEquals([row!.a.trained, row!.b.trained], [2 * 3072, 4 * 3072]);
  const { rows, columns } = tableOf(analyse(study), "comparisons");
  const cells = columns.map(({ cell }) => cell(rows[0]!));
  assertEquals(cells, [
    "other, rank 2",
    "lora, rank 4",
    "t",
    "accuracy ↑",
    "57.20",
    "58.00",
    "worse",
    "3",
    "−0.80",
    "[−1.05, −0.55]",
    "−4.5",
    "<1 / 96 / 4",
    "0.031",
    "0.22",
    "6,144",
    "12,288",
  ]);
});

Deno.test("p is corrected for all tests of a report, and the verdict follows it", () => {
  const narrow = { a: rank("other", 2), b: rank("lora", 4) };
  const alone = analyse(studyOf(base, narrow)).tests.comparisons[0]!;
  const rows = analyse(studyOf(base, narrow, { a: rank("other", 4), b: rank("lora", 4) }, {
    a: rank("other", 4),
    b: rank("other", 2),
  })).tests.comparisons;
  // The third differs by the same in every pair and cannot be tested; of two tests the larger p stays.
  assertEquals(rows.map(({ verdict }) => verdictText(verdict)), [
    "worse",
    "better",
    "same in every pair",
  ]);
  // One more row that is tested: 7 comparisons in place of 6.
  assertAlmostEquals(rows[0]!.corrected! / 7, alone.corrected! / 6, 1e-12);
  assert(rows[1]!.corrected! < rows[0]!.corrected!);
  assertEquals(rows[2]!.corrected, null);
  // Noise that is just significant by itself is not, with a second comparison of the kind.
  const noisy = (label: string, seed: number) =>
    label === "lora" ? 0.5 : 0.51 + 0.0035 * (seed - 2);
  const options: ScoredOptions = {
    labels: ["lora", "one", "two"],
    score: ({ label, seed }) => noisy(label, seed),
  };
  const one = { a: { method: "one" }, b: { method: "lora" } };
  const verdicts = (...asked: readonly StudyComparison[]) =>
    analyse(studyOf(options, ...asked)).tests.comparisons.map(({ verdict }) => verdict.kind);
  const [tested] = analyse(studyOf(options, one)).tests.comparisons;
  assert(tested!.p! < 0.05);
  assertEquals(verdicts(one, { ...one, a: { method: "two" } }), ["undecided", "undecided"]);
});

Deno.test("a seed without both scores takes no part, nor a failed or missing run in what was trained", () => {
  const study = studyOf(
    {
      ...base,
      score: (place) => {
        if (place.label === "other" && place.seed === 2) return null;
        return place.label === "lora" && place.seed === 3 ? undefined : base.score(place);
      },
    },
    { a: rank("other", 2), b: rank("lora", 4) },
    { a: { method: "head" }, b: rank("lora", 2) },
  );
  const [row, head] = analyse(study).tests.comparisons;
  assertEquals([row!.n, row!.verdict, row!.corrected], [1, {
    kind: "untested",
    reason: "one pair only",
  }, null]);
  assertEquals([head!.n, head!.a.arm, head!.a.trained], [2, "head", 0]);
  const empty = studyOf({ ...base, score: () => undefined }, {
    a: rank("other", 2),
    b: rank("lora", 4),
  });
  const [none] = analyse(empty).tests.comparisons;
  assertEquals([none!.n, none!.verdict.reason, none!.a.trained, none!.b.mean], [
    0,
    "no pairs",
    null,
    null,
  ]);
});

Deno.test("several tasks have a row each and one for their mean; several budgets are averaged within a seed", () => {
  const tasks = [["s", "accuracy"], ["t", "accuracy"]] as const;
  const score: ScoredOptions["score"] = (place) =>
    base.score(place)! + (place.task === "s" && place.label === "other" ? 0.01 : 0);
  const rows =
    analyse(studyOf({ ...base, tasks, score }, { a: { method: "other" }, b: { method: "lora" } }))
      .tests.comparisons;
  assertEquals(rows.map(({ task }) => task), ["s", "t", "all tasks"]);
  assertEquals([rows[0]!.a.arm, rows[0]!.n], ["other, rank 2 and rank 4", 3]);
  rows.forEach((row, i) => assertAlmostEquals(row.mean!, [0.042, 0.032, 0.037][i]!, 1e-12));
  const mixed = [["s", "accuracy"], ["t", "rmse"]] as const;
  const apart = analyse(
    studyOf({ ...base, tasks: mixed, score }, { a: { method: "other" }, b: { method: "lora" } }),
  ).tests.comparisons;
  assertEquals(apart.map(({ task }) => task), ["s", "t"]);
});

Deno.test("each comparison is a sentence among the findings, with its test and its price", () => {
  const said = (study: StudyResults) =>
    Object.fromEntries(
      findingsOf(analyse(study)).filter(({ lead }) => lead.startsWith("Asked for"))
        .map(({ lead, text }) => [lead, text]),
    );
  const narrow = { a: rank("other", 2), b: rank("lora", 4) };
  assertEquals(said(studyOf(base, narrow, { a: rank("other", 4), b: rank("other", 2) })), {
    "Asked for: other, rank 2 against lora, rank 4":
      "On t, worse: −0.80 points (95% interval −1.05 to −0.55, 3 seeds, p 0.031, corrected by Holm for all 10 tests of this report). Trained adapter " +
      "parameters: 6,144 against 12,288.",
    "Asked for: other, rank 4 against other, rank 2":
      "On t, the difference is +4.00 points in every pair, so it has no test. Trained adapter parameters: 12,288 against 6,144.",
  });
  assertEquals(Object.values(said(studyOf({ ...base, score: () => undefined }, narrow))), [
    "On t, no seed has the scores of both.",
  ]);
  assertEquals(Object.values(said(studyOf({ ...base, seeds: [1] }, narrow))), [
    "On t, the difference is −0.90 points (one seed, so no test). Trained adapter parameters: 6,144 against 12,288.",
  ]);
  assertEquals(said(scoredStudy(base)), {});
});

Deno.test("there is no verdict between runs of which one side had not converged", () => {
  const narrow = { a: rank("other", 2), b: rank("lora", 4) };
  const study = studyOf(base, narrow, { a: rank("other", 4), b: rank("lora", 2) });
  const early: StudyResults = {
    ...study,
    runs: study.runs.map((run) => {
      const { asked } = run.record;
      return asked.label !== "other" || asked.budget!.value !== 2 ? run : stillFalling(run);
    }),
  };
  assertEquals(
    analyse(early).tests.comparisons.map((
      { verdict, corrected },
    ) => [verdictText(verdict), corrected === null]),
    [
      ["more steps needed", true],
      ["better", false],
    ],
  );
  assertStringIncludes(tableOf(analyse(early), "comparisons").note, "More steps needed");
  const [text] = findingsOf(analyse(early)).filter(({ lead }) => lead.startsWith("Asked for"))
    .map(({ text }) => text);
  assertStringIncludes(
    text!,
    "On t, no verdict: runs need more steps. The difference is −0.80 points",
  );
});

Deno.test("a study that asks for no comparison has no such table on its page", () => {
  const rowsOf = (study: StudyResults) =>
    tablesOf(analyse(study)).find(({ id }) => id === "comparisons")!.rows.length;
  assertEquals(rowsOf(scoredStudy(base)), 0);
  assertEquals(rowsOf(studyOf(base, { a: rank("other", 2), b: rank("lora", 4) })), 1);
});
