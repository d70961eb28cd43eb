import { assertEquals } from "@std/assert";
import { lostArm, notTunedOf } from "../../../src/analysis/claims/no_evidence.ts";

Deno.test("labels are without tuned settings where others of their task have them", () => {
  const run = (task: string, label: string, isTuned = false) => ({ task, label, isTuned });
  const runs = [
    run("a", "x", true),
    run("a", "y"),
    run("a", "y"),
    run("b", "z"),
    run("b", "y"),
  ];
  assertEquals(notTunedOf(runs, ({ isTuned }) => isTuned, (own) => own), ["y"]);
});

Deno.test("a favoured arm has lost too much with more than a tenth of the seeds", () => {
  type Differences = Parameters<typeof lostArm>[0];
  type LeftOut = Parameters<typeof lostArm>[1];
  const found = (differences: readonly number[], leftOut: readonly number[]) =>
    lostArm(
      differences.map((seed) => ({ seed })) as unknown as Differences,
      leftOut.map((seed) => ({ seed, arm: "a", label: "ours" })) as unknown as LeftOut,
      "better",
    );
  assertEquals(found([1, 2, 4, 5, 6, 7, 8, 9, 10], [3]), null);
  assertEquals(found([1, 2, 4, 5, 6, 7, 8, 9, 12], [3, 10]), { label: "ours", seeds: 2, of: 11 });
  // A seed is lost once, however many tasks lack it.
  assertEquals(found([1, 2, 4, 5, 6, 7, 8, 9, 10], [3, 3]), null);
});
