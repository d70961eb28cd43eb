import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { exampleGroups, influenceOf, scorerOf } from "../../src/analysis/example_scores.ts";
import { meanOf } from "../../src/stats/statistics.ts";
import golden from "../golden/two_way.json" with { type: "json" };

Deno.test("what an example adds to a metric is NumPy's jackknife pseudo-value", () => {
  const rowsOf = (predictions: readonly (readonly number[])[]) =>
    predictions.map((own) =>
      own.map((prediction, e) => ({ prediction, target: golden.labels[e]! }))
    );
  const count = golden.labels.length;
  const groups = exampleGroups(count);
  for (const metric of ["accuracy", "matthews"] as const) {
    const ours = scorerOf(metric, rowsOf(golden.ours))!;
    const theirs = scorerOf(metric, rowsOf(golden.theirs))!;
    for (const [seed, wanted] of golden[metric].influence.entries()) {
      const found = influenceOf((some) => ours(seed, some) - theirs(seed, some), count, groups);
      for (const [g, value] of found.entries()) {
        assertAlmostEquals(value, wanted[groups[g]![0]!]!, 1e-9);
      }
    }
  }
});

Deno.test("many examples are put into random groups of one size, at most 200, the same each time", () => {
  assertEquals(exampleGroups(150).map((group) => group.length), Array(150).fill(1));
  const groups = exampleGroups(1043);
  assertEquals(groups, exampleGroups(1043));
  assertEquals([groups.length, new Set(groups.map((group) => group.length))], [173, new Set([6])]);
  const used = groups.flat();
  assertEquals(new Set(used).size, used.length);
  // Files are often sorted by class: a group is no part of the file in a row.
  assert(groups.every((group) => Math.max(...group) - Math.min(...group) > 50));
});

Deno.test("of a mean over examples, a group adds its own mean", () => {
  const values = Array.from({ length: 430 }, (_, i) => (i * 7) % 13);
  const groups = exampleGroups(values.length);
  const found = influenceOf((some) => meanOf(some.map((i) => values[i]!)), values.length, groups);
  for (const [g, group] of groups.entries()) {
    assertAlmostEquals(found[g]!, meanOf(group.map((i) => values[i]!)), 1e-9);
  }
});
