/** Everything that a report tests is corrected as one family, and its verdicts tell equal from unknown. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { answerOf } from "../../src/report/findings/answer.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import {
  correctionText,
  gateText,
  isTested,
  type PairedRow,
  widest,
} from "../../src/analysis/significance.ts";
import { scoredStudy } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** `other` against `lora` with these mean differences by budget, and a deviation of .001. */
const byBudget = (means: Readonly<Record<number, number>>, count = 3) =>
  scoredStudy({
    budgets: Object.keys(means).map(Number),
    seeds: seeds(count),
    score: ({ label, budget, seed }) =>
      label === "lora" ? 0.5 : 0.5 + means[budget!]! + [-0.001, 0, 0.001][seed % 3]!,
  });

Deno.test("one correction holds over budgets, averages and ranks, whatever table a test stands in", () => {
  const { family, paired, rankings } = analyse(byBudget({ 2: 0.1, 8: 0.1 })).tests;
  // Three differences with a test of equivalence each, and a pair of ranks at each budget.
  assertEquals([family.tests, family.comparisons, family.claims, family.isOpen], [8, 5, 0, true]);
  const ps = paired.map(({ p }) => p!);
  paired.forEach((row, i) => assertAlmostEquals(row.corrected!, 5 * ps[i]!, 1e-12));
  for (const { pairs } of rankings) assertEquals(pairs[0]!.corrected, 1);
  // A further budget makes each p larger.
  const more = analyse(byBudget({ 2: 0.1, 4: 0.1, 8: 0.1 })).tests.paired[0]!;
  assert(more.p === ps[0] && more.corrected! > paired[0]!.corrected!);
});

Deno.test("what could not be shown is undecided, and equivalent only what lies within the margin", () => {
  const verdictOf = (mean: number, margin?: number, count = 6) => {
    const { study, ...rest } = byBudget({ 4: mean }, count);
    const [row] = analyse({
      ...rest,
      study: margin === undefined ? study : { ...study, margin },
    }).tests.paired;
    assertAlmostEquals(row!.odds!.better + row!.odds!.equal + row!.odds!.worse, 1, 1e-12);
    return row!.verdict.kind;
  };
  assertEquals([0.1, -0.1, 0, 0.009].map((mean) => verdictOf(mean)), [
    "better",
    "worse",
    "equivalent",
    // Above zero for certain, and smaller than a point for certain.
    "equivalent",
  ]);
  assertEquals([verdictOf(0, 0.0005), verdictOf(0, 0.0001)], ["undecided", "undecided"]);
  assertEquals(verdictOf(0.009, 0.001), "better");
});

Deno.test("a method under two labels is never called better, and never told as significantly better", () => {
  for (let repeat = 0; repeat < 20; repeat++) {
    const stream = RandomStream.fromSeed(repeat);
    const study = scoredStudy({
      labels: ["lora", "twin"],
      tasks: [["a", "accuracy"], ["b", "matthews"]],
      budgets: [2, 8],
      seeds: seeds(4),
      score: () => 0.7 + 0.01 * stream.normal(),
    });
    const said = analyse(study).tests.paired.map(({ verdict }) => verdict.kind);
    assert(!said.includes("better") && !said.includes("worse"), `${repeat}: ${said.join(", ")}`);
    assert(!answerOf(analyse(study)).sentence.includes("significantly better"));
  }
});

Deno.test("over tasks, differences are averaged in margins where these differ, and in points where not", () => {
  const study = scoredStudy({
    tasks: [["a", "accuracy"], ["b", "matthews"]],
    score: ({ label, task, seed }) =>
      label === "lora" ? 0.5 : 0.5 + (task === "a" ? 0.02 : 0.06) + 0.001 * seed,
  });
  const over = (margin?: Readonly<Record<string, number>>) => {
    const [row] = analyse({
      ...study,
      study: { ...study.study, ...(margin === undefined ? {} : { margin }) },
    }).tests.paired.filter(({ task }) => task === "all tasks");
    return row!;
  };
  const [points, margins] = [over(), over({ b: 0.03, default: 0.01 })];
  assertAlmostEquals(points.mean!, (0.022 + 0.062) / 2, 1e-12);
  assertEquals([points.metric, points.margin], ["average", 0.01]);
  assertAlmostEquals(margins.mean!, (0.022 / 0.01 + 0.062 / 0.03) / 2, 1e-12);
  assertEquals([margins.metric, margins.margin], ["margins", 1]);
});

Deno.test("the page opens with words, and the numbers behind them are in a table of their own", () => {
  const study = byBudget({ 2: 0.1, 8: 0 }, 6);
  const words = markdownOf(tableOf(analyse(study), "paired_verdicts"));
  assertStringIncludes(words, "| other | rank 2 | better (+10.00) |");
  assertStringIncludes(words, "| other | rank 8 | equivalent (0.00) |");
  const numbers = markdownOf(tableOf(analyse(study), "paired"));
  assertStringIncludes(numbers, "corrected by Holm for all 8 tests of this report");
  assertStringIncludes(numbers, "| 0.00 | \\[−0.09, 0.09\\] | 0.0 | \\<1 / \\>99 / \\<1 | 1.00 |");
});

Deno.test("undecided differences say what they most likely are", () => {
  const words = markdownOf(tableOf(
    analyse(scoredStudy({
      score: ({ label, seed }) => label === "lora" ? 0.5 : 0.53 + 0.01 * (seed - 2),
    })),
    "paired_verdicts",
  ));
  // P(t with 2 degrees of freedom > −2 / (1 / √3)) = .963
  assertStringIncludes(words, "| other | rank 4 | undecided, 96% better (+3.00) |");
});

Deno.test("the other tests are said to be hints until every claim is decided", () => {
  const family = { tests: 12, comparisons: 8, claims: 2 };
  assertEquals(
    gateText({ ...family, isOpen: false }),
    "The 2 claims are the primary contrasts. The report makes 12 other tests, corrected for their number by Holm’s method. " +
      "Until every claim is decided, they are hints, not findings.",
  );
  assertEquals(
    gateText({ ...family, claims: 1, tests: 1, isOpen: true }),
    "The claim is the primary contrast. The report makes one other test. Every claim is decided, so this test counts too.",
  );
});

Deno.test("how many tests were corrected is said in words for one and for two", () => {
  const texts = [0, 1, 2, 3].map((tests) =>
    correctionText({ tests, comparisons: tests, claims: 0, isOpen: true })
  );
  const alone = "uncorrected, as the only test of this report";
  assertEquals(texts, [
    alone,
    alone,
    "corrected by Holm for both tests of this report",
    "corrected by Holm for all 3 tests of this report",
  ]);
});

Deno.test("the widest comparisons are over tasks before they are over budgets", () => {
  const [one] = analyse(byBudget({ 2: 0.1 })).tests.paired;
  assert(isTested(one!) && !isTested({ ...one!, corrected: null }));
  const places = [["a", "rank 2"], ["a", "all budgets"], ["all tasks", "rank 2"], [
    "all tasks",
    "all budgets",
  ]] as const;
  const rows = places.map(([task, budget]): PairedRow => ({ ...one!, task, budget }));
  assertEquals(widest(rows), rows.slice(3));
  assertEquals(widest(rows.slice(0, 3)), rows.slice(2, 3));
  assertEquals(widest(rows.slice(0, 2)), rows.slice(1, 2));
  assertEquals(widest([rows[0]!, rows[0]!]), [rows[0]!, rows[0]!]);
});
