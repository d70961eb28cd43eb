/**
 * The pair tasks made of the State of the Union addresses: `Later` and `YearsApart`.
 *
 * English changed over more than two centuries of addresses, and so did their subjects; the tasks ask
 * how a sentence of one address lies in time to one of another.
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

const minWords = 10;
const maxWords = 24;

/** An address's year and its sentences that a task can show. */
export interface DatedSentences {
  readonly year: number;
  readonly sentences: readonly string[];
}

/**
 * The sentences of an address that have 10 to 24 words and name no year.
 *
 * @throws {SyntaxError} If the address's name does not begin with a year.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { datedSentences } from "./addresses.ts";
 * const text = "We end this year with more in the treasury than we began it.";
 * const sentences = [text, text.replace("this year", "1790"), "We agreed!"];
 * assertEquals(datedSentences({ source: "sotu", name: "1790_george_washington_n", sentences }), {
 *   year: 1790,
 *   sentences: [text],
 * });
 * ```
 */
export function datedSentences(address: Document): DatedSentences {
  const year = Number(/^\d{4}(?=_)/.exec(address.name)?.[0] ?? "NaN");
  if (Number.isNaN(year)) {
    throw new SyntaxError(
      `Cannot date the address "${address.name}": a name such as "1790_george_washington_n" is wanted`,
    );
  }
  const sentences = address.sentences.filter((sentence) =>
    isUsableText(sentence, minWords, maxWords) && !/\d{4}/.test(sentence)
  );
  return { year, sentences: [...new Set(sentences)] };
}

/** Two sentences and the years that the second is later than the first. */
interface DatedPair {
  readonly first: string;
  readonly second: string;
  readonly years: number;
}

/**
 * Draws pairs of sentences from two random addresses each until `accept` has taken `size` of them.
 *
 * @param accept Whether two addresses so many years apart may give the pair of this index.
 * @throws {RangeError} If the addresses give too few.
 */
function drawPairs(
  task: string,
  addresses: readonly Document[],
  size: number,
  random: RandomStream,
  accept: (years: number, index: number) => boolean,
): DatedPair[] {
  const used = new Set<string>();
  const queues = addresses.map((address) => {
    const { year, sentences } = datedSentences(address);
    return { year, left: shuffle(sentences, random.fork(address.name)) };
  }).filter(({ left }) => left.length > 0);
  const draws = random.fork("pairs");
  const pairs: DatedPair[] = [];
  for (let attempt = 0; attempt < 100 * size && queues.length > 0; attempt++) {
    if (pairs.length === size) break;
    const first = queues[draws.int(queues.length)]!;
    const second = queues[draws.int(queues.length)]!;
    const years = second.year - first.year;
    if (!accept(years, pairs.length) || first === second) continue;
    const take = (left: string[]) => {
      let sentence = left.pop();
      while (sentence !== undefined && used.has(sentence)) sentence = left.pop();
      return sentence;
    };
    const [one, other] = [take(first.left), take(second.left)];
    if (one === undefined || other === undefined || one === other) continue;
    used.add(one).add(other);
    pairs.push({ first: one, second: other, years });
  }
  if (pairs.length < size) {
    throw new RangeError(
      `Cannot build ${size} rows of "${task}": the addresses give ${pairs.length}, ` +
        `so ask for fewer rows or give more addresses`,
    );
  }
  return pairs;
}

function buildPairs(
  task: string,
  target: string,
  addresses: readonly Document[],
  sizes: SplitSizes,
  random: RandomStream,
  accept: (years: number, index: number) => boolean,
  targetOf: (years: number) => string,
): BuiltTask {
  const build = (split: SplitName): TaskTable => {
    const units = addresses.filter(({ name }) => isHeldOut("sotu", name) === (split === "dev"));
    const draws = random.fork(split);
    const rows = drawPairs(task, units, sizes[split], draws, accept)
      .map(({ first, second, years }) => [first, second, targetOf(years)]);
    return { columns: ["sentence1", "sentence2", target], rows: shuffle(rows, draws.fork("rows")) };
  };
  return { name: task, train: build("train"), dev: build("dev") };
}

/** Years that lie at least between the two addresses of a row of `Later`. */
export const laterGapYears = 40;

/**
 * Builds `Later`: two sentences of addresses at least 40 years apart, label 1 where the second is later.
 *
 * @throws {RangeError} If the addresses give too few pairs.
 */
export function buildLater(
  addresses: readonly Document[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  return buildPairs(
    "Later",
    "label",
    addresses,
    sizes,
    random,
    (years, index) => Math.abs(years) >= laterGapYears && (years > 0) === (index % 2 === 0),
    (years) => years > 0 ? "1" : "0",
  );
}

/** Years by which the second address is later that give the score 5 in `YearsApart`; 0 years give 2.5. */
export const fullScoreYears = 250;

/**
 * Builds `YearsApart`: two sentences of addresses, and by how many years the second is later, as a score
 * from 0 (250 years earlier) over 2.5 (the same year) to 5 (250 years later).
 *
 * @throws {RangeError} If the addresses give too few pairs.
 */
export function buildYearsApart(
  addresses: readonly Document[],
  sizes: SplitSizes,
  random: RandomStream,
): BuiltTask {
  return buildPairs(
    "YearsApart",
    "score",
    addresses,
    sizes,
    random,
    () => true,
    (years) => (2.5 + (2.5 * years) / fullScoreYears).toFixed(2),
  );
}
