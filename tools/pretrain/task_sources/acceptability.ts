/**
 * The task `Acceptability`: is a sentence as its author wrote it, or are some of its words out of order?
 *
 * The kind of task is that of CoLA (Warstadt et al. 2019): one sentence, two classes.
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import { type BrownText, brownText, type TaggedWord } from "../corpora/brown.ts";
import { isHeldOut } from "../hold_out.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

/** A sentence whose tags have no title or headline suffixes. */
export type Sentence = readonly TaggedWord[];

const minWords = 7;
const maxWords = 16;

/** Whole declarative sentences of running text, with plain tags; headlines and foreign words go. */
export function plainSentences(texts: readonly BrownText[]): Sentence[] {
  return texts.flatMap((text) =>
    text.sentences.filter((sentence) =>
      sentence.every(({ tag }) => !/-(hl|nc)$|^fw-|[*+]/.test(tag)) &&
      /^[A-Z]/.test(sentence[0]?.word ?? "") && sentence.at(-1)?.word === "."
    ).map((sentence) => sentence.map(({ word, tag }) => ({ word, tag: tag.replace(/-tl$/, "") })))
  );
}

/** Pairs of neighbours that {@linkcode swapNeighbours} exchanges. */
const swaps = 3;

/**
 * Exchanges three pairs of neighbouring words that share no word; the first word stays.
 *
 * @returns The words, or null where three such pairs of different words were not found.
 */
export function swapNeighbours(words: readonly string[], random: RandomStream): string[] | null {
  const result = [...words];
  const moved = new Set<number>();
  for (const index of random.permutation(Math.max(0, words.length - 2))) {
    const left = index + 1;
    if (moved.has(left) || moved.has(left + 1) || words[left] === words[left + 1]) continue;
    moved.add(left).add(left + 1);
    [result[left], result[left + 1]] = [words[left + 1]!, words[left]!];
    if (moved.size === 2 * swaps) return result;
  }
  return null;
}

/** Words that {@linkcode reorderRun} moves. */
const runLength = 5;

/**
 * Puts five words in a row in another order, so that none keeps its place; the first word stays.
 *
 * @returns The words, or null where fewer than six words were given or a word comes twice in the run.
 */
export function reorderRun(words: readonly string[], random: RandomStream): string[] | null {
  const starts = words.length - runLength;
  if (starts < 1) return null;
  const start = 1 + random.int(starts);
  const run = words.slice(start, start + runLength);
  if (new Set(run).size < runLength) return null;
  let order = random.permutation(runLength);
  while (order.some((from, to) => from === to)) order = random.permutation(runLength);
  return words.toSpliced(start, runLength, ...order.map((from) => run[from]!));
}

const disorders = [swapNeighbours, reorderRun] as const;

function buildSplit(texts: readonly BrownText[], size: number, random: RandomStream): TaskTable {
  // Inner punctuation goes, since words around it would give a disorder away.
  const pool = shuffle(plainSentences(texts), random.fork("order")).filter((sentence) =>
    isUsableText(brownText(sentence), minWords, maxWords) &&
    sentence.slice(0, -1).every(({ tag }) => /^[a-z]/.test(tag))
  );
  const draws = random.fork("disorder");
  const used = new Set<string>();
  const rows: string[][] = [];
  for (const sentence of pool) {
    if (rows.length === size) break;
    const text = brownText(sentence);
    if (used.has(text)) continue;
    const words = sentence.slice(0, -1).map(({ word }) => word);
    // Every sentence is disordered, so that intact ones are such that could have been.
    const disorder = disorders[Math.floor(rows.length / 2) % disorders.length]!;
    const disordered = disorder(words, draws);
    if (disordered === null) continue;
    used.add(text);
    rows.push(rows.length % 2 === 0 ? [text, "1"] : [`${disordered.join(" ")}.`, "0"]);
  }
  if (rows.length !== size) {
    throw new RangeError(
      `Cannot build ${size} rows of "Acceptability": the texts give ${rows.length}, ` +
        `so ask for fewer rows or give more texts`,
    );
  }
  return { columns: ["sentence", "label"], rows: shuffle(rows, random.fork("rows")) };
}

/**
 * Builds the task from the Brown corpus: sentences of 7 to 16 words without inner punctuation, half of
 * them disordered: every other time three pairs of neighbours are exchanged, else a run of five words
 * is put in another order.
 *
 * @throws {RangeError} If the texts give too few sentences.
 */
export function buildAcceptability(
  texts: readonly BrownText[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const build = (split: SplitName): TaskTable =>
    buildSplit(
      texts.filter(({ name }) => isHeldOut("brown", name) === (split === "dev")),
      sizes[split],
      random.fork(split),
    );
  return { name: "Acceptability", train: build("train"), dev: build("dev") };
}
