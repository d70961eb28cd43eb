/**
 * Regular expressions that come from files, on an engine that takes time in proportion to the text: RE2 (R. Cox, "Regular
 * Expression Matching in the Wild", 2010) as the package `re2js` has it. Back references and looking ahead or behind, which
 * no such engine has, are refused.
 *
 * @module
 */
import { RE2JS } from "re2js";
import { InputError, shown } from "./input_error.ts";

/** Characters of a pattern at most, and steps of the program that it is compiled to: a text takes their product with its length. */
const most = { characters: 1_000, steps: 2_000 };

/** A compiled pattern. */
export interface SafePattern {
  /** Whether it matches all of a text. */
  matchesAll(text: string): boolean;
  /** Start and end of each match, from left to right, as `matchAll` of JavaScript has them. */
  spans(text: string): readonly (readonly [number, number])[];
}

interface PatternPlace {
  readonly file: string;
  /** Such as `key "rank_pattern"`. */
  readonly place: string;
  /** The pattern as the file has it, which is checked for its length. Default: as it is compiled. */
  readonly written?: string;
}

/**
 * Compiles a pattern in RE2's syntax.
 *
 * @throws {InputError} If it is none, needs backtracking, or is too large.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { safePattern } from "./safe_pattern.ts";
 * const pattern = safePattern("(a+)+b", { file: "x.json", place: 'key "p"' });
 * assertEquals(pattern.matchesAll("a".repeat(10_000)), false);
 * assertEquals(pattern.spans("aab, ab"), [[0, 3], [5, 7]]);
 * ```
 */
export function safePattern(
  source: string,
  { file, place, written = source }: PatternPlace,
): SafePattern {
  const refuse = (found: string, wanted: string, cause?: unknown): never => {
    throw new InputError({ file, place, found, wanted, cause });
  };
  if (written.length > most.characters) {
    refuse(`a pattern of ${written.length} characters`, `one of at most ${most.characters}`);
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : "";
    return refuse(
      `the pattern ${JSON.stringify(shown(written))} (${shown(said)})`,
      "a regular expression that RE2 knows: without back references, and without looking ahead or behind",
      cause,
    );
  }
  const steps = compiled.programSize();
  if (steps > most.steps) {
    refuse(
      `the pattern ${JSON.stringify(shown(written))}, which takes ${steps} steps a character`,
      `one of at most ${most.steps}; repeat fewer times`,
    );
  }
  return {
    matchesAll: (text) => compiled.matcher(text).matches(),
    spans: (text) => {
      const matcher = compiled.matcher(text);
      const found: (readonly [number, number])[] = [];
      while (matcher.find()) found.push([matcher.start(), matcher.end()]);
      return found;
    },
  };
}
