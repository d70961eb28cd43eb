/**
 * The components of normalisers and pre-tokenizers that look at classes of characters, as the `tokenizers` crate runs them.
 *
 * @module
 */
import { lowerCased, membersOf, type NormalForm, normalForm } from "./characters.ts";
import { charsmapNormalizer } from "./charsmap.ts";
import type { Component, GrowthBound } from "./layout.ts";
import { replacePattern, splitPattern } from "./pattern_components.ts";

/** A text as a component leaves it. */
type Normalize = (text: string) => string;

/** The pieces of a text. */
export type Split = (text: string) => readonly string[];

const any = (members: string) => new RegExp(`[${members}]`, "gu");

const space = "\\p{White_Space}";

/**
 * The function of a normaliser's component; null for one that looks at no class of characters and at no pattern.
 *
 * @param bound How long it may make a text.
 *
 * @throws {Error} If a table of characters is missing or cut off.
 * @throws {InputError} If a pattern is none that can be run.
 */
export function normalizeOf(
  component: Component,
  fileName: string,
  bound: GrowthBound,
): Normalize | null {
  switch (component.type) {
    case "Replace":
      return replacePattern(component, fileName, bound);
    case "BertNormalizer":
      return bertNormalize(component);
    case "Lowercase":
      return lowerCased;
    case "StripAccents":
      return replacing(any(membersOf("mark")), "");
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return normalForm(component.type satisfies NormalForm);
    case "Strip":
      return inOrder([
        component["strip_left"] === true ? replacing(new RegExp(`^${space}+`, "u"), "") : null,
        component["strip_right"] === true ? withoutSpaceAtEnd : null,
      ]);
    case "Precompiled": {
      const table = component["precompiled_charsmap"];
      if (typeof table !== "string") {
        throw new Error(`its normaliser has no precompiled_charsmap, want one in base64`);
      }
      return charsmapNormalizer(Uint8Array.fromBase64(table), fileName);
    }
    default:
      return null;
  }
}

const replacing = (pattern: RegExp, content: string): Normalize => (text) =>
  text.replace(pattern, content);

const inOrder = (steps: readonly (Normalize | null)[]): Normalize => (text) =>
  steps.reduce((made, step) => step === null ? made : step(made), text);

/** From behind, since a pattern would look for the end from each space of a long run. */
function withoutSpaceAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/**
 * BERT's normaliser (`normalizers/bert.rs`): without controls and with plain spaces, ideographs set apart, without
 * accents (by default where letters are made small), in small letters; in this order.
 */
export function bertNormalize(component: Component): Normalize {
  const lowercase = component["lowercase"] ?? true;
  return inOrder([
    (component["clean_text"] ?? true) === true
      ? inOrder([replacing(any(membersOf("removed")), ""), replacing(any(space), " ")])
      : null,
    (component["handle_chinese_chars"] ?? true) === true
      ? replacing(any(membersOf("ideograph")), " $& ")
      : null,
    (component["strip_accents"] ?? lowercase) === true
      ? inOrder([normalForm("NFD"), replacing(any(membersOf("nonspacingMark")), "")])
      : null,
    lowercase === true ? lowerCased : null,
  ]);
}

/**
 * The function of a pre-tokenizer's component; null for one that looks at no class of characters and at no pattern, and for
 * ByteLevel, whose pattern is {@linkcode bytePattern}.
 *
 * @throws {InputError} If a pattern is none that can be run.
 */
export function splitOf(component: Component, fileName: string): Split | null {
  switch (component.type) {
    case "Split":
      return splitPattern(component, fileName);
    case "BertPreTokenizer":
      return bertSplit();
    case "Punctuation":
      return splitAt(membersOf("punctuation"), String(component["behavior"] ?? "Isolated"));
    case "Digits":
      return splitAt(
        membersOf("numeric"),
        component["individual_digits"] === true ? "Isolated" : "Contiguous",
      );
    case "Whitespace": {
      const word = membersOf("word");
      return matching(`[${word}]+|[^${word}${space}]+`);
    }
    case "WhitespaceSplit":
      return matching("\\P{White_Space}+");
    default:
      return null;
  }
}

/** BERT's words and single signs of punctuation (`pre_tokenizers/bert.rs`). */
export function bertSplit(): Split {
  const punctuation = membersOf("punctuation");
  return matching(`[^${space}${punctuation}]+|[${punctuation}]`);
}

/** Keeps what matches. */
export function matching(pattern: string): Split {
  const compiled = new RegExp(pattern, "gu");
  return (text) => text.match(compiled) ?? [];
}

/** The pieces of a text that is split at each character of a class (`SplitDelimiterBehavior` in the crate). */
function splitAt(members: string, behavior: string): Split {
  const patterns: Readonly<Record<string, string>> = {
    Isolated: `[^${members}]+|[${members}]`,
    Contiguous: `[^${members}]+|[${members}]+`,
    Removed: `[^${members}]+`,
    MergedWithPrevious: `[^${members}]*[${members}]|[^${members}]+`,
    MergedWithNext: `[${members}]?[^${members}]+|[${members}]`,
  };
  const pattern = patterns[behavior];
  if (pattern !== undefined) return matching(pattern);
  throw new Error(
    `a pre-tokenizer has the behavior "${behavior}", want one of ${
      Object.keys(patterns).join(", ")
    }`,
  );
}

/** GPT-2's pattern (`encoder.py` of its release) for the pieces of a byte-level pre-tokenizer. */
export function bytePattern(): RegExp {
  const letter = membersOf("letter");
  const number = membersOf("number");
  return new RegExp(
    `'s|'t|'re|'ve|'m|'ll|'d| ?[${letter}]+| ?[${number}]+| ?[^${space}${letter}${number}]+|` +
      `${space}+(?!\\P{White_Space})|${space}+`,
    "gu",
  );
}
