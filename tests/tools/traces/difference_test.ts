/** Which numbers of a trace count as different. */
import { assertEquals } from "@std/assert";
import {
  Comparison,
  describeDifference,
  type Tolerance,
} from "../../../tools/traces/difference.ts";

const at = { step: 3, quantity: "loss", module: null, index: "" };

function isDifferent(found: number, wanted: number, tolerance: Tolerance): boolean {
  const comparison = new Comparison(tolerance);
  comparison.number(at, found, wanted);
  return comparison.first !== null;
}

Deno.test("a number differs where it is further off than the tolerances together allow", () => {
  // All of these are exact in binary.
  const tolerance = { absolute: 0.25, relative: 0.5 };
  assertEquals([2.25, 2.3, -0.25].map((found) => isDifferent(found, 1, tolerance)), [
    true,
    true,
    true,
  ]);
  assertEquals([1.75, 0.25, 1].map((found) => isDifferent(found, 1, tolerance)), [
    false,
    false,
    false,
  ]);
  assertEquals([-1.75, -1.8].map((found) => isDifferent(found, -1, tolerance)), [false, true]);
  assertEquals(isDifferent(0.25, 0, tolerance), false);
  assertEquals(isDifferent(0, 0, { absolute: 0, relative: 0 }), false);
  for (const [found, wanted] of [[NaN, 1], [1, NaN], [NaN, NaN]] as const) {
    assertEquals(isDifferent(found, wanted, tolerance), true);
  }
});

Deno.test("the first difference stays the first, and says where it is", () => {
  const comparison = new Comparison({ absolute: 0, relative: 0 });
  comparison.list({ ...at, module: "m", index: "A[1]" }, [1, 2, 4], [1, 2, 3]);
  comparison.exact(at, "a", "b");
  comparison.number(at, 1, 2);
  assertEquals(
    describeDifference(comparison.first!),
    'Step 3: loss of "m" at A[1][2] is 4, 3 wanted',
  );
  const lengths = new Comparison({ absolute: 0, relative: 0 });
  lengths.list(at, [1, 2], [1, 2, 3]);
  assertEquals(describeDifference(lengths.first!), "Step 3: loss at .length is 2, 3 wanted");
});
