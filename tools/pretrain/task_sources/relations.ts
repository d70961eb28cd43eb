/**
 * The tasks of pairs made of WordNet's order of kinds: `Related` and `KindOf`.
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import type { Synset } from "../corpora/wordnet.ts";
import { definitionPools } from "./definitions.ts";
import { type Hypernymy, hypernymyOf } from "./hypernymy.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

/** Equal parts of the similarities from 0 to 1 that give as many rows of `Related`. */
const similarityParts = 5;

/** Words of a definition of `Related` at most, so that two fit 48 tokens. */
const mostWordsOfPair = 14;

/** Steps up and then down from a synset to another that is near. */
const mostSteps = 4;

/** A synset some random steps up and down from `start`. */
function walk(start: Synset, order: Hypernymy, draws: RandomStream): Synset {
  const up = 1 + draws.int(mostSteps);
  let at = start;
  for (let step = 0; step < up && at.hypernyms.length > 0; step++) {
    at = order.synset(at.hypernyms[draws.int(at.hypernyms.length)]!);
  }
  for (let step = draws.int(up + 2); step > 0; step--) {
    const below = order.hyponyms(at.id);
    if (below.length > 0) at = below[draws.int(below.length)]!;
  }
  return at;
}

/**
 * Builds `Related`: definitions of two nouns, and how near the nouns are in WordNet as a score from 0 to 5, which is five
 * times Wu and Palmer's similarity. Each fifth of the scale has as many rows, and no definition comes twice.
 *
 * @throws {RangeError} If there are too few pairs.
 */
export function buildRelated(
  synsets: readonly Synset[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const pools = definitionPools(synsets);
  const order = hypernymyOf(synsets);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const pool = pools[split].filter(({ definition }) =>
      isUsableText(definition, 1, mostWordsOfPair)
    );
    const unused = new Set(pool);
    const left = Array.from(
      { length: similarityParts },
      (_, part) => Math.floor((sizes[split] + part) / similarityParts),
    );
    const rows: string[][] = [];
    for (let attempt = 0; attempt < 2000 * sizes[split] && pool.length > 0; attempt++) {
      if (rows.length === sizes[split]) break;
      const one = pool[draws.int(pool.length)]!;
      // Random pairs are seldom near.
      const other = draws.int(3) > 0 ? walk(one, order, draws) : pool[draws.int(pool.length)]!;
      if (one === other || !unused.has(one) || !unused.has(other)) continue;
      const similarity = order.similarity(one.id, other.id);
      const part = Math.min(similarityParts - 1, Math.floor(similarity * similarityParts));
      if (left[part]! === 0) continue;
      left[part]!--;
      unused.delete(one);
      unused.delete(other);
      rows.push([one.definition, other.definition, (5 * similarity).toFixed(2)]);
    }
    if (rows.length < sizes[split]) {
      throw new RangeError(
        `Cannot build ${sizes[split]} rows of "Related" for ${split}: WordNet gives ${rows.length}`,
      );
    }
    return {
      columns: ["sentence1", "sentence2", "score"],
      rows: shuffle(rows, draws.fork("rows")),
    };
  };
  return { name: "Related", train: build("train"), dev: build("dev") };
}

/** The classes of `KindOf`: whether the noun that is defined is a kind of what the word names. */
export const kindOfClasses = ["no", "yes"] as const;

/** Steps up from a noun to the kinds that are asked for, at most. */
const mostStepsToKind = 3;

/** The first letters of a word without its ending, to find words made of each other. */
function stem(word: string): string {
  return word.replace(/(ing|ed|es|s|ion|er|ly|y|e)$/, "").slice(0, 5);
}

/** The lemmas of kinds that a synset belongs to, one to three steps up: one or two plain words each. */
function kindsOf(synset: Synset, order: Hypernymy): readonly string[] {
  return [...order.ancestors(synset.id)]
    .filter(([, steps]) => steps >= 1 && steps <= mostStepsToKind)
    .flatMap(([id]) => order.synset(id).lemmas)
    .filter((lemma) => /^[a-z]{3,}( [a-z]+)?$/.test(lemma));
}

/** The words that share no stem with a definition. */
function untold(words: readonly string[], definition: string): readonly string[] {
  const told = new Set((definition.toLowerCase().match(/[a-z]+/g) ?? []).map(stem));
  return words.filter((word) => word.split(" ").every((part) => !told.has(stem(part))));
}

/**
 * Builds `KindOf`: a definition and a word, and whether the noun that is defined is a kind of what the word names.
 *
 * The word names a kind one to three steps above the noun or, in every other row, above another noun drawn at random, so
 * that the word alone tells little. No part of it is a word of the definition in another form.
 *
 * @throws {RangeError} If there are too few definitions.
 */
export function buildKindOf(
  synsets: readonly Synset[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const pools = definitionPools(synsets);
  const order = hypernymyOf(synsets);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const pool = pools[split];
    const rows: string[][] = [];
    for (const synset of shuffle(pool, draws.fork("order"))) {
      if (rows.length === sizes[split]) break;
      const { id, definition } = synset;
      const label = rows.length % kindOfClasses.length;
      const named = label === 1 ? synset : pool[draws.int(pool.length)]!;
      const own = new Set(
        [...order.ancestors(id).keys()].flatMap((above) => order.synset(above).lemmas),
      );
      const words = untold(kindsOf(named, order), definition)
        .filter((word) => own.has(word) === (label === 1));
      if (words.length === 0) continue;
      rows.push([definition, words[draws.int(words.length)]!, kindOfClasses[label]!]);
    }
    if (rows.length < sizes[split]) {
      throw new RangeError(
        `Cannot build ${sizes[split]} rows of "KindOf" for ${split}: WordNet gives ${rows.length}`,
      );
    }
    return { columns: ["definition", "word", "label"], rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: "KindOf", train: build("train"), dev: build("dev") };
}
