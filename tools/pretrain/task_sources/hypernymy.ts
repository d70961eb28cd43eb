/**
 * What is a kind of what in WordNet: steps up to more general synsets, steps down, and how near two synsets are.
 *
 * @module
 */
import type { Synset } from "../corpora/wordnet.ts";

/** WordNet's order of kinds; each function takes the id of one of its synsets. */
export interface Hypernymy {
  synset(id: string): Synset;
  /** The synsets that are a kind of this one, one step down. */
  hyponyms(id: string): readonly Synset[];
  /** The other hyponyms of its hypernyms. */
  siblings(id: string): readonly Synset[];
  /** The synset and all more general ones, with the steps up to each by the shortest way. */
  ancestors(id: string): ReadonlyMap<string, number>;
  /**
   * Wu and Palmer's similarity (1994): 2d / (2d + steps up from both to a shared ancestor of depth d), for the shared
   * ancestor that makes it largest; 1 for a synset and itself, 0 where nothing is shared. A root has depth 1.
   */
  similarity(one: string, other: string): number;
}

/** The order of kinds of these synsets; hypernyms that are not among them are left out. */
export function hypernymyOf(synsets: readonly Synset[]): Hypernymy {
  const byId = new Map(synsets.map((synset) => [synset.id, synset]));
  const parents = (id: string) => byId.get(id)!.hypernyms.filter((parent) => byId.has(parent));
  const children = new Map<string, Synset[]>();
  for (const synset of synsets) {
    for (const parent of parents(synset.id)) {
      const list = children.get(parent);
      if (list === undefined) children.set(parent, [synset]);
      else list.push(synset);
    }
  }
  const ancestors = (id: string): ReadonlyMap<string, number> => {
    const steps = new Map([[id, 0]]);
    // A map's iterator also gives what is added while it runs.
    for (const [at, distance] of steps) {
      for (const parent of parents(at)) if (!steps.has(parent)) steps.set(parent, distance + 1);
    }
    return steps;
  };
  const depths = new Map<string, number>();
  const depth = (id: string): number => {
    let found = depths.get(id);
    if (found === undefined) {
      found = 1 +
        Math.min(...[...ancestors(id)].filter(([at]) => parents(at).length === 0).map((a) => a[1]));
      depths.set(id, found);
    }
    return found;
  };
  const hyponyms = (id: string) => children.get(id) ?? [];
  return {
    synset: (id) => byId.get(id)!,
    hyponyms,
    siblings: (id) => parents(id).flatMap(hyponyms).filter((sibling) => sibling.id !== id),
    ancestors,
    similarity: (one, other) => {
      const ofOther = ancestors(other);
      let best = 0;
      for (const [shared, up] of ancestors(one)) {
        const otherUp = ofOther.get(shared);
        if (otherUp === undefined) continue;
        const twice = 2 * depth(shared);
        best = Math.max(best, twice / (twice + up + otherUp));
      }
      return best;
    },
  };
}
