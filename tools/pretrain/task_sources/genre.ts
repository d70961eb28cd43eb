/**
 * The task `Genre`: which kind of writing does a sentence come from?
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import { type BrownText, brownText } from "../corpora/brown.ts";
import { isHeldOut } from "../hold_out.ts";
import { plainSentences } from "./acceptability.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

/** The classes and the genres of the Brown corpus that they unite. */
export const genreClasses: Readonly<Record<string, readonly string[]>> = {
  press: ["news", "editorial", "reviews"],
  fiction: ["fiction", "mystery", "science_fiction", "adventure", "romance"],
  formal: ["learned", "government"],
};

const minWords = 8;
const maxWords = 28;

/**
 * Builds the task from the Brown corpus: single sentences of 8 to 28 words, as many of each class.
 *
 * Sentences are drawn from all texts of a class in turn, so that no text dominates.
 *
 * @throws {RangeError} If a class has too few sentences.
 */
export function buildGenre(
  texts: readonly BrownText[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const labels = Object.keys(genreClasses);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const rows = labels.flatMap((label, index) => {
      const wanted = Math.floor((sizes[split] + index) / labels.length);
      const queues = texts.filter((text) =>
        genreClasses[label]!.includes(text.genre) &&
        isHeldOut("brown", text.name) === (split === "dev")
      ).map((text) =>
        shuffle(
          plainSentences([text]).map(brownText).filter((t) => isUsableText(t, minWords, maxWords)),
          draws.fork(text.name),
        )
      );
      const chosen = new Set<string>();
      for (let turn = 0; chosen.size < wanted; turn++) {
        if (queues.every((queue) => queue.length <= turn)) {
          throw new RangeError(
            `Cannot build ${wanted} rows of class "${label}" of "Genre" for ${split}: ` +
              `the texts give ${chosen.size}`,
          );
        }
        for (const queue of shuffle(queues, draws.fork(label).fork(turn))) {
          if (chosen.size < wanted && turn < queue.length) chosen.add(queue[turn]!);
        }
      }
      return Array.from(chosen, (text) => [text, label]);
    });
    return { columns: ["sentence", "label"], rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: "Genre", train: build("train"), dev: build("dev") };
}
