/** How often a run saves where it stands. */
import { assertEquals } from "@std/assert";
import { pauseAfter } from "../../src/cli/execute.ts";

Deno.test("checkpoints come every twenty seconds, and rarer where they would take more than a fiftieth of the time", () => {
  assertEquals([0, 80, 400].map(pauseAfter), [20_000, 20_000, 20_000]);
  assertEquals(pauseAfter(3_000), 150_000);
});
