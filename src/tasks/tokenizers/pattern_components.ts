/**
 * The components of normalisers and pre-tokenizers that look for a pattern of the file's own.
 *
 * @module
 */
import { InputError, shown } from "../../base/input_error.ts";
import { safePattern } from "../../base/safe_pattern.ts";
import type { GrowthBound } from "./growth.ts";
import type { Component } from "./layout.ts";
import { asRe2, PatternSyntaxError } from "./oniguruma.ts";

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
