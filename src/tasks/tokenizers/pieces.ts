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
import { errorMessage, InputError, readingInput, shown } from "../../base/input_error.ts";
import { type Component, GrowthBound, makeTokenizerJson, type TokenizerJson } from "./layout.ts";
import { contentOf } from "./pattern_components.ts";
import { splitLongWords } from "./unknown_runs.ts";
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
 * @throws {InputError} If the file has a component or a model that is not known, or of another form.
 */
export function createPieces(json: TokenizerJson, fileName: string): Pieces {
  const doing = "Cannot build the tokenizer of";
  const unknown = readingInput(
    {
      file: fileName,
      doing,
      found: "components of another form",
      wanted: "those of the fast tokenizers",
    },
    () => unknownPart(json),
  );
  if (unknown !== null) {
    throw new InputError({
      file: fileName,
      found: unknown,
      wanted: "components that are known",
      message:
        `${doing} "${fileName}": found ${unknown}, which would not be run as transformers does; ` +
        `take a model of another tokenizer`,
    });
  }
  const isOnRaw = (token: AddedToken) => token["normalized"] !== true || json.normalizer === null;
  const prepare = trimAround(json.added_tokens.filter(isOnRaw));
  const trimNormalized = trimAround(json.added_tokens.filter((token) => !isOnRaw(token)));
  try {
    const tokenizer = new PieceTokenizer({
      ...json,
      normalizer: withoutPatterns(json.normalizer, "normalizers"),
      pre_tokenizer: withoutPatterns(json.pre_tokenizer, "pretokenizers"),
      // It would compile the patterns of a decoder, and nothing is decoded here.
      decoder: null,
      added_tokens: json.added_tokens.map((token) => ({ ...token, lstrip: false, rstrip: false })),
    }, {});
    if (tokenizer.normalizer !== null && json.normalizer !== null) {
      const bound = new GrowthBound(fileName);
      const normalizer = ownNormalizer(tokenizer.normalizer, json.normalizer, { fileName, bound });
      const normalize = (text: string) => {
        bound.begin(text);
        return normalizer.normalize(text);
      };
      checkNormalizedTokens(json, tokenizer.normalizer, normalize);
      tokenizer.normalizer = new OwnNormalizer(
        normalizer,
        (text) => trimNormalized(normalize(text)),
      );
    }
    if (tokenizer.pre_tokenizer !== null && json.pre_tokenizer !== null) {
      tokenizer.pre_tokenizer = ownPreTokenizer(
        tokenizer.pre_tokenizer,
        json.pre_tokenizer,
        fileName,
      );
    }
    if (tokenizer.model !== null) splitLongWords(tokenizer.model);
    return { tokenizer, prepare };
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const said = errorMessage(cause);
    throw new InputError({
      file: fileName,
      found: said,
      wanted: "a tokenizer that transformers saved",
      message: `${doing} "${fileName}": ${said}; ${makeTokenizerJson}`,
      cause,
    });
  }
}

/**
 * A component for the package, which would compile the patterns of the file on an engine that backtracks: components that have one are
 * left out, and ranklab's own take their places.
 */
function withoutPatterns(component: Component | null, key: string): Component | null {
  if (component === null) return null;
  if (component.type === "Sequence") {
    return {
      ...component,
      [key]: components.parse(component[key]).map((part) => withoutPatterns(part, key)),
    };
  }
  return component["pattern"] === undefined ? component : { type: "Sequence", [key]: [] };
}

type AddedToken = TokenizerJson["added_tokens"][number];

/** The components of pre-tokenizers that are run as the crate does. */
const knownPreTokenizers: readonly string[] = [
  ...["BertPreTokenizer", "ByteLevel", "Digits", "Metaspace", "Punctuation", "Split"],
  ...["Whitespace", "WhitespaceSplit"],
];

/** What neither the package nor this file runs as the crate does, or null. */
function unknownPart(json: TokenizerJson): string | null {
  if (json.model.type === "Unigram" && json.model["byte_fallback"] === true) {
    return "a Unigram model with byte_fallback";
  }
  const word = json.added_tokens.find((token) => token["single_word"] === true);
  if (word !== undefined) return `the added token "${shown(word.content)}" with single_word`;
  const preTokenizers = flattened(json.pre_tokenizer, "pretokenizers");
  const other = preTokenizers.find(({ type }) => !knownPreTokenizers.includes(type));
  if (other !== undefined) return `a pre-tokenizer "${shown(other.type)}"`;
  const sign = preTokenizers.find((component) =>
    component.type === "Metaspace" &&
    !(component["replacement"] === undefined || isOneCharacter(component["replacement"]))
  );
  if (sign !== undefined) return "a Metaspace whose replacement is no single character";
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
    : `a Split with behavior "${shown(String(split["behavior"]))}" and invert ${
      split["invert"] === true
    }`;
}

function isOneCharacter(value: unknown): boolean {
  return typeof value === "string" && value !== "" &&
    value.length === String.fromCodePoint(value.codePointAt(0)!).length;
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

/** What the components of a normaliser share. */
interface NormalizerSetting {
  readonly fileName: string;
  readonly bound: GrowthBound;
}

/** The package's normaliser with ranklab's own components in their places; none makes a text longer than the bound. */
function ownNormalizer(
  built: Normalizer,
  component: Component,
  setting: NormalizerSetting,
): Normalizer {
  if (built instanceof SequenceNormalizer && component.type === "Sequence") {
    const parts = components.parse(component["normalizers"]);
    const own = built.normalizers.map((part, i) =>
      part === null ? null : ownNormalizer(part, parts[i]!, setting)
    );
    return new OwnNormalizer(
      built,
      (text) => own.reduce((made, part) => part === null ? made : part.normalize(made), text),
    );
  }
  if (component.type === "Prepend") contentOf(component, "prepend", setting.fileName);
  const own = normalizeOf(component, setting.fileName, setting.bound);
  const normalize = own ?? ((text: string) => built.normalize(text));
  return new OwnNormalizer(built, (text) => {
    const made = normalize(text);
    setting.bound.check(made.length);
    return made;
  });
}

/** The package looks for added tokens in the form that its own normaliser gives them. */
function checkNormalizedTokens(
  json: TokenizerJson,
  built: Normalizer,
  own: (text: string) => string,
): void {
  for (const token of json.added_tokens) {
    if (token["normalized"] === true && built.normalize(token.content) !== own(token.content)) {
      throw new Error(
        `its added token "${
          shown(token.content)
        }" is looked for in normalised text, and the package normalises it otherwise; ` +
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
function ownPreTokenizer(
  built: PreTokenizer,
  component: Component,
  fileName: string,
): PreTokenizer {
  if (built instanceof SequencePreTokenizer && component.type === "Sequence") {
    const parts = components.parse(component["pretokenizers"]);
    built.tokenizers = built.tokenizers.map((part, i) =>
      part === null ? null : ownPreTokenizer(part, parts[i]!, fileName)
    );
    return built;
  }
  if (built instanceof ByteLevelPreTokenizer) built.pattern = bytePattern();
  if (built instanceof MetaspacePreTokenizer) return ownMetaspace(built, component);
  const split: Split | null = splitOf(component, fileName);
  return split === null ? built : new OwnPreTokenizer(split);
}

/** Metaspace also splits at its sign; its older files say by `add_prefix_space` what `prepend_scheme` says now. */
function ownMetaspace(built: MetaspacePreTokenizer, component: Component): PreTokenizer {
  // An older key for the same, which the package would take with any length.
  built.str_rep = built.replacement;
  built.prepend_scheme = prependScheme.parse(
    component["prepend_scheme"] ?? (component["add_prefix_space"] === false ? "never" : "always"),
  );
  if (component["split"] === false) return built;
  const sign = RegExp.escape(built.replacement);
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
