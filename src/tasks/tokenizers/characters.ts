/**
 * Classes of characters, small letters and normal forms as the `tokenizers` crate has them.
 *
 * The crate's tables are of several Unicode versions and JavaScript's of the engine's own, so that the classes are read
 * from `characters.json`, which `tests/golden/characters.py` writes by asking the crate about every character. White
 * space is the one class that is JavaScript's own, `\p{White_Space}`: its members are fixed.
 *
 * @module
 */
import tables from "./characters.json" with { type: "json" };

/** A class of characters of the crate. */
export type CharacterClass = keyof typeof tables.classes;

const known = new Map<CharacterClass, string>();

/**
 * What stands for a class between the brackets of a regular expression with the flag `u`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const punctuation = new RegExp(`[${membersOf("punctuation")}]`, "gu");
 * assertEquals("a+b, c".replace(punctuation, "?"), "a?b? c");
 * ```
 */
export function membersOf(name: CharacterClass): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = rangesOf(name)
    .map(([first, last]) => first === last ? escaped(first) : `${escaped(first)}-${escaped(last)}`)
    .join("");
  known.set(name, made);
  return made;
}

const escaped = (code: number): string => `\\u{${code.toString(16)}}`;

const fromBase36 = (text: string): number => Number.parseInt(text, 36);

const tokensOf = (lines: readonly string[]): readonly string[] => lines.join(" ").split(" ");

/** The first and last code point of each range of a class. */
export function rangesOf(name: CharacterClass): readonly (readonly [number, number])[] {
  let last = 0;
  return tokensOf(tables.classes[name]).map((token) => {
    const [gap = "", more] = token.split("+");
    const first = last + fromBase36(gap);
    last = first + (more === undefined ? 0 : fromBase36(more));
    return [first, last];
  });
}

/** A function that is made when it is first needed, since its tables take milliseconds to build. */
function lazily<A, R>(make: () => (argument: A) => R): (argument: A) => R {
  let made: ((argument: A) => R) | null = null;
  return (argument) => (made ??= make())(argument);
}

const ascii = /^[\0-\x7f]*$/;

function smallLetters(): ReadonlyMap<string, string> {
  // The one capital whose small form is two characters.
  const letters = new Map([["\u0130", "i\u0307"]]);
  let last = 0;
  for (const token of tokensOf(tables.lowercase)) {
    const [gap = 0, count = 0, step = 0, delta = 0] = token.split(",").map(fromBase36);
    last += gap;
    for (let i = 0; i < count; i++) {
      const code = last + i * step;
      letters.set(String.fromCodePoint(code), String.fromCodePoint(code + delta));
    }
  }
  return letters;
}

/** A text in small letters, each character by itself: a capital sigma is "σ" at a word's end too. */
export const lowerCased: (text: string) => string = lazily(() => {
  const letters = smallLetters();
  const capital = new RegExp(`[${[...letters.keys()].join("")}]`, "gu");
  return (text) =>
    ascii.test(text) ? text.toLowerCase() : text.replace(capital, (char) => letters.get(char)!);
});

/** One of Unicode's normal forms. */
export type NormalForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** The function that brings texts into a normal form; characters that the crate does not know stay as they are. */
export function normalForm(form: NormalForm): (text: string) => string {
  return lazily(() => {
    // Once assigned, a character never changes its normal forms. All others are of class 0 and compose with nothing,
    // so that what stands between them can be normalised by itself.
    const affected = new RegExp(`[${membersOf("normalForms")}]+`, "gu");
    return (text) =>
      ascii.test(text) ? text : text.replace(affected, (part) => part.normalize(form));
  });
}
