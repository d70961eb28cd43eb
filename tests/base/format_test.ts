/** Numbers as people read them. */
import { assertEquals } from "@std/assert";
import { duration, fixed, interval, signed, significant, whole } from "../../src/base/format.ts";

Deno.test("significant() keeps three digits of what is below a thousand and all digits of whole thousands", () => {
  const found = [0, 0.012345, -1.2345, 999.4, 999.6, 1000, 12345, -1234567.8].map((value) =>
    significant(value)
  );
  assertEquals(found, ["0", "0.0123", "−1.23", "999", "1,000", "1,000", "12,345", "−1,234,568"]);
  assertEquals([significant(123.4, 2), significant(0.0567, 2)], ["123", "0.057"]);
});

Deno.test("whole() groups by thousands, fixed() and signed() have a true minus and no minus zero", () => {
  assertEquals([whole(999), whole(1000), whole(-1234.5), whole(1234567)], [
    "999",
    "1,000",
    "−1,234",
    "1,234,567",
  ]);
  assertEquals([fixed(-0.04, 1), fixed(-0.06, 1), fixed(2, 2)], ["0.0", "−0.1", "2.00"]);
  assertEquals([signed(0.04, 1), signed(0.06, 1), signed(-0.06, 1), signed(0, 1)], [
    "0.0",
    "+0.1",
    "−0.1",
    "0.0",
  ]);
  assertEquals(interval(-0.314, 1.2, 2), "[−0.31, 1.20]");
});

Deno.test("duration() has the unit that reads best", () => {
  const found = [0, 59_940, 60_000, 3_599_000, 3_600_000, 7_380_000].map(duration);
  assertEquals(found, ["0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "2 h 3 min"]);
});

Deno.test("what is no finite number is a dash", () => {
  for (const value of [null, undefined, NaN, Infinity, "5"]) {
    const found = [significant(value), whole(value), fixed(value, 1), signed(value, 1)];
    assertEquals([...found, duration(value)], ["–", "–", "–", "–", "–"]);
  }
  assertEquals([interval(null, 1, 1), interval(1, undefined, 1)], ["–", "–"]);
});
