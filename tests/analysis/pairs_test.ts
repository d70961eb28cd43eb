/** Pairs of scores, and how they become one difference a seed. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { meanOverTasks, pairsOf, seedDifferences } from "../../src/analysis/pairs.ts";
import type { RunRow } from "../../src/analysis/run_rows.ts";

const row = (task: string, label: string, budget: string, seed: number, score: number | null) =>
  ({ task, label, budget, seed, score }) as RunRow;

Deno.test("rows are paired by task, seed and budget; one without budget with each of the other side", () => {
  const ours = [row("t", "a", "rank 2", 1, 0.5), row("t", "a", "rank 2", 2, null)];
  const theirs = [row("t", "b", "rank 2", 1, 0.25), row("t", "b", "rank 4", 1, 0.125)];
  assertEquals(pairsOf(ours, theirs).map(({ budget, difference }) => [budget, difference]), [
    ["rank 2", 0.25],
  ]);
  const head = [row("t", "head", "no budget", 1, 0.25)];
  assertEquals(pairsOf(head, theirs).map(({ budget, difference }) => [budget, difference]), [
    ["rank 2", 0],
    ["rank 4", 0.125],
  ]);
});

Deno.test("a task counts once in a mean over tasks, however many budgets it has", () => {
  const pairs = [
    { task: "s", seed: 1, cell: "rank 2", difference: 0.1 },
    { task: "s", seed: 1, cell: "rank 4", difference: 0.3 },
    { task: "t", seed: 1, cell: "rank 2", difference: 0.6 },
  ];
  // (0.1 + 0.3) / 2 = 0.2, and (0.2 + 0.6) / 2 = 0.4; the plain mean of the three would be a third.
  assertAlmostEquals(meanOverTasks(pairs, ({ difference }) => difference), 0.4, 1e-15);
  const inUnits = seedDifferences(pairs, { divisorOf: (task) => task === "s" ? 0.1 : 0.2 });
  assertAlmostEquals(inUnits[0]!, (2 + 3) / 2, 1e-14);
  const second = { task: "s", seed: 2, cell: "rank 2", difference: 0.1 };
  assertEquals(seedDifferences([...pairs, second], { divisorOf: () => 1 }).length, 1);
});
