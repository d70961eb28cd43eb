import { assertEquals } from "@std/assert";
import { onFront } from "../../src/stats/pareto.ts";

const choices = (pairs: readonly (readonly [number | null, number | null])[]) =>
  pairs.map(([cost, quality]) => ({ cost, quality }));

Deno.test("onFront keeps what nothing beats in cost and quality", () => {
  assertEquals(onFront(choices([[1, 1], [2, 3], [3, 2], [4, 4]])), [true, true, false, true]);
  // Worse in one and equal in the other is beaten; equal in both is not.
  assertEquals(onFront(choices([[1, 5], [2, 5], [1, 4], [1, 5]])), [true, false, false, true]);
});

Deno.test("onFront leaves out what is unknown, which beats nothing either", () => {
  assertEquals(onFront(choices([[null, 9], [1, null], [NaN, 9], [2, 1]])), [
    false,
    false,
    false,
    true,
  ]);
  assertEquals(onFront([]), []);
});
