/** Tables and lines of text in terminals of 40 to 200 columns. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fitTable, narrowed, type TextRow } from "../../src/base/text_table.ts";
import {
  columnsOf,
  padded,
  shortened,
  shortenedApart,
  wrapped,
} from "../../src/base/text_width.ts";

const longNames = [
  "elalora b=8 ties=upstream directions=orthonormal",
  "elalora b=8 ties=exact directions=orthonormal",
  "LoRA",
  "秩を動かすローラの長い名前の手法です",
  "e\u0301lalora 👍🏽 family 👨‍👩‍👧 of names that go on and on",
];

Deno.test("columnsOf counts two columns for wide characters and none for marks", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["", 0],
    ["RTE, lora", 9],
    ["±–…─", 4],
    ["秩", 2],
    ["ローラ", 6],
    ["ﾛｰﾗ", 3],
    ["한글", 4],
    ["ＡＢ", 4],
    ["e\u0301", 1],
    ["\u200d", 0],
    ["👨‍👩‍👧", 2],
    ["❤\ufe0f", 2],
    ["𠮷", 2],
  ];
  for (const [text, columns] of cases) assertEquals(columnsOf(text), columns, text);
});

Deno.test("shortened fits every width, keeps both ends and leaves alone what fits", () => {
  for (const name of longNames) {
    const natural = columnsOf(name);
    for (let columns = 0; columns <= natural + 2; columns++) {
      const text = shortened(name, columns);
      assert(columnsOf(text) <= columns, `${text} in ${columns}`);
      assertEquals(text === name, columns >= natural);
      if (columns >= 7 && columns < natural) {
        assertEquals([text[0], text.at(-1)], [name[0], name.at(-1)]);
        // A wide character may not fit in the last column.
        assert(columnsOf(text) >= columns - 2, `${text} in ${columns}`);
      }
    }
  }
});

Deno.test("shortenedApart keeps names apart where their beginning, their end or both can", () => {
  const middles = ["run aaaa x bbbb end", "run aaaa y bbbb end"];
  assertEquals(shortenedApart(["alpha 1 z", "alpha 2 z"], 8), ["alph…1 z", "alph…2 z"]);
  assertEquals(shortenedApart(["alp 1 alpha", "alp 2 alpha"], 8), ["alp 1 a…", "alp 2 a…"]);
  assertEquals(shortenedApart(["aaaaaaaa1bbbbbb", "aaaaaaaa2bbbbbb"], 8), ["…1bbbbbb", "…2bbbbbb"]);
  assertEquals(new Set(shortenedApart(middles, 6)).size, 1);
  assertEquals(new Set(shortenedApart(middles, 12)).size, 2);
  assertEquals(shortenedApart(["same", "same"], 3), ["s…e", "s…e"]);
});

Deno.test("padded and wrapped count columns, not characters", () => {
  assertEquals(padded("秩", 4, "right"), "  秩");
  assertEquals(padded("ab", 1, "left"), "ab");
  assertEquals(wrapped("", 10), []);
  assertEquals(wrapped("one two three", 7), ["one two", "three"]);
  assertEquals(wrapped("unbreakable words", 5, 2), ["unbreakable", "  words"]);
  assertEquals(wrapped("秩 秩 秩", 5), ["秩 秩", "秩"]);
});

Deno.test("narrowed takes from the widest first and stops at the floors", () => {
  assertEquals(narrowed([10, 4], [3, 3], 12), [8, 4]);
  assertEquals(narrowed([10, 9], [3, 3], 12), [6, 6]);
  assertEquals(narrowed([10, 9], [8, 9], 12), [8, 9]);
  assertEquals(narrowed([5], [2], 50), [5]);
});

const name = (title: string) => ({ title, align: "left", isName: true }) as const;
const value = (title: string) => ({ title, align: "right", isName: false }) as const;

Deno.test("fitTable never passes the width from 40 to 200 columns, and shows every number", () => {
  for (const budgets of [1, 2, 4, 9]) {
    const titles = Array.from({ length: budgets }, (_, i) => `rank ${2 ** i}`);
    const columns = [name("task"), name("method"), ...titles.map(value)];
    let number = 10;
    const rows = longNames.flatMap((label): readonly TextRow[] => [
      { heading: `${label}, accuracy ↑ of a heading that is long` },
      ["a task with a name", label, ...titles.map(() => `${number++}.25 ± 1.50`)],
    ]);
    for (let width = 40; width <= 200; width++) {
      const text = fitTable(columns, rows, { width, hasRule: true });
      for (const line of text.split("\n")) {
        const taken = columnsOf(line);
        assert(taken <= width, `${taken} in ${width}: ${line}`);
      }
      for (let i = 10; i < number; i++) assertStringIncludes(text, `${i}.25 ± 1.50`);
      for (const title of titles) assertStringIncludes(text, title);
      assert(!text.includes("\n\n\n"));
    }
    const whole = fitTable(columns, rows, { width: null });
    for (const label of longNames) assertStringIncludes(whole, label);
  }
});

Deno.test("fitTable shortens names before it parts columns, and not where there is room", () => {
  const columns = [name("method"), value("rank 2"), value("rank 4")];
  const rows = [["a method of many words", "54.56", "56.71"], ["b", "1.00", "2.00"]];
  const natural = Math.max(
    ...fitTable(columns, rows, { width: null }).split("\n").map(columnsOf),
  );
  const parts = (width: number) => fitTable(columns, rows, { width }).split("\n\n").length;
  const isWhole = (width: number) => fitTable(columns, rows, { width }).includes("of many");
  assertEquals([natural, natural - 1].map(isWhole), [true, false]);
  // Eight columns of a name, a gap, six of a number, a gap, six of a number.
  assertEquals([natural - 1, 24, 23].map(parts), [1, 1, 2]);
});

Deno.test("fitTable gives names less than half where a number needs more, so that no line is too long", () => {
  const columns = [name("method"), value("value"), value("interval")];
  const rows = [["a method of many words", "54.56", "[−10.31, 1]"]];
  assertEquals(
    fitTable(columns, rows, { width: 20 }),
    "method   value\na m…rds  54.56\n\nmethod      interval\na m…rds  [−10.31, 1]\n",
  );
});

Deno.test("fitTable of names alone narrows them, and of no rows gives the titles", () => {
  const text = fitTable([name("run"), name("what it says")], [["a".repeat(60), "b".repeat(90)]], {
    width: 40,
  });
  assert(text.split("\n").every((line) => columnsOf(line) <= 40), text);
  assertEquals(fitTable([name("run"), value("n")], [], { width: 40 }), "run  n\n");
});
