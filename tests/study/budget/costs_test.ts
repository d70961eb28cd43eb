import { assertEquals } from "@std/assert";
import { apportion, spreadOver } from "../../../src/study/budget/costs.ts";

Deno.test("apportion() gives what is left to the largest remainders", () => {
  assertEquals(apportion(6, [1.2, 1.9, 2.9]), [1, 2, 3]);
  assertEquals(apportion(5, [1.2, 1.9, 1.9]), [1, 2, 2]);
  assertEquals(apportion(3, [1, 1, 1]), [1, 1, 1]);
  assertEquals(apportion(4, [1, 1, 1]), [1, 1, 2]);
  // 0.1 + 0.2 and 0.3 differ by rounding noise only.
  assertEquals(apportion(1, [0.1 + 0.2, 0.3, 0.3]), [0, 0, 1]);
});

Deno.test("spreadOver() leaves one rank to each place whose share is below one, and shares the rest anew", () => {
  // Shares of 1/2, three times, and 6 1/2: the three get one each, and the last the five that are left.
  assertEquals(spreadOver(8, [1, 1, 1, 13]), [1, 1, 1, 5]);
  // 1/4, 1, 1 and 2 3/4; without the first, 16/19, 16/19 and 2 6/19; so all but the last get one.
  assertEquals(spreadOver(5, [1, 4, 4, 11]), [1, 1, 1, 2]);
  assertEquals(spreadOver(5, [11, 4, 1, 4]), [2, 1, 1, 1]);
  assertEquals(spreadOver(3, [1, 2, 9]), [1, 1, 1]);
  assertEquals(spreadOver(12, [1, 2, 3]), [2, 4, 6]);
});
