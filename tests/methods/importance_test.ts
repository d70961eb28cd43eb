import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { slotScore, updateImportance, zeroImportance } from "../../tools/traces/importance.ts";
import { roundHalfEven } from "../../src/methods/elalora_policy.ts";
import { resolveSteps } from "../../src/methods/schedule.ts";

Deno.test("updateImportance smooths |w·g| and its deviation from the new average", () => {
  // By hand, β = 0.85. Step 1: I = 6, Ī = 0.9, |I − Ī| = 5.1, Ū = 0.765.
  const first = updateImportance(zeroImportance(1), [-2], [3]);
  assertAlmostEquals(first.sensitivity[0]!, 0.9, 1e-15);
  assertAlmostEquals(first.uncertainty[0]!, 0.765, 1e-15);
  // Step 2: I = 1, Ī = 0.765 + 0.15 = 0.915, |I − Ī| = 0.085, Ū = 0.65025 + 0.01275 = 0.663.
  const second = updateImportance(first, [1], [1]);
  assertAlmostEquals(second.sensitivity[0]!, 0.915, 1e-15);
  assertAlmostEquals(second.uncertainty[0]!, 0.663, 1e-15);
  assertAlmostEquals(first.sensitivity[0]!, 0.9, 1e-15);
});

Deno.test("updateImportance takes both decay factors and checks lengths", () => {
  // β1 = 0.5, β2 = 0.25, I = 4: Ī = 2, Ū = 0.75·2.
  const { sensitivity, uncertainty } = updateImportance(zeroImportance(1), [2], [2], 0.5, 0.25);
  assertEquals([sensitivity[0], uncertainty[0]], [2, 1.5]);
  assertThrows(() => updateImportance(zeroImportance(2), [1], [1, 2]), RangeError, "1 weights");
});

Deno.test("slotScore adds the score of E to the means over the row and the column", () => {
  const part = (sensitivity: number[], uncertainty: number[]) => ({
    sensitivity: Float64Array.from(sensitivity),
    uncertainty: Float64Array.from(uncertainty),
  });
  // 2·3 + (1·1 + 3·5)/2 + (1·2 + 2·2 + 4·3)/3 = 6 + 8 + 6.
  const score = slotScore({
    e: part([2], [3]),
    a: part([1, 3], [1, 5]),
    b: part([1, 2, 4], [2, 2, 3]),
  });
  assertEquals(score, 20);
});

Deno.test("roundHalfEven rounds as Python does", () => {
  const values = [0.5, 1.5, 2.5, 3.5, 2.49999, 2.50001, 0, 3, 3.968];
  assertEquals(values.map(roundHalfEven), [0, 2, 2, 4, 2, 3, 0, 3, 4]);
});

Deno.test("resolveSteps takes shares and whole steps", () => {
  const found = [0, 0.1, 0.999, 1, 300].map((value) => resolveSteps(value, 1000, "warmup"));
  assertEquals(found, [0, 100, 999, 1, 300]);
  for (const value of [-1, -0.5, 1.5, NaN, Infinity]) {
    assertThrows(() => resolveSteps(value, 1000, "warmup"), RangeError, `"warmup" of ${value}`);
  }
});
