/** How messages quote what they found. */
import { assertEquals } from "@std/assert";
import { show } from "../../src/study/problems.ts";

Deno.test("show() quotes a value as JSON, and cuts what is longer than 60 characters", () => {
  assertEquals([show(5), show("a"), show([1, "b"]), show({ c: null })], [
    "5",
    '"a"',
    '[1,"b"]',
    '{"c":null}',
  ]);
  assertEquals([show(NaN), show(undefined), show(-0)], ["NaN", "undefined", "0"]);
  // With its quotes, the first is 60 characters long and the second 61.
  assertEquals(show("x".repeat(58)), `"${"x".repeat(58)}"`);
  assertEquals(show("x".repeat(59)), `"${"x".repeat(56)}...`);
});
