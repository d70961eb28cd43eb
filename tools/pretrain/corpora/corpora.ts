/**
 * The corpora together, and the part of them that pretraining may see.
 *
 * @module
 */
import { isHeldOut } from "../hold_out.ts";
import { brownDocument, type BrownText } from "./brown.ts";
import type { Document } from "./document.ts";
import { type Synset, wordnetDocuments } from "./wordnet.ts";

/** The corpora as their packages hold them, nothing left out. */
export interface Corpora {
  readonly synsets: readonly Synset[];
  readonly brown: readonly BrownText[];
  readonly sotu: readonly Document[];
}

/** The documents that pretraining may see: everything that is not held out for development splits. */
export function pretrainingDocuments(corpora: Corpora): Document[] {
  return [
    ...wordnetDocuments(corpora.synsets.filter((synset) => !isHeldOut("wordnet", synset.id))),
    ...corpora.brown.filter((text) => !isHeldOut("brown", text.name)).map(brownDocument),
    ...corpora.sotu.filter((address) => !isHeldOut("sotu", address.name)),
  ];
}
