/**
 * The task `Acceptability`: is a sentence as its author wrote it, or was one small thing broken?
 *
 * The kind of task is that of CoLA (Warstadt et al. 2019): one sentence, two classes.
 *
 * @module
 */
import type { RandomStream } from "../../base/random.ts";
import { type BrownText, brownText } from "../corpora/brown.ts";
import { isHeldOut } from "../hold_out.ts";
import {
  collectVerbForms,
  type Corruption,
  corruptionGroups,
  type Sentence,
} from "./corruption.ts";
import {
  type BuiltTask,
  isUsableText,
  shuffle,
  type SplitName,
  type SplitSizes,
  type TaskTable,
} from "./rows.ts";

const minWords = 5;
const maxWords = 18;

/** Whole declarative sentences of running text, with plain tags; headlines and foreign words go. */
export function plainSentences(texts: readonly BrownText[]): Sentence[] {
  return texts.flatMap((text) =>
    text.sentences.filter((sentence) =>
      sentence.every(({ tag }) => !/-(hl|nc)$|^fw-|[*+]/.test(tag)) &&
      /^[A-Z]/.test(sentence[0]?.word ?? "") && sentence.at(-1)?.word === "."
    ).map((sentence) => sentence.map(({ word, tag }) => ({ word, tag: tag.replace(/-tl$/, "") })))
  );
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function buildSplit(
  texts: readonly BrownText[],
  verbs: readonly BrownText[],
  size: number,
  random: RandomStream,
): TaskTable {
  const groups = corruptionGroups(collectVerbForms(plainSentences(verbs)));
  const ways = groups.flatMap((group) =>
    group.map((corruption) => ({ corruption, share: 1 / (groups.length * group.length) }))
  );
  const pool = shuffle(plainSentences(texts), random.fork("order")).filter((sentence) =>
    isUsableText(brownText(sentence), minWords, maxWords)
  );
  const count = ({ sites }: Corruption) => pool.filter((s) => sites(s).length > 0).length;
  const found = new Map(ways.map(({ corruption }) => [corruption.name, count(corruption)]));
  // Opposite ways get as many rows each; scarce ways choose before common ones use up their sentences.
  const ordered = ways.map((way) => {
    const { name, opposite } = way.corruption;
    return { ...way, limit: Math.min(found.get(name)!, found.get(opposite ?? name)!) };
  }).sort((a, b) => a.limit / a.share - b.limit / b.share);
  const used = new Set<string>();
  const rows: string[][] = [];
  let left = size;
  let shareLeft = 1;
  for (const { corruption, share, limit } of ordered) {
    const wanted = 2 * Math.floor(Math.min(Math.round((left * share) / shareLeft), limit) / 2);
    const draws = random.fork(corruption.name);
    const free = pool.filter((s) => corruption.sites(s).length > 0 && !used.has(brownText(s)));
    const chosen = free.slice(0, Math.min(wanted, 2 * Math.floor(free.length / 2)));
    chosen.forEach((sentence, index) => {
      const text = brownText(sentence);
      used.add(text);
      const sites = corruption.sites(sentence);
      const site = sites[draws.int(sites.length)]!;
      const isCorrupt = index % 2 === 1;
      const shown = isCorrupt ? capitalise(brownText(corruption.apply(sentence, site))) : text;
      rows.push([shown, isCorrupt ? "0" : "1"]);
    });
    left -= chosen.length;
    shareLeft -= share;
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
 * Builds the task from the Brown corpus: sentences of 5 to 18 words, half of them corrupted. For each
 * way of corruption as many sentences that it could have corrupted stay as they are.
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
      texts,
      sizes[split],
      random.fork(split),
    );
  return { name: "Acceptability", train: build("train"), dev: build("dev") };
}
