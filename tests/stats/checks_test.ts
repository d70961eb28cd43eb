import { assert, assertEquals, assertThrows } from "@std/assert";
import { assertFinite, isNoSpread } from "../../src/stats/statistics.ts";

Deno.test("the first value that is no finite number is named with its place", () => {
  assertFinite([0, -1, 1e300], "difference");
  assertFinite([], "difference");
  assertThrows(
    () => assertFinite([NaN, 1, Infinity], "difference"),
    RangeError,
    "Cannot use NaN as difference 1 of 3",
  );
  assertThrows(
    () => assertFinite([1, -Infinity], "score"),
    RangeError,
    "-Infinity as score 2 of 2",
  );
});

Deno.test("a spread is none where it is rounding of the largest value", () => {
  assert(isNoSpread(1e-7, [1e6, -1e6]));
  assert(isNoSpread(1e-13, [0, 1]));
  assertEquals([isNoSpread(1e-7, [1, 2]), isNoSpread(0, [0, 0])], [false, true]);
});
