/**
 * The task `Genre`: which kind of book does a sentence come from?
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import type { BookKind, Chapter } from "../corpora/books.ts";
import { isHeldOut } from "../hold_out.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

/** The classes: novels of manners (Austen), mysteries (Chesterton) and the sea (Melville). */
export const genreClasses: readonly BookKind[] = ["manners", "mystery", "sea"];

const minWords = 8;
const maxWords = 28;

/** The words that occur with a small initial. */
function commonWords(chapters: readonly Chapter[]): ReadonlySet<string> {
  return new Set(
    chapters.flatMap(({ sentences }) =>
      sentences.flatMap((sentence) => sentence.match(/\b[a-z]+/g) ?? [])
    ),
  );
}

/**
 * Whole declarative sentences of 8 to 28 words that name nobody and nothing, since a name would give the book away: no
 * word but "I" has a capital, and the first one also occurs without.
 *
 * @param common The words that occur with a small initial.
 */
export function namelessSentences(
  sentences: readonly string[],
  common: ReadonlySet<string>,
): readonly string[] {
  return sentences.filter((sentence) =>
    isUsableText(sentence, minWords, maxWords) && /^[A-Z].*\.$/.test(sentence) &&
    !/[A-Z]/.test(sentence.slice(1).replaceAll(/\bI\b/g, "")) &&
    common.has(/^[A-Za-z]+/.exec(sentence)![0].toLowerCase())
  );
}

/**
 * Builds the task from books: single sentences of 8 to 28 words without names, as many of each class.
 *
 * Sentences are drawn from all chapters of a class in turn, so that no chapter dominates.
 *
 * @throws {RangeError} If a class has too few sentences.
 */
export function buildGenre(
  chapters: readonly Chapter[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const common = commonWords(chapters);
  const build = (split: SplitName): TaskTable => {
    const draws = random.fork(split);
    const rows = genreClasses.flatMap((label, index) => {
      const wanted = Math.floor((sizes[split] + index) / genreClasses.length);
      const queues = chapters.filter(({ kind, name }) =>
        kind === label && isHeldOut("books", name) === (split === "dev")
      ).map(({ name, sentences }) =>
        shuffle(namelessSentences(sentences, common), draws.fork(name))
      );
      const chosen = new Set<string>();
      for (let turn = 0; chosen.size < wanted; turn++) {
        if (queues.every((queue) => queue.length <= turn)) {
          throw new RangeError(
            `Cannot build ${wanted} rows of class "${label}" of "Genre" for ${split}: ` +
              `the chapters give ${chosen.size}`,
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
