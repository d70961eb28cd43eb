/**
 * The tasks made of WordNet's definitions: `Topic`, `SameKind` and `Relatedness`.
 *
 * @module
 */
import type { RandomStream } from "../../base/random.ts";
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
import type { Taxonomy } from "./taxonomy.ts";

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

const commonWords = new Set(
  ("a an the of in or and to that is for by with on at as from it its are used which one who be " +
    "not having especially usually any some his her their has made")
    .split(" "),
);

/** The share of words, common ones aside, that two texts have in common (Jaccard). */
export function wordOverlap(a: string, b: string): number {
  const words = (text: string) =>
    new Set((text.toLowerCase().match(/[a-z]+/g) ?? []).filter((word) => !commonWords.has(word)));
  const left = words(a);
  const right = words(b);
  const shared = [...left].filter((word) => right.has(word)).length;
  const all = left.size + right.size - shared;
  return all === 0 ? 0 : shared / all;
}

/** Largest Wu-Palmer similarity of a negative pair of `SameKind`. */
const negativeLimit = 0.6;
/** Candidates among which a negative partner is chosen. */
const negativeCandidates = 40;

/**
 * Builds `SameKind`: two definitions, label 1 where their nouns share a direct hypernym.
 *
 * All rows begin as pairs of sister nouns from different families. Half of them stay; in the other
 * half the second definitions are dealt out anew to first ones that they are not like (Wu-Palmer
 * similarity at most 0.6), every other time the one of forty that shares the most words. So a single
 * definition says nothing about the label, and shared words alone mislead.
 *
 * @throws {RangeError} If there are too few families.
 */
export function buildSameKind(
  synsets: readonly Synset[],
  taxonomy: Taxonomy,
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const pools = definitionPools(synsets);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const families = new Map<string, Synset[]>();
    for (const synset of shuffle(pools[split], draws.fork("members"))) {
      for (const hypernym of synset.hypernyms) {
        const members = families.get(hypernym) ?? [];
        families.set(hypernym, members);
        members.push(synset);
      }
    }
    const used = new Set<string>();
    const pairs: (readonly [Synset, Synset])[] = [];
    for (const members of shuffle([...families.values()], draws.fork("families"))) {
      const [first, second] = members.filter(({ id }) => !used.has(id));
      if (first === undefined || second === undefined || pairs.length === sizes[split]) continue;
      used.add(first.id).add(second.id);
      pairs.push([first, second]);
    }
    if (pairs.length < sizes[split]) {
      throw new RangeError(
        `Cannot build ${sizes[split]} rows of "SameKind" for ${split}: ` +
          `WordNet gives ${pairs.length} families`,
      );
    }
    const half = Math.ceil(pairs.length / 2);
    const row = (a: Synset, b: Synset, label: string) => [a.definition, b.definition, label];
    const rows = pairs.slice(0, half).map(([a, b]) => row(a, b, "1"));
    const seconds = pairs.slice(half).map(([, second]) => second);
    const deal = draws.fork("deal");
    for (const [first] of pairs.slice(half)) {
      const unlike = shuffle([...seconds.keys()], deal)
        .filter((i) => taxonomy.wuPalmer(first.id, seconds[i]!.id) <= negativeLimit)
        .slice(0, negativeCandidates);
      const overlap = (i: number) => wordOverlap(first.definition, seconds[i]!.definition);
      const chosen = deal.int(2) === 0 ? unlike[0] : unlike.reduce<number | undefined>(
        (best, i) => best === undefined || overlap(i) > overlap(best) ? i : best,
        undefined,
      );
      if (chosen === undefined) continue;
      rows.push(row(first, seconds[chosen]!, "0"));
      seconds.splice(chosen, 1);
    }
    const columns = ["definition1", "definition2", "label"];
    return { columns, rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: "SameKind", train: build("train"), dev: build("dev") };
}

/** Intervals of the score that get as many rows each. */
const scoreBins = 9;

/**
 * Builds `Relatedness`: two definitions, and 5 times the Wu-Palmer similarity of their nouns.
 *
 * Partners are drawn below an ancestor at a random height, and rows are spread evenly over nine
 * intervals of the score between 0.5 and 5. Every definition is used once.
 *
 * @throws {RangeError} If an interval cannot be filled.
 */
export function buildRelatedness(
  synsets: readonly Synset[],
  taxonomy: Taxonomy,
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const pools = definitionPools(synsets);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const below = new Map<string, Synset[]>();
    for (const synset of pools[split]) {
      for (const ancestor of taxonomy.ancestors(synset.id).keys()) {
        const members = below.get(ancestor) ?? [];
        below.set(ancestor, members);
        members.push(synset);
      }
    }
    const bins = Array.from({ length: scoreBins }, (): string[][] => []);
    const used = new Set<string>();
    const pool = shuffle(pools[split], draws.fork("pool"));
    for (let attempt = 0; attempt < 40 * sizes[split]; attempt++) {
      const first = pool[draws.int(pool.length)]!;
      const ancestors = [...taxonomy.ancestors(first.id).keys()];
      const members = below.get(ancestors[draws.int(ancestors.length)]!)!;
      const second = members[draws.int(members.length)]!;
      if (second === first || used.has(first.id) || used.has(second.id)) continue;
      const score = 5 * taxonomy.wuPalmer(first.id, second.id);
      const bin = Math.min(scoreBins - 1, Math.max(0, Math.floor(2 * score) - 1));
      if (bins[bin]!.length >= Math.floor((sizes[split] + bin) / scoreBins)) continue;
      used.add(first.id).add(second.id);
      bins[bin]!.push([first.definition, second.definition, score.toFixed(2)]);
    }
    const rows = bins.flat();
    if (rows.length !== sizes[split]) {
      throw new RangeError(
        `Cannot build ${sizes[split]} rows of "Relatedness" for ${split}: found rows by interval ` +
          bins.map((bin) => bin.length).join(", "),
      );
    }
    const columns = ["definition1", "definition2", "score"];
    return { columns, rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: "Relatedness", train: build("train"), dev: build("dev") };
}
