/**
 * The task `YearsApart`: how a sentence of a State of the Union address lies in time to one of another.
 *
 * English changed over more than two centuries of addresses, and so did their subjects.
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

const minWords = 5;
/** Two sentences of so many words and characters seldom have more than 48 tokens. */
const maxWords = 18;
const maxCharacters = 110;

/** An address's year and its sentences that a task can show. */
export interface DatedSentences {
  readonly year: number;
  readonly sentences: readonly string[];
}

/**
 * The sentences of an address that have 5 to 18 words and 110 characters at most, and name no year.
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
    isUsableText(sentence, minWords, maxWords) && sentence.length <= maxCharacters &&
    !/\d{4}/.test(sentence)
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
 * Draws `size` pairs of sentences from two random addresses each.
 *
 * @throws {RangeError} If the addresses give too few.
 */
function drawPairs(
  addresses: readonly Document[],
  size: number,
  random: RandomStream,
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
    if (first === second) continue;
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
      `Cannot build ${size} rows of "YearsApart": the addresses give ${pairs.length}, ` +
        `so ask for fewer rows or give more addresses`,
    );
  }
  return pairs;
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
  const build = (split: SplitName): TaskTable => {
    const units = addresses.filter(({ name }) => isHeldOut("sotu", name) === (split === "dev"));
    const draws = random.fork(split);
    const rows = drawPairs(units, sizes[split], draws).map(({ first, second, years }) => [
      first,
      second,
      (2.5 + (2.5 * years) / fullScoreYears).toFixed(2),
    ]);
    return {
      columns: ["sentence1", "sentence2", "score"],
      rows: shuffle(rows, draws.fork("rows")),
    };
  };
  return { name: "YearsApart", train: build("train"), dev: build("dev") };
}
