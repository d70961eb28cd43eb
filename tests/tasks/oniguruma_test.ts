/** Patterns of tokenizers, from Oniguruma's syntax to RE2's. */
import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { safePattern } from "../../src/base/safe_pattern.ts";
import { membersOf } from "../../src/tasks/tokenizers/characters.ts";
import { GrowthBound } from "../../src/tasks/tokenizers/layout.ts";
import {
  asRe2,
  PatternSyntaxError,
  replacePattern,
  splitPattern,
} from "../../src/tasks/tokenizers/pattern_components.ts";

Deno.test("asRe2() keeps what a pattern matches, with classes of Unicode and lines", () => {
  const word = membersOf("word");
  const cases: readonly (readonly [string, string])[] = [
    ["\\s{2,}|[\\n\\r\\t]", "\\p{White_Space}{2,}|[\\n\\r\\t]"],
    ["[^\\s\\d]+", "[^\\p{White_Space}\\p{Nd}]+"],
    ["\\w+", `[${word}]+`],
    ["\\W", `[^${word}]`],
    ["[\\w-]+", `[${word}\\-]+`],
    ["\\S+\\D", "\\P{White_Space}+\\P{Nd}"],
    ["\\h\\H", "[0-9A-Fa-f][^0-9A-Fa-f]"],
    ["\\p{Script=Han}+|\\p{Letter}|\\pN", "\\p{Script=Han}+|\\p{L}|\\p{N}"],
    ["[]a]+", "[\\]a]+"],
    ["a{,2}b", "a{0,2}b"],
    ["{x}", "\\{x\\}"],
    ["\\u00e9|\\x41|\\x{1F600}", "\\u00e9|\\x41|\\u{1F600}"],
    ["(?i:'S|'t)", "'[sStT]"],
    ["^a$", "(?<![^\\n])a(?![^\\n])"],
    ['\\!\\-\\"', '!-"'],
  ];
  const texts = [
    "a  b\u00a0\u2003c\u0085 d\n\r\te\ufefff",
    "it's IT'S 12\u0661 caf\u00e9 \u4e2d\u6587 x_y-z \ud83d\ude00A{x}",
    ']a]\na\naab 1F \u216f\u0300 !-"',
  ];
  for (const [pattern, js] of cases) {
    const own = safePattern(asRe2(pattern), { file: "f", place: "p", written: pattern });
    const wanted = new RegExp(js, "gu");
    for (const text of texts) {
      const found = own.spans(text).map(([from, to]) => text.slice(from, to));
      assertEquals(found, text.match(wanted) ?? [], pattern);
    }
  }
});

Deno.test("asRe2() refuses what has no counterpart", () => {
  for (
    const pattern of [
      ...["\\bword", "a\\B", "\\Ga", "a\\K", "(a)\\1", "\\k<a>", "[a[bc]]", "[a-z&&[^b]]"],
      ...["[[:alpha:]]", "[\\W]", "\\X", "\\R", "(?m:.)", "a\\"],
    ]
  ) assertThrows(() => asRe2(pattern), PatternSyntaxError, "not known");
});

Deno.test("Split and Replace follow the crate, and put content in as it stands", () => {
  const split = (pattern: unknown, behavior: string, invert = false) =>
    splitPattern({ type: "Split", pattern, behavior, invert }, "f");
  assertEquals(split({ Regex: "\\d" }, "Isolated")("a1b22"), ["a", "1", "b", "2", "2"]);
  assertEquals(split({ Regex: "(\\d)+" }, "Removed")("a1b22c"), ["a", "b", "c"]);
  assertEquals(split({ Regex: "\\d+" }, "Removed", true)("a1b22c"), ["1", "22"]);
  assertEquals(split({ String: "." }, "Removed")("a.b..c"), ["a", "b", "c"]);
  assertEquals(split({ String: "" }, "Isolated")("ab"), ["ab"]);
  const bound = new GrowthBound("f");
  const replace = (pattern: unknown, content: string) => (text: string) => {
    bound.begin(text);
    return replacePattern({ type: "Replace", pattern, content }, "f", bound)(text);
  };
  assertEquals(replace({ Regex: "a+" }, "$&$1")("baab"), "b$&$1b");
  assertEquals(replace({ String: "``" }, '"')("``a``"), '"a"');
  assertThrows(() => replace({}, "x")("a"), InputError, "String or Regex");
  assertThrows(() => replace({ Regex: "(a)(?=b)" }, "x")("a"), InputError, "looking ahead");
  assertThrows(() => replace({ Regex: "a\\b" }, "x")("a"), InputError, "a pattern without it");
  assertThrows(() => replace({ String: "a" }, "x".repeat(65))("a"), InputError, "at most 64");
});
