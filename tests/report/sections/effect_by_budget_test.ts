/** Effect by budget: its rows by numbers worked out by hand, and what is said where there are none. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { analyse, type Analysis } from "../../../src/analysis/analysis.ts";
import { renderChart } from "../../../src/report/render.ts";
import type { ReportParts } from "../../../src/report/section.ts";
import { panelsOf } from "../chart_rows.ts";
import { cellsOf, csvRows } from "../../../src/report/table.ts";
import { effectByBudget } from "../../../src/report/sections/effect_by_budget.ts";
import { type ScoredOptions, scoredStudy } from "../../analysis/scored_study.ts";
import { tableOf } from "../table_of.ts";

/** What `other` gains at each budget, with seeds 1, 2, 3. */
const gains: Readonly<Record<number, readonly number[]>> = {
  2: [0.01, 0.02, 0.03],
  8: [-0.03, 0, 0.06],
};

const effectRows = (results: Analysis) => csvRows(tableOf(results, "effect_by_budget"));

const study = (options: Partial<ScoredOptions> = {}) =>
  analyse(scoredStudy({
    budgets: [8, 2],
    score: ({ label, budget, seed }) =>
      0.5 + 0.1 * seed + (label === "other" ? gains[budget!]![seed - 1]! : 0),
    ...options,
  }));

Deno.test("each budget has the mean difference of its seeds and the t interval, budgets ascending", () => {
  const rows = effectRows(study());
  assertEquals(rows.map(({ label, budget, n }) => [label, budget, n]), [
    ["other", "rank 2", 3],
    ["other", "rank 8", 3],
  ]);
  // With 2 degrees of freedom the quantile of t has a closed form; deviations are 0.01 and √0.0021.
  const quantile = 0.95 / Math.sqrt(2 * 0.975 * 0.025);
  const [small, large] = rows;
  for (
    const [row, mean, sd] of [[small!, 0.02, 0.01], [large!, 0.01, Math.sqrt(0.0021)]] as const
  ) {
    const half = quantile * sd / Math.sqrt(3);
    assertAlmostEquals(Number(row["mean"]), mean, 1e-12);
    assertAlmostEquals(Number(row["low"]), mean - half, 1e-12);
    assertAlmostEquals(Number(row["high"]), mean + half, 1e-12);
  }
});

Deno.test("the table is among those of the report, and names the baseline in its CSV", () => {
  const table = tableOf(study(), "effect_by_budget");
  assertEquals(cellsOf(table).map((cells) => cells.slice(2, 7)), [
    ["other", "rank 2", "+2.00", "[−0.48, 4.48]", "3"],
    ["other", "rank 8", "+1.00", "[−10.38, 12.38]", "3"],
  ]);
  const [first] = csvRows(table);
  assertEquals([first!["baseline"], first!["budget"], first!["n"]], ["lora", "rank 2", 3]);
});

Deno.test("the chart has the same numbers, a panel a task, and a line at no difference", async () => {
  const analysis = study();
  const block = effectByBudget.blocks.flat().find(({ kind }) => kind === "charts")!;
  assert(block.kind === "charts");
  const [chart] = block.of({ analysis } as ReportParts);
  const rows = panelsOf(chart!).get("t, accuracy ↑")!;
  assertEquals(
    rows.filter((row) => "value" in row).map((
      row,
    ) => [row["series"], Number(row["value"]).toFixed(2)]),
    [["rank 2", "2.00"], ["rank 8", "1.00"]],
  );
  assertEquals(rows.flatMap((row) => row["reference"] ?? []), [0]);
  await renderChart(chart!);
  assertEquals(
    block.of({ analysis: study({ budgets: [4], score: () => 0.5 }) } as ReportParts),
    [],
  );
});

Deno.test("a method without a budget that is far from the others has its number at the edge, not the scale", () => {
  const chartOf = (labels: readonly string[]) => {
    const score = ({ label, budget, seed }: Parameters<ScoredOptions["score"]>[0]) =>
      label === "head"
        ? 0.1 * seed
        : 0.5 + 0.1 * seed + (label === "other" ? gains[budget!]![seed - 1]! : 0);
    const block = effectByBudget.blocks.flat().find(({ kind }) => kind === "charts")!;
    assert(block.kind === "charts");
    return block.of({ analysis: study({ labels, score }) } as ReportParts)[0]!;
  };
  const boundsOf = (chart: ReturnType<typeof chartOf>) =>
    panelsOf(chart).get("t, accuracy ↑")!.flatMap((row) => row["bound"] ?? []);
  const [alone, beside] = [chartOf(["lora", "other"]), chartOf(["lora", "other", "head"])];
  assertEquals(boundsOf(beside), boundsOf(alone));
  const head = panelsOf(beside).get("t, accuracy ↑")!.filter((row) => row["name"] === "head");
  assertEquals(head.map((row) => row["below"]), ["◂ -50.0", "◂ -50.0"]);
  const said = "A method without a budget that is far from the others has its number at the edge";
  assertStringIncludes(beside.caption, said);
  assert(!alone.caption.includes(said));
});

Deno.test("a method without a budget is compared with the baseline at each", () => {
  const rows = effectRows(study({
    labels: ["lora", "head"],
    score: ({ label, budget }) => label === "head" ? 0.6 : budget === 2 ? 0.7 : 0.8,
  }));
  assertEquals(rows.map(({ label, budget, mean }) => [label, budget, Number(mean).toFixed(3)]), [
    ["head", "rank 2", "-0.100"],
    ["head", "rank 8", "-0.200"],
  ]);
});

Deno.test("several tasks have rows each and of their mean", () => {
  const rows = effectRows(study({ tasks: [["a", "accuracy"], ["b", "accuracy"]] }));
  assertEquals(rows.map(({ task, budget }) => [task, budget]), [
    ["a", "rank 2"],
    ["a", "rank 8"],
    ["b", "rank 2"],
    ["b", "rank 8"],
    ["all tasks", "rank 2"],
    ["all tasks", "rank 8"],
  ]);
});

Deno.test("a study with one budget, without a baseline or without pairs says what is missing", () => {
  const score = () => 0.5;
  for (
    const [options, said] of [
      [{ budgets: [4], score }, "need two budgets"],
      [{ labels: ["other"], score }, "add LoRA"],
      [{
        score: ({ label, seed }) =>
          label === "lora" && seed > 1 ? undefined : label === "lora" ? null : 0.5,
      }, "need two budgets"],
      [{ score: () => undefined }, "No run has finished yet"],
    ] as readonly (readonly [Partial<ScoredOptions>, string])[]
  ) {
    const analysis = study(options);
    assertEquals(effectRows(analysis), []);
    assertStringIncludes(String(textOf(effectByBudget.empty!(analysis))), said);
  }
});

const textOf = (value: unknown) =>
  typeof value === "object" && value !== null && "text" in value ? value.text : value;
