/**
 * Splitting texts into pieces by `@huggingface/tokenizers`, with ranklab's own components where the package departs from
 * the fast tokenizers of transformers.
 *
 * @module
 */
import {
  ByteLevelPreTokenizer,
  MetaspacePreTokenizer,
  Normalizer,
  PreTokenizer,
  SequenceNormalizer,
  SequencePreTokenizer,
  Tokenizer as PieceTokenizer,
} from "@huggingface/tokenizers";
import { z } from "zod";
import { type Component, makeTokenizerJson, type TokenizerJson } from "./layout.ts";
import { bytePattern, matching, normalizeOf, type Split, splitOf } from "./components.ts";

const components = z.array(z.looseObject({ type: z.string() }));

const prependScheme = z.enum(["always", "first", "never"]);

/** What splits texts, and what a text needs before it is given to it. */
export interface Pieces {
  readonly tokenizer: PieceTokenizer;
  readonly prepare: (text: string) => string;
}

/**
 * Builds what splits texts.
 *
 * @throws {Error} If the file has a component or a model that is not known.
 */
export function createPieces(json: TokenizerJson, fileName: string): Pieces {
  const unknown = unknownPart(json);
  if (unknown !== null) {
    throw new Error(
      `Cannot build the tokenizer of "${fileName}": found ${unknown}, which would not be run as transformers does; ` +
        `take a model of another tokenizer`,
    );
  }
  const isOnRaw = (token: AddedToken) => token["normalized"] !== true || json.normalizer === null;
  const prepare = trimAround(json.added_tokens.filter(isOnRaw));
  const trimNormalized = trimAround(json.added_tokens.filter((token) => !isOnRaw(token)));
  try {
    const tokenizer = new PieceTokenizer({
      ...json,
      added_tokens: json.added_tokens.map((token) => ({ ...token, lstrip: false, rstrip: false })),
    }, {});
    if (tokenizer.normalizer !== null && json.normalizer !== null) {
      const normalizer = ownNormalizer(tokenizer.normalizer, json.normalizer, fileName);
      checkNormalizedTokens(json, tokenizer.normalizer, normalizer);
      tokenizer.normalizer = new OwnNormalizer(
        normalizer,
        (text) => trimNormalized(normalizer.normalize(text)),
      );
    }
    if (tokenizer.pre_tokenizer !== null && json.pre_tokenizer !== null) {
      tokenizer.pre_tokenizer = ownPreTokenizer(tokenizer.pre_tokenizer, json.pre_tokenizer);
    }
    return { tokenizer, prepare };
  } catch (error) {
    throw new Error(
      `Cannot build the tokenizer of "${fileName}": ${
        error instanceof Error ? error.message : String(error)
      }; ${makeTokenizerJson}`,
      { cause: error },
    );
  }
}

type AddedToken = TokenizerJson["added_tokens"][number];

/** What neither the package nor this file runs as the crate does, or null. */
function unknownPart(json: TokenizerJson): string | null {
  if (json.model.type === "Unigram" && json.model["byte_fallback"] === true) {
    return "a Unigram model with byte_fallback";
  }
  const word = json.added_tokens.find((token) => token["single_word"] === true);
  if (word !== undefined) return `the added token "${word.content}" with single_word`;
  const preTokenizers = flattened(json.pre_tokenizer, "pretokenizers");
  // The crate puts no sign before a text that lost spaces in front; the package does.
  const strips = flattened(json.normalizer, "normalizers")
    .some((component) => component.type === "Strip" && component["strip_left"] === true);
  const first = preTokenizers
    .some((component) => component.type === "Metaspace" && component["prepend_scheme"] === "first");
  if (strips && first) return 'a Metaspace with prepend_scheme "first" after a left Strip';
  // The package keeps matches apart or leaves them out, and knows no other behaviour.
  const split = preTokenizers.find((component) => {
    const known = component["invert"] === true ? ["Removed"] : ["Removed", "Isolated"];
    return component.type === "Split" && !known.includes(String(component["behavior"]));
  });
  return split === undefined
    ? null
    : `a Split with behavior "${split["behavior"]}" and invert ${split["invert"] === true}`;
}

/** A component and, where it is a sequence, those in it. */
function flattened(component: Component | null, key: string): readonly Component[] {
  if (component === null) return [];
  if (component.type !== "Sequence") return [component];
  return components.parse(component[key]).flatMap((part) => flattened(part, key));
}

/** A normaliser of ranklab's own in the package's form. */
class OwnNormalizer extends Normalizer {
  readonly #normalize: (text: string) => string;

  constructor(built: Normalizer, normalize: (text: string) => string) {
    super(built.config);
    this.#normalize = normalize;
  }

  normalize(text: string): string {
    return this.#normalize(text);
  }
}

/** The package's normaliser with ranklab's own components in their places. */
function ownNormalizer(built: Normalizer, component: Component, fileName: string): Normalizer {
  if (built instanceof SequenceNormalizer) {
    const parts = components.parse(component["normalizers"]);
    built.normalizers = built.normalizers.map((part, i) =>
      part === null ? null : ownNormalizer(part, parts[i]!, fileName)
    );
    return built;
  }
  const normalize = normalizeOf(component, fileName);
  return normalize === null ? built : new OwnNormalizer(built, normalize);
}

/** The package looks for added tokens in the form that its own normaliser gives them. */
function checkNormalizedTokens(json: TokenizerJson, built: Normalizer, own: Normalizer): void {
  for (const token of json.added_tokens) {
    if (
      token["normalized"] === true &&
      built.normalize(token.content) !== own.normalize(token.content)
    ) {
      throw new Error(
        `its added token "${token.content}" is looked for in normalised text, and the package normalises it otherwise; ` +
          `set "normalized" to false`,
      );
    }
  }
}

/** A pre-tokenizer of ranklab's own in the package's form. */
class OwnPreTokenizer extends PreTokenizer {
  readonly #split: (text: string, options?: SplitOptions) => readonly string[];

  constructor(split: (text: string, options?: SplitOptions) => readonly string[]) {
    super();
    this.#split = split;
  }

  pre_tokenize_text(text: string, options?: SplitOptions): string[] {
    return [...this.#split(text, options)];
  }
}

type SplitOptions = Parameters<PreTokenizer["pre_tokenize_text"]>[1];

/** The package's pre-tokenizer with ranklab's own components in their places. */
function ownPreTokenizer(built: PreTokenizer, component: Component): PreTokenizer {
  if (built instanceof SequencePreTokenizer) {
    const parts = components.parse(component["pretokenizers"]);
    built.tokenizers = built.tokenizers.map((part, i) =>
      part === null ? null : ownPreTokenizer(part, parts[i]!)
    );
    return built;
  }
  if (built instanceof ByteLevelPreTokenizer) built.pattern = bytePattern();
  if (built instanceof MetaspacePreTokenizer) return ownMetaspace(built, component);
  const split: Split | null = splitOf(component);
  return split === null ? built : new OwnPreTokenizer(split);
}

/** Metaspace also splits at its sign; its older files say by `add_prefix_space` what `prepend_scheme` says now. */
function ownMetaspace(built: MetaspacePreTokenizer, component: Component): PreTokenizer {
  built.prepend_scheme = prependScheme.parse(
    component["prepend_scheme"] ?? (component["add_prefix_space"] === false ? "never" : "always"),
  );
  if (component["split"] === false) return built;
  const sign = built.replacement;
  const split = matching(`${sign}?[^${sign}]+|${sign}`);
  return new OwnPreTokenizer((text, options) =>
    built.pre_tokenize_text(text, options).flatMap(split)
  );
}

/** Takes the white space around tokens away that they swallow (`lstrip`, `rstrip`); JavaScript's is not the crate's. */
function trimAround(tokens: readonly AddedToken[]): (text: string) => string {
  const left = new Set(tokens.filter((token) => token["lstrip"] === true).map((t) => t.content));
  const right = new Set(tokens.filter((token) => token["rstrip"] === true).map((t) => t.content));
  if (left.size + right.size === 0) return (text) => text;
  const contents = tokens.map((token) => token.content).toSorted((a, b) => b.length - a.length)
    .map((content) => RegExp.escape(content)).join("|");
  const before = new RegExp(
    `(?<!\\p{White_Space})\\p{White_Space}+(${contents})|(?:${contents})`,
    "gu",
  );
  const after = new RegExp(`(${contents})\\p{White_Space}*`, "gu");
  return (text) =>
    text
      .replace(after, (found, content: string) => right.has(content) ? content : found)
      .replace(
        before,
        (found, content: string | undefined) =>
          content !== undefined && left.has(content) ? content : found,
      );
}
