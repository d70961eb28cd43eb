/**
 * WordNet's noun hierarchy as a graph: distances to ancestors and the similarity of Wu and Palmer.
 *
 * @module
 */
import type { Synset } from "../corpora/wordnet.ts";

/** A hierarchy that can be asked how alike two synsets are. */
export interface Taxonomy {
  /** Least number of steps up to each ancestor, the synset itself (0 steps) included. */
  readonly ancestors: (id: string) => ReadonlyMap<string, number>;
  /** Number of synsets on the shortest way from the root, both ends included; a root has 1. */
  readonly depth: (id: string) => number;
  /**
   * Wu and Palmer's similarity (1994, "Verb semantics and lexical selection", section 4): with the
   * common ancestor c, 2 depth(c) / (steps from a + steps from b + 2 depth(c)), at the common ancestor
   * where it is largest; 0 where there is none.
   */
  readonly wuPalmer: (a: string, b: string) => number;
}

/**
 * The taxonomy of synsets that name their hypernyms.
 *
 * @throws {RangeError} From its functions, if a synset or a hypernym is not among `synsets`.
 */
export function buildTaxonomy(synsets: readonly Synset[]): Taxonomy {
  const hypernyms = new Map(synsets.map((synset) => [synset.id, synset.hypernyms]));
  const known = new Map<string, ReadonlyMap<string, number>>();
  const ancestors = (id: string): ReadonlyMap<string, number> => {
    const stored = known.get(id);
    if (stored !== undefined) return stored;
    const parents = hypernyms.get(id);
    if (parents === undefined) {
      throw new RangeError(`Cannot find the synset "${id}" among the ${hypernyms.size} given`);
    }
    const steps = new Map([[id, 0]]);
    for (const parent of parents) {
      for (const [ancestor, distance] of ancestors(parent)) {
        steps.set(ancestor, Math.min(steps.get(ancestor) ?? Infinity, distance + 1));
      }
    }
    known.set(id, steps);
    return steps;
  };
  const depth = (id: string): number => {
    let least = Infinity;
    for (const [ancestor, distance] of ancestors(id)) {
      if (hypernyms.get(ancestor)!.length === 0) least = Math.min(least, distance + 1);
    }
    return least;
  };
  const wuPalmer = (a: string, b: string): number => {
    const fromB = ancestors(b);
    let best = 0;
    for (const [ancestor, stepsA] of ancestors(a)) {
      const stepsB = fromB.get(ancestor);
      if (stepsB === undefined) continue;
      const twice = 2 * depth(ancestor);
      best = Math.max(best, twice / (stepsA + stepsB + twice));
    }
    return best;
  };
  return { ancestors, depth, wuPalmer };
}
