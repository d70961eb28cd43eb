/** Patterns from files: they match as JavaScript's do, in time that grows with the text, or are refused. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { safePattern } from "../../src/base/safe_pattern.ts";

const about = { file: "f.json", place: 'key "p"' };

Deno.test("a safe pattern matches where JavaScript's engine does", () => {
  const patterns = [
    ...[" {2,}", "a|ab", "(a|ab)(c|bcd)", "x*", "[^a-c]+", "\\p{L}+|\\p{N}{1,3}", "(?i:'s|'t)"],
    ...[".*\\.query", "(?:key|value)$", "a{2,3}?", "[\\n\\r]+", "\\.", "^a"],
  ];
  const texts = [
    ...[
      "",
      "a",
      "abcd  abc",
      "layer.0.attention.query",
      "it's 12345 x\n\r\ny",
      "caf\u00e9 \ud83d\ude00a",
    ],
    ...["aaaa value", "IT'S"],
  ];
  for (const pattern of patterns) {
    for (const text of texts) {
      const own = safePattern(pattern, about);
      // JavaScript has no group with flags of its own in all engines.
      const js = pattern === "(?i:'s|'t)" ? "'[sStT]" : pattern;
      const wanted = [...text.matchAll(new RegExp(js, "gu"))]
        .map(({ index, 0: found }): [number, number] => [index, index + found.length]);
      assertEquals([...own.spans(text)], wanted, `${pattern} in ${text}`);
      assertEquals(own.matchesAll(text), new RegExp(`^(?:${js})$`, "u").test(text));
    }
  }
});

Deno.test("a pattern that would backtrack for ever ends", () => {
  // On an engine that backtracks each of these takes longer than the universe is old.
  const text = "a".repeat(20_000);
  for (const pattern of ["(a+)+b", "(?:a|aa|a*)*b", "(?:a?){20}a{20}c", "(.*.*.*.*)*=x"]) {
    assertEquals(safePattern(pattern, about).matchesAll(text), false);
    assertEquals(safePattern(pattern, about).spans(text).length, 0);
  }
});

Deno.test("a pattern that needs backtracking or is too large is refused by its place", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["(a)\\1", "without back references"],
    ["a(?=b)", "without looking ahead or behind"],
    ["\\s+(?!\\S)", "RE2 knows"],
    ["(", "RE2 knows"],
    ["a{1000}{1000}", "RE2 knows"],
    ["(?:\\p{L}{1000}){3}", "RE2 knows"],
    ["\\p{L}{900}".repeat(3), "at most 2000; repeat fewer times"],
    ["a".repeat(1001), "one of at most 1000"],
  ];
  for (const [pattern, message] of cases) {
    const error = assertThrows(() => safePattern(pattern, about), InputError);
    assertStringIncludes(error.message, message);
    assertEquals([error.file, error.place], ["f.json", 'key "p"']);
  }
});
