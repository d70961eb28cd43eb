/** Budget equivalence: answers that can be worked out by hand, and what is said where there is none. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { analyse } from "../../../src/analysis/analysis.ts";
import { budgetEquivalenceJson } from "../../../src/analysis/budget_equivalence.ts";
import { cellsOf, csvRows } from "../../../src/report/table.ts";
import { budgetEquivalence } from "../../../src/report/sections/budget_equivalence.ts";
import { type ScoredOptions, scoredStudy, type ScorePlace } from "../../analysis/scored_study.ts";
import { tableOf } from "../table_of.ts";

/** LoRA gains 4 points with each doubling of its rank; `other` has what LoRA would have at three times the rank; seeds move both alike. */
const known = ({ label, budget, seed }: ScorePlace): number =>
  0.6 + 0.02 * seed + 0.04 * Math.log2(label === "head" ? 0.5 : budget!) +
  (label === "other" ? 0.04 * Math.log2(3) : 0) + 1e-4 * (seed % 2) * (label === "lora" ? 0 : 1);

const study = (options: Partial<ScoredOptions> = {}) =>
  analyse(scoredStudy({ budgets: [8, 2, 4], seeds: [1, 2, 3, 4], score: known, ...options }));

const answersOf = (options: Partial<ScoredOptions> = {}) => study(options).budgetEquivalences;

Deno.test("a method that does what LoRA does at three times the rank is worth three times the rank", () => {
  const [small, middle, large] = answersOf();
  assertEquals([small!.label, small!.budget, small!.own, small!.n], ["other", "rank 2", 2, 4]);
  assertAlmostEquals(Number(small!.needed), 6, 0.01);
  assert(Number(small!.low) < 6.01 && Number(small!.high) > 6 && Number(small!.high) < 6.1);
  assertEquals([middle!.needed, middle!.high], ["above", "above"]);
  assertEquals([large!.needed, large!.low], ["above", "above"]);
});

Deno.test("people read numbers with the ends of what was tried, programs the same rows", () => {
  const analysis = study({ labels: ["lora", "other", "head"] });
  const table = tableOf(analysis, "budget_equivalence");
  assertEquals(
    cellsOf(table).map((cells) => [cells[1], cells[2], ...cells.slice(4, 8)]),
    [
      ["other", "rank 2", "6", "[6, 6]", "3", "4"],
      ["other", "rank 4", "more than 8", "more than 8", "more than 2", "4"],
      ["other", "rank 8", "more than 8", "more than 8", "more than 1", "4"],
      ["head", "no budget", "below 2", "below 2", "–", "4"],
    ],
  );
  const [first, second] = csvRows(table);
  assertAlmostEquals(Number(first!["ratio"]), Number(first!["needed"]) / 2, 1e-12);
  assertEquals([second!["needed"], second!["ratio"]], ["above", "above"]);
  const lines = budgetEquivalenceJson(analysis.budgetEquivalences);
  assertEquals(lines.length, 4);
  assertEquals(lines[3], { kind: "budget-equivalence", ...analysis.budgetEquivalences[3]! });
});

Deno.test("a metric whose lower values are better is turned", () => {
  const score = (place: ScorePlace) => 10 - known(place);
  const [turned] = answersOf({ tasks: [["t", "logLoss"]], score });
  const [plain] = answersOf();
  assertAlmostEquals(Number(turned!.needed), Number(plain!.needed), 1e-6);
});

Deno.test("seeds that a cell lacks are left out, and a budget that most seeds lack", () => {
  const lacking = (without: (place: ScorePlace) => boolean) =>
    answersOf({
      score: (place) => place.label === "lora" && without(place) ? undefined : known(place),
    })[0]!;
  const one = lacking(({ budget, seed }) => budget === 4 && seed === 2);
  assertEquals([one.n, one.tried], [3, [2, 4, 8]]);
  assertAlmostEquals(Number(one.needed), 6, 0.01);
  const cell = lacking(({ budget }) => budget === 4);
  assertEquals([cell.n, cell.tried], [4, [2, 8]]);
  assertAlmostEquals(Number(cell.needed), 6, 0.01);
  const most = lacking(({ budget, seed }) => budget === 8 && seed > 1);
  assertEquals([most.n, most.tried], [4, [2, 4]]);
  assertEquals(most.needed, "above");
});

Deno.test("a flat LoRA gets no number that looks exact", () => {
  const noise = [0.01, -0.02, 0.015, 0];
  const score = ({ label, budget, seed }: ScorePlace) =>
    0.7 + noise[(seed + budget! + (label === "lora" ? 0 : 1)) % 4]!;
  const [row] = answersOf({ score });
  assertEquals([row!.low, row!.high], ["below", "above"]);
  const [cells] = cellsOf(tableOf(study({ score }), "budget_equivalence"));
  assertStringIncludes(cells!.at(-1)!, "cannot tell");
});

Deno.test("equal scores at all budgets are reached by the smallest", () => {
  const [row] = answersOf({ score: () => 0.7 });
  assertEquals([row!.needed, row!.low, row!.high], [2, "below", "above"]);
});

Deno.test("two seeds, or one budget with LoRA, give a reason in place of an answer", () => {
  const [few] = answersOf({ seeds: [1, 2] });
  assertEquals([few!.needed, few!.reason], [null, "fewer than 3 seeds"]);
  const [single] = answersOf({
    score: (place) => place.label === "lora" && place.budget !== 2 ? undefined : known(place),
  });
  assertEquals([single!.needed, single!.reason], [null, "fewer than 2 budgets"]);
  for (
    const [options, said] of [
      [{ budgets: [4] }, "two budgets"],
      [{ labels: ["other"] }, "add LoRA"],
      [{ labels: ["lora"] }, "another method"],
      [{ score: () => undefined }, "No run has finished yet"],
    ] as readonly (readonly [Partial<ScoredOptions>, string])[]
  ) {
    const analysis = study(options);
    assertEquals(analysis.budgetEquivalences, []);
    const text = budgetEquivalence.empty!(analysis);
    assertStringIncludes(
      typeof text === "object" && text && "text" in text ? String(text.text) : String(text),
      said,
    );
  }
});

Deno.test("over tasks the mean of each seed counts, of seeds that have all tasks", () => {
  const rows = answersOf({
    tasks: [["a", "accuracy"], ["b", "accuracy"]],
    score: (place) =>
      place.task === "b" && place.label === "other" && place.seed === 1 ? null : known(place),
  });
  const [a, b, all] = rows.filter(({ budget }) => budget === "rank 2");
  assertEquals([a!.n, b!.n, all!.n, all!.task], [4, 3, 3, "all tasks"]);
  assertAlmostEquals(Number(all!.needed), 6, 0.01);
});

Deno.test("budgets of parameters are answered in parameters, and a rank is not mixed with them", () => {
  const results = scoredStudy({ budgets: [8, 2, 4], seeds: [1, 2, 3, 4], score: known });
  const counted = (isCounted: (run: (typeof results.runs)[number]) => boolean) =>
    analyse({
      ...results,
      runs: results.runs.map((run) => {
        const { asked } = run.record;
        const value = 1000 * asked.budget!.value;
        return isCounted(run)
          ? {
            ...run,
            record: { ...run.record, asked: { ...asked, budget: { type: "parameters", value } } },
          }
          : run;
      }),
    });
  const all = counted(() => true);
  const [row] = all.budgetEquivalences;
  assertEquals([row!.counts, row!.tried, row!.own], ["parameters", [2000, 4000, 8000], 2000]);
  assertAlmostEquals(Number(row!.needed), 6000, 10);
  const [cells] = cellsOf(tableOf(all, "budget_equivalence"));
  assertEquals([cells![4], cells![5]], ["parameters", "6,005"]);
  const mixed = counted(({ record: { asked: { label } } }) => label === "other");
  assertEquals(mixed.budgetEquivalences[0]!.reason, "fewer than 2 budgets");
});
