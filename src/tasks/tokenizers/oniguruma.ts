/**
 * Patterns of `tokenizer.json`, which the `tokenizers` crate runs on Oniguruma, in the syntax of RE2.
 *
 * @module
 */
import { membersOf } from "./characters.ts";

/** Escapes that stand for a class of characters; within brackets their members stand there alone. */
const classes: Readonly<
  Record<string, { readonly members: () => string; readonly isNot?: boolean }>
> = {
  d: { members: () => "\\p{Nd}" },
  D: { members: () => "\\P{Nd}" },
  s: { members: () => "\\p{White_Space}" },
  S: { members: () => "\\P{White_Space}" },
  w: { members: wordMembers },
  W: { members: wordMembers, isNot: true },
  h: { members: () => "0-9A-Fa-f" },
  H: { members: () => "0-9A-Fa-f", isNot: true },
};

function wordMembers(): string {
  return membersOf("word").replaceAll("\\u{", "\\x{");
}

/** Escapes that RE2 has too, or has under another name. */
const escapes: Readonly<Record<string, string>> = {
  ...{ n: "\\n", r: "\\r", t: "\\t", f: "\\f", v: "\\v", a: "\\x07", e: "\\x1b" },
};

/** Escapes for places in a text. */
const places: Readonly<Record<string, string>> = { A: "\\A", z: "\\z" };

/** Long names of general categories. */
const categories: Readonly<Record<string, string>> = {
  ...{
    Letter: "L",
    Mark: "M",
    Number: "N",
    Punctuation: "P",
    Symbol: "S",
    Separator: "Z",
    Other: "C",
  },
};

/** What a pattern has that RE2 has not, as an error; the caller says where the pattern stands. */
export class PatternSyntaxError extends Error {
  override readonly name = "PatternSyntaxError";
}

/**
 * A pattern in RE2's syntax that matches what it matches in Oniguruma's: classes are those of Unicode, `.` is all but a line
 * feed, and `^` and `$` stand at lines.
 *
 * @throws {PatternSyntaxError} If it has a part that has no counterpart: a word boundary, a nested or intersected class, a
 * reference. What RE2 itself refuses, such as looking ahead, is left for it to refuse.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { asRe2 } from "./oniguruma.ts";
 * assertEquals(asRe2("\\s{2,}|[\\n\\r]"), "[\\p{White_Space}]{2,}|[\\n\\r]");
 * ```
 */
export function asRe2(source: string): string {
  let made = "";
  let isClass = false;
  for (let at = 0; at < source.length;) {
    const char = String.fromCodePoint(source.codePointAt(at)!);
    if (char === "\\") {
      const { text, length } = escapeOf(source.slice(at), isClass);
      made += text;
      at += length;
      continue;
    }
    if (isClass) {
      if (char === "[") refuse("a class within a class");
      if (source.startsWith("&&", at)) refuse("the intersection of two classes");
      if (char === "]") isClass = false;
      made += char;
    } else if (char === "[") {
      const opening = /^\[\^?\]?/.exec(source.slice(at))![0];
      made += opening.replace("]", "\\]");
      at += opening.length;
      isClass = true;
      continue;
    } else if (char === "^" || char === "$") {
      made += `(?m:${char})`;
    } else if (char === "{") {
      const [counted] = /^\{\d*,?\d*\}/.exec(source.slice(at)) ?? [];
      const isCount = counted !== undefined && /\d/.test(counted);
      made += isCount ? counted.replace("{,", "{0,") : "\\{";
      at += isCount ? counted.length : 1;
      continue;
    } else if (
      source.startsWith("(?", at) &&
      !/^\(\?(?:-?i\)|-?i:|:|<\w|[=!>#]|<[=!])/.test(source.slice(at))
    ) {
      refuse(`"${source.slice(at, at + 3)}"`);
    } else made += char;
    at += char.length;
  }
  return made;
}

function refuse(part: string): never {
  throw new PatternSyntaxError(`${part}, which is not known`);
}

/** What an escape at the start of `rest` becomes, and how long it is. */
function escapeOf(
  rest: string,
  isClass: boolean,
): { readonly text: string; readonly length: number } {
  const property = /^\\([pP])(?:\{(\^?)([^}]*)\}|([A-Z]))/.exec(rest);
  if (property !== null) {
    const [whole, letter, not = "", long = "", short = ""] = property;
    const name = long.replace(/^(?:Script|sc|General_Category|gc)=/, "") || short;
    return { text: `\\${letter}{${not}${categories[name] ?? name}}`, length: whole.length };
  }
  const code = /^\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
  if (code !== null) {
    return { text: `\\x{${code[1] ?? code[2] ?? code[3]}}`, length: code[0].length };
  }
  const char = rest.length > 1
    ? String.fromCodePoint(rest.codePointAt(1)!)
    : refuse("a \\ at its end");
  const length = 1 + char.length;
  const known = Object.hasOwn(classes, char) ? classes[char]! : null;
  if (known !== null) {
    const members = known.members();
    if (!isClass) return { text: `[${known.isNot === true ? "^" : ""}${members}]`, length };
    if (known.isNot === true) refuse(`\\${char} within a class`);
    return { text: members, length };
  }
  if (Object.hasOwn(escapes, char)) return { text: escapes[char]!, length };
  if (!isClass && Object.hasOwn(places, char)) return { text: places[char]!, length };
  if (/[A-Za-z0-9]/.test(char)) refuse(`\\${char}`);
  return { text: /[!-/:-@[-`{-~]/.test(char) ? `\\${char}` : char, length };
}
