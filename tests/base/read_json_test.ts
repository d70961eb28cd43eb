/** JSON and text of files: what is refused, and where it is told to be. */
import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { parseJson } from "../../src/base/read_json.ts";
import { decodeText, withoutLastLineEnds } from "../../src/base/read_text.ts";

Deno.test("parseJson() reads what JSON.parse reads", () => {
  const texts = [
    '{"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}], "\\"": "{\\"a\\": 1, \\"a\\": 2}"}',
    '["\\\\", "a,b", {"k\\\\": "}"}, []]',
    '{"": 0, " ": 1, "a": "\\u0061"}',
    "null",
    '"text"',
    "[".repeat(100) + "]".repeat(100),
  ];
  for (const text of texts) assertEquals(parseJson(text, "f"), JSON.parse(text));
});

Deno.test("parseJson() refuses what would vanish, and tells its line", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['{"a": 1,\n "b": 2,\n "a": 3}', "line 3", 'the key "a" twice'],
    ['{"x": [{"a": 1, "\\u0061": 2}]}', "line 1", 'the key "a" twice'],
    ['{\n"__proto__": {}}', "line 2", 'the key "__proto__"'],
    ["[".repeat(101) + "]".repeat(101), "line 1", "more than 100 deep"],
    ['{"a": 1,\n\n}', "line 3", "no JSON"],
    ["", "", "no JSON"],
  ];
  for (const [text, place, found] of cases) {
    const error = assertThrows(() => parseJson(text, "f.json"), InputError, found);
    assertEquals([error.file, error.place], ["f.json", place]);
  }
  const error = assertThrows(() => parseJson("{", "f", { place: "line 7" }), InputError);
  assertEquals(error.place, "line 7");
});

Deno.test("parseJson() goes through a text once, however often it is nested or escaped", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assertThrows(() => parseJson(deep, "f"), InputError, "deep");
  const escaped = JSON.stringify({ a: "\\".repeat(200_000), b: '"'.repeat(200_000) });
  assertEquals(parseJson(escaped, "f"), JSON.parse(escaped));
});

Deno.test("decodeText() refuses bytes that are no text, by their line", () => {
  const bytes = (text: string, ...more: readonly number[]) =>
    Uint8Array.of(...new TextEncoder().encode(text), ...more);
  assertEquals(decodeText(bytes("\ufeffone\ntwo"), "f"), "one\ntwo");
  const cases: readonly (readonly [Uint8Array, string, string])[] = [
    [bytes("a\nb\0c"), "line 2", "a NUL at byte 3"],
    [bytes("a\nb\n", 0xff), "line 3", "bytes that are no UTF-8"],
    [bytes("\n".repeat(1000) + "a", 0xff, 10, 0xff, 10), "line 1001", "bytes that are no UTF-8"],
    [bytes("\u00e9\n", 0xc3, 10, 0xa9, 10), "line 2", "bytes that are no UTF-8"],
    [bytes("a", 0xed, 0xa0, 0x80), "line 1", "bytes that are no UTF-8"],
  ];
  for (const [content, place, found] of cases) {
    const error = assertThrows(() => decodeText(content, "f.csv"), InputError);
    assertEquals([error.file, error.place, error.found], ["f.csv", place, found]);
  }
});

Deno.test("withoutLastLineEnds() leaves those within a text", () => {
  assertEquals(withoutLastLineEnds("a\r\n\nb\r\n\n\r"), "a\r\n\nb");
  assertEquals(withoutLastLineEnds("\n\n"), "");
});
