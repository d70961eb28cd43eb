import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { lettersOf } from "../../src/stats/letters.ts";

Deno.test("lettersOf gives hand-worked displays", () => {
  assertEquals(lettersOf(3, []), ["a", "a", "a"]);
  assertEquals(lettersOf(3, [[0, 1], [0, 2], [1, 2]]), ["a", "b", "c"]);
  assertEquals(lettersOf(4, [[0, 2], [0, 3], [1, 3]]), ["a", "ab", "bc", "c"]);
  // The middle of five differs from its neighbours but the ends do not differ from each other.
  assertEquals(lettersOf(3, [[0, 1], [1, 2]]), ["a", "b", "a"]);
  assertEquals(lettersOf(1, []), ["a"]);
  assertEquals(lettersOf(0, []), []);
});

Deno.test("lettersOf: two methods share a letter exactly where they were not told apart, and no letter is spare", () => {
  const stream = RandomStream.fromSeed(2);
  for (let round = 0; round < 60; round++) {
    const count = 2 + stream.int(9);
    const apart: [number, number][] = [];
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) if (stream.next() < round / 60) apart.push([a, b]);
    }
    const letters = lettersOf(count, apart);
    const isApart = (a: number, b: number) => apart.some(([x, y]) => x === a && y === b);
    for (let a = 0; a < count; a++) {
      assert(letters[a] !== "");
      for (let b = a + 1; b < count; b++) {
        const isShared = [...letters[a]!].some((letter) => letters[b]!.includes(letter));
        assertEquals(isShared, !isApart(a, b));
      }
    }
    // A letter's methods are a largest group: whoever lacks the letter differs from one that has it.
    for (const letter of new Set(letters.join(""))) {
      const members = letters.flatMap((own, i) => own.includes(letter) ? [i] : []);
      for (let other = 0; other < count; other++) {
        if (members.includes(other)) continue;
        const isKeptOut = members.some((m) => isApart(Math.min(m, other), Math.max(m, other)));
        assert(isKeptOut, `${letters} has room for ${other} in ${letter}`);
      }
    }
  }
});

Deno.test("lettersOf names more than 26 groups by letter and number", () => {
  const allApart = (count: number) =>
    Array.from({ length: count }, (_, a) => a)
      .flatMap((a) => Array.from({ length: count - 1 - a }, (_, i) => [a, a + 1 + i] as const));
  assertEquals(lettersOf(26, allApart(26)).at(-1), "z");
  assertEquals(lettersOf(27, allApart(27)).at(-1), "a2");
  const letters = lettersOf(30, allApart(30));
  assertEquals([letters[0], letters[25], letters[26], letters[29]], ["a1", "z1", "a2", "d2"]);
});
