/**
 * The components of normalisers and pre-tokenizers that look for a pattern of the file's own.
 *
 * @module
 */
import { InputError, shown } from "../../base/input_error.ts";
import { safePattern } from "../../base/safe_pattern.ts";
import type { Component, GrowthBound } from "./layout.ts";
import { membersOf } from "./characters.ts";

/** Start and end of each match of a pattern in a text. */
type Spans = (text: string) => Iterable<readonly [number, number]>;

/** Characters at most that a component puts in place of others. */
const mostContent = 64;

/**
 * The text of a component's key that is put into texts.
 *
 * @throws {InputError} If it is none, or longer than any that is in use.
 */
export function contentOf(component: Component, key: string, fileName: string): string {
  const content = component[key] ?? "";
  if (typeof content === "string" && content.length <= mostContent) return content;
  throw new InputError({
    file: fileName,
    place: `key "${key}" of a ${component.type}`,
    found: typeof content === "string" ? `${content.length} characters` : "no text",
    wanted: `a text of at most ${mostContent}`,
  });
}

/** Where the pattern of a component is found: its `String` as it stands, or its `Regex`. */
function spansOf(component: Component, fileName: string): Spans {
  const place = `the pattern of a ${component.type}`;
  const pattern = (component["pattern"] ?? {}) as {
    readonly String?: unknown;
    readonly Regex?: unknown;
  };
  if (typeof pattern.String === "string") return literalSpans(pattern.String);
  const { Regex: source } = pattern;
  if (typeof source !== "string") {
    throw new InputError({ file: fileName, place, found: "neither", wanted: "String or Regex" });
  }
  try {
    return safePattern(asRe2(source), { file: fileName, place, written: source }).spans;
  } catch (cause) {
    if (!(cause instanceof PatternSyntaxError)) throw cause;
    throw new InputError({
      file: fileName,
      place,
      found: `${JSON.stringify(shown(source))} with ${cause.message}`,
      wanted: "a pattern without it",
      cause,
    });
  }
}

/** The crate finds an empty text nowhere. */
function literalSpans(literal: string): Spans {
  return function* (text) {
    if (literal === "") return;
    for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length)) {
      yield [at, at + literal.length];
    }
  };
}

/** The function of a normaliser `Replace`: the content takes the place of each match, as it stands. */
export function replacePattern(
  component: Component,
  fileName: string,
  bound: GrowthBound,
): (text: string) => string {
  const spans = spansOf(component, fileName);
  const content = contentOf(component, "content", fileName);
  return (text) => {
    const parts: string[] = [];
    let done = 0;
    let length = text.length;
    for (const [start, end] of spans(text)) {
      length += content.length - (end - start);
      bound.check(length);
      parts.push(text.slice(done, start), content);
      done = end;
    }
    return parts.length === 0 ? text : parts.join("") + text.slice(done);
  };
}

/**
 * The function of a pre-tokenizer `Split`: what lies between the matches, and the matches themselves unless its behaviour is
 * `Removed`; with `invert` the matches alone.
 */
export function splitPattern(
  component: Component,
  fileName: string,
): (text: string) => readonly string[] {
  const spans = spansOf(component, fileName);
  const isInverted = component["invert"] === true;
  const isRemoved = component["behavior"] === "Removed";
  return (text) => {
    const pieces: string[] = [];
    let done = 0;
    for (const [start, end] of spans(text)) {
      if (!isInverted) pieces.push(text.slice(done, start));
      if (isInverted || !isRemoved) pieces.push(text.slice(start, end));
      done = end;
    }
    if (!isInverted) pieces.push(text.slice(done));
    return pieces.filter((piece) => piece !== "");
  };
}

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
 * import { asRe2 } from "./pattern_components.ts";
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
