/** What several tasks say together: chances, profiles and orders, and where each of them is left out. */
import { analyse } from "../../src/analysis/analysis.ts";
import { csvRows } from "../../src/report/table.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { performanceProfiles } from "../../src/analysis/over_tasks.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { fixtureStudy } from "./fixture.ts";
import { type ScoredOptions, scoredStudy } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

const tasks = [["a", "accuracy"], ["b", "matthews"]] as const;

/** `up` is ten points above lora in every run, `twin` has its scores in another order. */
const options: ScoredOptions = {
  labels: ["lora", "up", "twin"],
  tasks,
  seeds: [1, 2, 3, 4],
  score: ({ label, seed }) =>
    label === "up"
      ? 0.6 + 0.001 * (seed * seed % 5)
      : 0.5 + 0.001 * (label === "twin" ? 5 - seed : seed),
};
const study = scoredStudy(options);

Deno.test("chances over tasks add up, tell better from equal, and are the same each time", () => {
  const rows = new Map(analyse(study).overTasks.map((row) => [row.label, row]));
  const [up, twin] = [rows.get("up")!, rows.get("twin")!];
  for (const { hierarchical, nextTask, signedRank } of rows.values()) {
    for (const odds of [hierarchical!, nextTask!, signedRank!]) {
      assertAlmostEquals(odds.better + odds.equal + odds.worse, 1, 1e-9);
    }
  }
  assert(up.hierarchical!.better > 0.8 && up.signedRank!.better > 0.8);
  assert(twin.hierarchical!.equal > 0.8 && twin.signedRank!.equal > 0.8);
  assertEquals([up.improvement, up.improvementInterval], [1, { low: 1, high: 1 }]);
  assertEquals(twin.improvement, 0.5);
  assertEquals(analyse(scoredStudy(options)).overTasks, analyse(study).overTasks);
});

Deno.test("one task, two methods and two seeds have no chances over tasks that they could not carry", () => {
  assertEquals(analyse(scoredStudy({ ...options, tasks: [tasks[0]] })).overTasks, []);
  assertEquals(performanceProfiles(analyse(scoredStudy({ ...options, tasks: [tasks[0]] }))), []);
  const two = scoredStudy({ ...options, labels: ["lora", "up"] });
  assertEquals(analyse(two).overTasks.map(({ improvement }) => improvement), [null]);
  assertEquals(performanceProfiles(analyse(two)), []);
  assertEquals(chartsOf(analyse(two)).overTasks, []);
  const short = analyse(scoredStudy({ ...options, seeds: [1, 2] })).overTasks;
  assert(
    short.every(({ hierarchical, improvement }) => hierarchical === null && improvement !== null),
  );
});

Deno.test("profiles fall from all runs to none, and lie above each other where every run does", () => {
  const [{ thresholds, profiles }, ...rest] = performanceProfiles(analyse(study)) as [
    ReturnType<typeof performanceProfiles>[number],
  ];
  assertEquals(rest, []);
  assertEquals(profiles.map(({ label }) => label), ["lora", "up", "twin"]);
  const [lora, up] = profiles.map(({ shares }) => shares);
  assertEquals([lora![0], lora!.at(-1), up![0], up!.at(-1)], [1, 0, 1, 0]);
  thresholds.forEach((_, i) => assert(up![i]! >= lora![i]!));
  assertEquals(chartsOf(analyse(study)).overTasks.map(({ id }) => id), [
    "improvement",
    "performance_profiles",
  ]);
});

Deno.test("a method without a budget stands beside each budget, and all budgets are strata of their own", () => {
  const rows = analyse(scoredStudy({
    ...options,
    labels: ["lora", "up", "head"],
    budgets: [2, 8],
    score: (place) => place.label === "head" ? 0.3 + 0.001 * place.seed : options.score(place),
  })).overTasks;
  const head = rows.filter(({ label }) => label === "head");
  assertEquals(head.map(({ budget, improvement }) => [budget, improvement]), [
    ["rank 2", 0],
    ["rank 8", 0],
    ["all budgets", 0],
  ]);
});

Deno.test("almost stochastic order is a table for those who ask for it", async () => {
  const rows = new Map(
    csvRows(tableOf(analyse(study), "stochastic_order", { hasStochasticOrder: true })).map((
      row,
    ) => [row["label"], row]),
  );
  assertEquals([rows.get("up")!["above"], rows.get("up")!["order"]], [0, "above"]);
  assertEquals(rows.get("twin")!["order"], "no order");
  const small = fixtureStudy({ steps: 4, events: 1, examples: 0, budgets: [4], seeds: [1, 2, 3] });
  const asked = (await buildReport(analyse(small), { hasStochasticOrder: true })).files;
  assertStringIncludes(asked["report.html"]!, "Almost stochastic order against LoRA");
  assertStringIncludes(asked["tables/stochastic_order.md"]!, "| ElaLoRA |");
});

Deno.test("the table over tasks says which model each chance is of", () => {
  const text = markdownOf(tableOf(analyse(study), "over_tasks"));
  assertStringIncludes(text, "| up | rank 4 | 2 |");
  assertStringIncludes(text, "| 100 \\[100, 100\\] | better |");
});
