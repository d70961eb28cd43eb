/** The majority's score and the signs of collapse in tables, in the terminal and on the page. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunFlag } from "../../src/record/types.ts";
import { buildReport } from "../../src/report/build.ts";
import { csvOf } from "../../src/report/csv.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { methodsTable } from "../../src/report/sections/scores.ts";
import { methodsText } from "../../src/report/methods_text.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import type { ReportTable } from "../../src/report/table.ts";
import { scoredStudy, withHappened } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

const plain = scoredStudy({
  tasks: [["a", "accuracy"], ["b", "pearson"]],
  budgets: [2, 8],
  score: ({ seed }) => 0.5 + 0.01 * seed,
});

/** Majorities .375 on a (by seed .25, .25 and .625, as limits may differ) and 0 on b. */
const study = withHappened(plain, ({ record: { asked } }) => ({
  majority: asked.task === "a" ? { accuracy: asked.seed === 3 ? 0.625 : 0.25 } : { pearson: 0 },
}));

const lines = (table: ReportTable) => markdownOf(table).split("\n");

Deno.test("methodsTable and scoresTable have a row for the majority class after each task's methods", () => {
  const rows = lines(methodsTable(analyse(study))).filter((line) =>
    line.includes("majority class |")
  );
  assertEquals(rows, [
    "| a | accuracy ↑ | majority class | 37.50 | 37.50 |",
    "| b | Pearson ↑ | majority class | 0.00 | 0.00 |",
    "| all tasks | average ↑ | majority class | 18.75 | 18.75 |",
  ]);
  const methods = lines(methodsTable(analyse(study))).filter((line) => line.startsWith("| a |"));
  assertEquals(methods.map((line) => line.split(" | ")[2]), ["lora", "other", "majority class"]);
  assertStringIncludes(
    markdownOf(methodsTable(analyse(study))),
    "always predicting the class that is most frequent in training",
  );
  const long = lines(tableOf(analyse(study), "scores")).filter((line) =>
    line.includes("majority class |")
  );
  assertEquals(long[0], "| a | accuracy ↑ | majority class | no budget | 37.50 | – | – |");
  assertEquals(long.length, 3);
  assertStringIncludes(
    csvOf(tableOf(analyse(study), "scores")),
    "a,accuracy,majority class,no budget,,,,0.375,,,,\n",
  );
});

Deno.test("other score tables have the majority class as a column", () => {
  const cells = (table: ReportTable, start: string) => {
    const column = table.columns.findIndex(({ title }) => title === "majority class");
    assert(column >= 0, `${table.id} has no such column`);
    return lines(table).find((line) => line.startsWith(start))!.split(" | ")[column];
  };
  assertEquals(cells(tableOf(analyse(study), "runs"), "| a | lora"), "25.00");
  assertEquals(cells(tableOf(analyse(study), "cost"), "| a | lora"), "37.50");
  assertEquals(cells(tableOf(analyse(study), "cost"), "| all tasks | lora"), "18.75");
  assertEquals(cells(tableOf(analyse(study), "ranking"), "| rank 2 | lora"), "18.75");
  const single = {
    ...study,
    runs: study.runs.filter(({ record }) => record.asked.task === "a"),
  };
  assertEquals(
    cells(tableOf(analyse(single), "ranking"), "| rank 2 | lora"),
    "37.50",
  );
});

Deno.test("studies without the majority's score have no row and no column for it", () => {
  const tables = [
    methodsTable(analyse(plain)),
    tableOf(analyse(plain), "scores"),
    tableOf(analyse(plain), "runs"),
    tableOf(analyse(plain), "cost"),
    tableOf(analyse(plain), "ranking"),
  ];
  for (const table of tables) {
    const text = lines(table).slice(3).join("\n");
    assert(!text.includes("majority class |"), `${table.id} has it`);
  }
  // One task without a majority's score leaves no average.
  const half: StudyResults = {
    ...study,
    runs: study.runs.map((run, i) => run.record.asked.task === "a" ? run : plain.runs[i]!),
  };
  const rows = lines(methodsTable(analyse(half))).filter((line) =>
    line.includes("majority class |")
  );
  assertEquals(rows, ["| a | accuracy ↑ | majority class | 37.50 | 37.50 |"]);
});

const flags: readonly RunFlag[] = [
  { kind: "one-class", prediction: 3 },
  { kind: "at-majority", metric: "accuracy", score: 0.37, majority: 0.37 },
];

/** The study with signs of collapse in the runs of `other` at rank 8 on a, none in the others; two runs do not say. */
const collapsed = withHappened(study, ({ record: { asked } }) => {
  if (asked.label === "lora" && asked.budget!.value === 2) return {};
  const has = asked.label === "other" && asked.budget!.value === 8 && asked.task === "a";
  return { flags: has && asked.seed === 2 ? flags : [] };
});

Deno.test("runsTable names signs of a collapse, says none, or that a record does not tell", () => {
  const table = tableOf(analyse(collapsed), "runs");
  const column = table.columns.findIndex(({ title }) => title === "collapse");
  const cell = (start: string) =>
    lines(table).find((line) => line.startsWith(start))!.split(" | ")[column];
  assertEquals(cell("| a | other | rank 8 | 2 "), "one prediction, at the majority");
  assertEquals(cell("| a | other | rank 8 | 1 "), "none");
  assertEquals(cell("| a | lora | rank 2 | 1 "), "not known");
  assertStringIncludes(csvOf(table), '"one prediction, at the majority"');
});

Deno.test("methodsText has the majority class in its table and collapsed runs below it, within the terminal's width", () => {
  const lines = methodsText(analyse(collapsed), 60).trimEnd().split("\n");
  assert(lines.some((line) => /^majority class +37\.50 +37\.50$/.test(line)), lines.join("\n"));
  assertEquals(lines.slice(-4), [
    "",
    "1 of 24 runs collapsed and counts in every mean:",
    "  a, other, rank 8, seed 2: predicts the same for every",
    "    text; accuracy 37.00, the majority class has 37.00",
  ]);
  assert(!methodsText(analyse(study)).includes("collapsed"));
});

Deno.test("the page warns before its chart, and folds what would be long", async () => {
  const warning = (n: number) => ({
    task: "a",
    kind: "shared-texts" as const,
    count: n,
    of: 400,
    text: `a: ${n} of 400 dev texts also occur in train.`,
  });
  const pageOf = async (results: StudyResults) =>
    (await buildReport(analyse(results))).files["report.html"]!;
  const page = await pageOf({ ...collapsed, warnings: [1, 2, 3, 4].map(warning) });
  const summary = page.slice(page.indexOf('id="summary"'), page.indexOf('id="settings"'));
  const order = ['class="answer"', "1 of 24 runs collapsed", "4 warnings about the data", "<figure"]
    .map((text) => summary.indexOf(text));
  assertEquals(order, order.toSorted((a, b) => a - b));
  assert(order[0]! >= 0);
  assertStringIncludes(
    summary,
    '<details class="notice"><summary>4 warnings about the data.</summary>',
  );
  assertStringIncludes(summary, "a: 3 of 400 dev texts also occur in train.");
  assertStringIncludes(
    summary,
    "<li>a, other, rank 8, seed 2: predicts the same for every text; accuracy 37.00",
  );
  const one = await pageOf({ ...study, warnings: [warning(7)] });
  assertStringIncludes(one, '<p class="notice">a: 7 of 400 dev texts also occur in train.</p>');
});
