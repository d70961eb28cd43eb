/**
 * The task `Topic`: what is a definition of WordNet about?
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import type { Synset } from "../corpora/wordnet.ts";
import { isHeldOut } from "../hold_out.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

const minWords = 4;
const maxWords = 20;

/** A text's words in lower case, without punctuation. */
function plainWords(text: string): string {
  return (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).join(" ");
}

/** Common nouns whose definition is short, plain and occurs nowhere else in WordNet, by split. */
export function definitionPools(
  synsets: readonly Synset[],
): Readonly<Record<SplitName, readonly Synset[]>> {
  const uses = new Map<string, number>();
  for (const { definition, examples } of synsets) {
    for (const text of [definition, ...examples].map(plainWords)) {
      uses.set(text, (uses.get(text) ?? 0) + 1);
    }
  }
  const usable = synsets.filter(({ pos, lemmas, hypernyms, definition }) =>
    pos === "n" && hypernyms.length > 0 && lemmas.every((lemma) => lemma === lemma.toLowerCase()) &&
    uses.get(plainWords(definition)) === 1 && isUsableText(definition, minWords, maxWords)
  );
  return {
    train: usable.filter(({ id }) => !isHeldOut("wordnet", id)),
    dev: usable.filter(({ id }) => isHeldOut("wordnet", id)),
  };
}

/** The classes of `Topic`: names and numbers of WordNet's lexicographer files (lexnames(5WN)). */
export const topicClasses: Readonly<Record<string, number>> = {
  act: 4,
  artifact: 6,
  attribute: 7,
  cognition: 9,
  communication: 10,
  group: 14,
  person: 18,
  state: 26,
};

/**
 * Builds `Topic`: a definition, and which of eight lexicographer files its noun is in.
 *
 * @throws {RangeError} If a class has too few definitions.
 */
export function buildTopic(
  synsets: readonly Synset[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const pools = definitionPools(synsets);
  const labels = Object.keys(topicClasses);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const rows = labels.flatMap((label, index) => {
      const wanted = Math.floor((sizes[split] + index) / labels.length);
      const pool = pools[split].filter((s) => s.lexicographer === topicClasses[label]);
      if (pool.length < wanted) {
        throw new RangeError(
          `Cannot build ${wanted} rows of class "${label}" of "Topic" for ${split}: ` +
            `WordNet gives ${pool.length}`,
        );
      }
      return shuffle(pool, draws.fork(label)).slice(0, wanted).map((s) => [s.definition, label]);
    });
    return { columns: ["definition", "label"], rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: "Topic", train: build("train"), dev: build("dev") };
}
