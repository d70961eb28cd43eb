/**
 * Documents as passages: a few sentences in a row, as ids of pieces.
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";

/** A stretch of a document. */
export interface Passage {
  /** Ids without special tokens. */
  readonly ids: readonly number[];
  /** Which document it is from; passages of one document follow each other in reading order. */
  readonly document: number;
}

/** How documents are cut. */
export interface PassageOptions {
  /** Pieces at most; what a sentence has beyond them goes into the next passage. */
  readonly most: number;
  /** Pieces at least; shorter ones are joined to what follows, or left out at the end of a document. */
  readonly least: number;
  /** Chance that a sentence is a passage by itself; the others are joined up to a random length. */
  readonly aloneShare: number;
}

/** The options of the committed encoder. */
export const passageOptions: PassageOptions = { most: 56, least: 4, aloneShare: 0.7 };

/**
 * Cuts the sentences of a document into passages.
 *
 * @param sentences Ids of each sentence.
 * @param document Its number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RandomStream } from "../../src/base/random.ts";
 * const options = { most: 4, least: 2, aloneShare: 1 };
 * const cut = cutPassages([[1, 2, 3, 4, 5], [6, 7], [8]], 0, RandomStream.fromSeed(1), options);
 * assertEquals(cut.map(({ ids }) => ids), [[1, 2, 3, 4], [5, 6, 7]]);
 * ```
 */
export function cutPassages(
  sentences: readonly (readonly number[])[],
  document: number,
  stream: RandomStream,
  { most, least, aloneShare }: PassageOptions = passageOptions,
): readonly Passage[] {
  const passages: Passage[] = [];
  let open: number[] = [];
  let wanted = least;
  const close = () => {
    if (open.length >= least) passages.push({ ids: open, document });
    open = [];
  };
  for (const sentence of sentences) {
    if (open.length > 0 && open.length + sentence.length > most) close();
    for (const id of sentence) {
      if (open.length === most) close();
      open.push(id);
    }
    if (open.length < wanted) continue;
    close();
    wanted = stream.next() < aloneShare ? least : least + stream.int(most - least);
  }
  close();
  return passages;
}
