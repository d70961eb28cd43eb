/**
 * The corpora together, and the part of them that pretraining may see.
 *
 * @module
 */
import { isHeldOut } from "../hold_out.ts";
import { type Chapter, chapterDocument } from "./books.ts";
import type { Document } from "./document.ts";
import { type Synset, wordnetDocuments } from "./wordnet.ts";

/** The corpora as their packages hold them, nothing left out but what their readers leave out. */
export interface Corpora {
  readonly synsets: readonly Synset[];
  readonly chapters: readonly Chapter[];
  readonly factbook: readonly Document[];
  readonly sotu: readonly Document[];
}

/** The documents that pretraining may see: everything that is not held out for development splits. */
export function pretrainingDocuments(corpora: Corpora): Document[] {
  return [
    ...wordnetDocuments(corpora.synsets.filter((synset) => !isHeldOut("wordnet", synset.id))),
    ...[...corpora.chapters.map(chapterDocument), ...corpora.factbook, ...corpora.sotu]
      .filter(({ source, name }) => !isHeldOut(source, name)),
  ];
}
