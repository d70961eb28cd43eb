/**
 * The task `Acceptability`: is a sentence as its author wrote it, or are some of its words out of order?
 *
 * The kind of task is that of CoLA (Warstadt et al. 2019): one sentence, two classes.
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import type { Document } from "../corpora/document.ts";
import { isHeldOut } from "../hold_out.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

const minWords = 7;
const maxWords = 16;

/**
 * The words of a whole declarative sentence without punctuation but the full stop, and without words in capitals, which
 * headings have; null for other texts.
 *
 * Inner punctuation rules a sentence out, since the words around it would give a disorder away.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { plainWords } from "./acceptability.ts";
 * assertEquals(plainWords("It wasn't well-known."), ["It", "wasn't", "well-known"]);
 * assertEquals(plainWords("He left, of course."), null);
 * ```
 */
export function plainWords(sentence: string): readonly string[] | null {
  if (!/^[A-Z].*\.$/.test(sentence)) return null;
  const words = sentence.slice(0, -1).split(" ");
  const isPlain = words.every((word) =>
    /^[A-Za-z]+(?:['-][A-Za-z]+)*$/.test(word) && !/^[A-Z]{2}/.test(word)
  );
  return isPlain ? words : null;
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

/**
 * The sentences of the documents in a random order. Each draw takes a source at random first, so that the source with
 * most text does not dominate, and a sentence's place tells nothing about its source.
 */
function drawSentences(documents: readonly Document[], random: RandomStream): string[] {
  const order = random.fork("order");
  let queues = [...Map.groupBy(documents, ({ source }) => source)].map(([source, own]) =>
    shuffle(own.flatMap(({ sentences }) => sentences), order.fork(source))
  );
  const draws = random.fork("sources");
  const drawn: string[] = [];
  while ((queues = queues.filter((queue) => queue.length > 0)).length > 0) {
    drawn.push(queues[draws.int(queues.length)]!.pop()!);
  }
  return drawn;
}

function buildSplit(documents: readonly Document[], size: number, random: RandomStream): TaskTable {
  const plain = documents.map((document) => ({
    ...document,
    sentences: document.sentences.filter((sentence) =>
      isUsableText(sentence, minWords, maxWords) && plainWords(sentence) !== null
    ),
  }));
  const draws = random.fork("disorder");
  const used = new Set<string>();
  const rows: string[][] = [];
  for (const text of drawSentences(plain, random)) {
    if (rows.length === size) break;
    if (used.has(text)) continue;
    const words = plainWords(text)!;
    // Every sentence is disordered, so that intact ones are such that could have been.
    const disorder = disorders[Math.floor(rows.length / 2) % disorders.length]!;
    const disordered = disorder(words, draws);
    if (disordered === null) continue;
    used.add(text);
    rows.push(rows.length % 2 === 0 ? [text, "1"] : [`${disordered.join(" ")}.`, "0"]);
  }
  if (rows.length !== size) {
    throw new RangeError(
      `Cannot build ${size} rows of "Acceptability": the documents give ${rows.length}, ` +
        `so ask for fewer rows or give more documents`,
    );
  }
  return { columns: ["sentence", "label"], rows: shuffle(rows, random.fork("rows")) };
}

/**
 * Builds the task from books, the World Factbook and addresses: sentences of 7 to 16 words without inner punctuation,
 * half of them disordered: every other time three pairs of neighbours are exchanged, else a run of five words is put in
 * another order.
 *
 * @throws {RangeError} If the documents give too few sentences.
 */
export function buildAcceptability(
  documents: readonly Document[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  const build = (split: SplitName): TaskTable =>
    buildSplit(
      documents.filter(({ source, name }) => isHeldOut(source, name) === (split === "dev")),
      sizes[split],
      random.fork(split),
    );
  return { name: "Acceptability", train: build("train"), dev: build("dev") };
}
