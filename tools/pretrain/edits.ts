/**
 * Texts with words that were replaced, moved, left out or added, and which places show it: what an encoder has to find out to learn
 * grammar (after the replaced tokens of Clark et al., arXiv 2003.10555, section 2).
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";

/** What is known of the pieces of a vocabulary. */
export interface Lexicon {
  /** Whether a piece goes on with a word that began before it. */
  readonly continues: (id: number) => boolean;
  /** Another form of the word, or another word of its small class, such as `was` for `were`. */
  readonly forms: ReadonlyMap<number, readonly number[]>;
  /** Words of the same meaning. */
  readonly synonyms: ReadonlyMap<number, readonly number[]>;
  /** Words as often as a text has them, to draw from. */
  readonly words: readonly number[];
}

/** A text with its edits. */
export interface EditedText {
  readonly ids: readonly number[];
  /** 1 where a piece was replaced, moved or added, and where one follows what was left out. */
  readonly changed: readonly number[];
}

/** Small classes of English words, any of which makes a sentence wrong in most places where another one stands. */
const smallClasses: readonly string[] = [
  "is are was were be been being am",
  "has have had having",
  "do does did done doing",
  "he him his himself she her hers herself",
  "they them their theirs themselves it its itself",
  "i me my myself we us our ourselves you your yours yourself",
  "who whom whose which what that",
  "this these",
  "a an the",
  "some any every each no all both",
  "many much few little more most less",
  "in on at to of for from with by about into over under",
  "will would can could may might shall should must",
  "and or but nor",
  "because if although unless whether while than as",
  "not never ever",
  "there here where when how why",
];

const endings = ["ing", "ed", "es", "ly", "er", "est", "s", "d", "e"] as const;

function stemOf(word: string): string {
  const ending = endings.find((end) => word.endsWith(end) && word.length - end.length >= 3);
  const stem = ending === undefined ? word : word.slice(0, -ending.length);
  // "stopped" and "stop" are forms of one word.
  return /([bdgklmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
}

/**
 * What a vocabulary knows of its words.
 *
 * @param pieces Pieces by id.
 * @param counts How often each id occurs in the corpora, `[vocabulary]`.
 * @param synsets Words of the same meaning, as WordNet lists them.
 * @param firstOrdinary Ids below this one are special.
 */
export function makeLexicon(
  pieces: readonly string[],
  counts: ArrayLike<number>,
  synsets: readonly (readonly string[])[],
  firstOrdinary: number,
): Lexicon {
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const isWord = (id: number) => id >= firstOrdinary && /^[a-z]+$/.test(pieces[id]!);
  const words = pieces.map((_, id) => id).filter(isWord);
  const forms = new Map<number, number[]>();
  const join = (group: readonly number[], into: Map<number, number[]>) => {
    for (const id of group) {
      const others = group.filter((other) => other !== id);
      if (others.length > 0) {
        into.set(id, [...new Set([...into.get(id) ?? [], ...others])]);
      }
    }
  };
  const known = (list: readonly string[]) =>
    list.flatMap((word) => ids.has(word) ? [ids.get(word)!] : []);
  for (const line of smallClasses) join(known(line.split(" ")), forms);
  const inSmall = new Set(forms.keys());
  const longer = words.filter((id) => pieces[id]!.length >= 3 && !inSmall.has(id));
  for (const group of Map.groupBy(longer, (id) => stemOf(pieces[id]!)).values()) join(group, forms);
  const synonyms = new Map<number, number[]>();
  for (const lemmas of synsets) join([...new Set(known(lemmas))], synonyms);
  // Flattened by the root, so that rare words are drawn too.
  const drawn = words.flatMap((id) =>
    Array.from({ length: Math.ceil(Math.sqrt((counts[id] ?? 0) + 1)) }, () => id)
  );
  return {
    continues: (id) => pieces[id]!.startsWith("##"),
    forms,
    synonyms,
    words: drawn,
  };
}

/** A word of a text while it is edited. */
interface Word {
  readonly ids: readonly number[];
  readonly changed: boolean;
}

function wordsOf(ids: readonly number[], { continues }: Lexicon): Word[] {
  const words: number[][] = [];
  for (const id of ids) {
    if (continues(id) && words.length > 0) words.at(-1)!.push(id);
    else words.push([id]);
  }
  return words.map((own) => ({ ids: own, changed: false }));
}

function pick<T>(list: readonly T[], stream: RandomStream): T {
  return list[stream.int(list.length)]!;
}

/** A word in place of another; null where the lexicon has none. */
function otherWord(
  { ids }: Word,
  from: ReadonlyMap<number, readonly number[]>,
  stream: RandomStream,
): readonly number[] | null {
  const others = ids.length === 1 ? from.get(ids[0]!) : undefined;
  return others === undefined ? null : [pick(others, stream)];
}

/** The chances of the ways to edit, in turn up to the last. */
const ways = [
  { until: 0.4, way: "form" },
  { until: 0.55, way: "replace" },
  { until: 0.7, way: "swap" },
  { until: 0.8, way: "move" },
  { until: 0.9, way: "drop" },
  { until: 1, way: "add" },
] as const;

function editOnce(words: Word[], lexicon: Lexicon, stream: RandomStream): void {
  const drawn = stream.next();
  const { way } = ways.find(({ until }) => drawn < until)!;
  const at = stream.int(words.length);
  const random = (): Word => ({ ids: [pick(lexicon.words, stream)], changed: true });
  const marked = (word: Word): Word => ({ ...word, changed: true });
  if (way === "form") {
    const able = words.keys().filter((i) =>
      words[i]!.ids.length === 1 && lexicon.forms.has(words[i]!.ids[0]!)
    ).toArray();
    if (able.length > 0) {
      const place = pick(able, stream);
      words[place] = { ids: otherWord(words[place]!, lexicon.forms, stream)!, changed: true };
      return;
    }
  }
  if (way === "swap" && at + 1 < words.length) {
    words.splice(at, 2, marked(words[at + 1]!), marked(words[at]!));
  } else if (way === "move" && words.length > 3) {
    const [word] = words.splice(at, 1);
    words.splice(stream.int(words.length), 0, marked(word!));
  } else if (way === "drop" && at + 1 < words.length && words.length > 3) {
    words.splice(at, 2, marked(words[at + 1]!));
  } else if (way === "add") {
    words.splice(at, 0, stream.next() < 0.5 ? random() : marked(words[at]!));
  } else {
    words[at] = random();
  }
}

function textOf(words: readonly Word[]): EditedText {
  return {
    ids: words.flatMap(({ ids }) => ids),
    changed: words.flatMap(({ ids, changed }) => ids.map(() => changed ? 1 : 0)),
  };
}

/** Edits that a text of so many words has at most; each adds a word at most. */
export function mostEdits(words: number): number {
  return 1 + Math.ceil(words / 8);
}

/**
 * A text with one edit for every eight words or so.
 *
 * @param ids Without special tokens; at least one.
 */
export function edited(
  ids: readonly number[],
  lexicon: Lexicon,
  stream: RandomStream,
): EditedText {
  const words = wordsOf(ids, lexicon);
  const count = 1 + stream.int(mostEdits(words.length));
  for (let i = 0; i < count; i++) editOnce(words, lexicon, stream);
  return textOf(words);
}

/** A text with synonyms in place of some of the words that have one; nothing counts as changed. */
export function paraphrased(
  ids: readonly number[],
  lexicon: Lexicon,
  stream: RandomStream,
): EditedText {
  const words = wordsOf(ids, lexicon).map((word) => {
    const other = otherWord(word, lexicon.synonyms, stream);
    return other === null || stream.next() < 0.5 ? word : { ids: other, changed: false };
  });
  return textOf(words);
}
