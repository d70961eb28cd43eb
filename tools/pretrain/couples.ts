/**
 * Couples of texts to compare: what follows, what shares rare words, what was edited or cut, what has nothing to do with it.
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";
import { edited, type EditedText, type Lexicon, paraphrased } from "./edits.ts";
import type { Passage } from "./passages.ts";

/** Two texts. */
export interface Couple {
  readonly first: EditedText;
  readonly second: EditedText;
}

/** How the second text of a couple comes from the first. */
export type CoupleKind = "next" | "edited" | "paraphrased" | "similar" | "part" | "random";

/** The chances of the kinds, in turn up to the last. */
const kinds: readonly { readonly until: number; readonly kind: CoupleKind }[] = [
  { until: 0.15, kind: "next" },
  { until: 0.5, kind: "edited" },
  { until: 0.6, kind: "paraphrased" },
  { until: 0.8, kind: "similar" },
  { until: 0.9, kind: "part" },
  { until: 1, kind: "random" },
];

/** Words in more passages than this say too little of what a passage is about. */
const mostPassages = 300;

/** Rare words of a passage by which similar ones are found. */
const rareWords = 4;

/** Passages, and by which words one is found. */
export interface PassageIndex {
  readonly passages: readonly Passage[];
  /** The rarest words of each passage that others have too. */
  readonly wordsOf: readonly (readonly number[])[];
  /** The passages that have a word among their rarest. */
  readonly having: ReadonlyMap<number, readonly number[]>;
}

/** Finds the words by which passages are found. */
export function indexPassages(passages: readonly Passage[]): PassageIndex {
  const found = new Map<number, number>();
  for (const { ids } of passages) {
    for (const id of new Set(ids)) found.set(id, (found.get(id) ?? 0) + 1);
  }
  const useful = (id: number) => found.get(id)! > 1 && found.get(id)! <= mostPassages;
  const wordsOf = passages.map(({ ids }) =>
    [...new Set(ids)].filter(useful)
      .sort((a, b) => found.get(a)! - found.get(b)! || a - b)
      .slice(0, rareWords)
  );
  const having = new Map<number, number[]>();
  wordsOf.forEach((words, passage) => {
    for (const word of words) {
      const list = having.get(word);
      if (list === undefined) having.set(word, [passage]);
      else list.push(passage);
    }
  });
  return { passages, wordsOf, having };
}

function whole({ ids }: Passage): EditedText {
  return { ids, changed: ids.map(() => 0) };
}

/** Another passage that shares a rare word; null where there is none. */
function similarTo(index: PassageIndex, at: number, stream: RandomStream): number | null {
  const words = index.wordsOf[at]!;
  if (words.length === 0) return null;
  const others = index.having.get(words[stream.int(words.length)]!)!.filter((i) => i !== at);
  return others.length === 0 ? null : others[stream.int(others.length)]!;
}

/**
 * The couple that begins with a passage.
 *
 * @param at Which passage.
 */
export function makeCouple(
  index: PassageIndex,
  at: number,
  lexicon: Lexicon,
  stream: RandomStream,
): Couple {
  const { passages } = index;
  const passage = passages[at]!;
  const drawn = stream.next();
  const { kind } = kinds.find(({ until }) => drawn < until)!;
  const first = whole(passage);
  const other = () => whole(passages[stream.int(passages.length)]!);
  if (kind === "edited") return { first, second: edited(passage.ids, lexicon, stream) };
  if (kind === "paraphrased") return { first, second: paraphrased(passage.ids, lexicon, stream) };
  if (kind === "part" && passage.ids.length >= 8) {
    const size = Math.ceil(passage.ids.length * (0.3 + 0.5 * stream.next()));
    const from = stream.int(passage.ids.length - size + 1);
    return { first, second: whole({ ...passage, ids: passage.ids.slice(from, from + size) }) };
  }
  if (kind === "next") {
    const next = passages[at + 1];
    return { first, second: next?.document === passage.document ? whole(next) : other() };
  }
  const similar = kind === "similar" ? similarTo(index, at, stream) : null;
  return { first, second: similar === null ? other() : whole(passages[similar]!) };
}

/** A padded batch of couples: all first texts, then all second ones, then the two of each couple as a pair. */
export interface CoupleBatch {
  readonly couples: number;
  /** Texts: three times the couples. */
  readonly size: number;
  /** Padded length in tokens. */
  readonly length: number;
  /** `[size, length]`. */
  readonly ids: Int32Array;
  readonly types: Int32Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: Float32Array;
  /** 1 for a token that an edit changed, by place. */
  readonly changed: Int32Array;
  /** 1 for a token of a single text, of which it is judged whether it was changed, by place. */
  readonly judged: Float32Array;
  /** Tokens that are not padding. */
  readonly tokens: number;
}

/** Ids of the tokens that templates have. */
export interface TemplateIds {
  readonly pad: number;
  readonly cls: number;
  readonly sep: number;
}

/** Puts couples into a batch, by BERT's templates. */
export function batchCouples(
  couples: readonly Couple[],
  { pad, cls, sep }: TemplateIds,
): CoupleBatch {
  const text = (parts: readonly EditedText[], isJudged: boolean) => ({
    ids: [cls, ...parts.flatMap(({ ids }) => [...ids, sep])],
    changed: [0, ...parts.flatMap(({ changed }) => [...changed, 0])],
    boundary: 2 + parts[0]!.ids.length,
    isJudged,
  });
  const texts = [
    ...couples.map(({ first }) => text([first], true)),
    ...couples.map(({ second }) => text([second], true)),
    ...couples.map(({ first, second }) => text([first, second], false)),
  ];
  const size = texts.length;
  const length = Math.ceil(Math.max(...texts.map(({ ids }) => ids.length)) / 8) * 8;
  const places = size * length;
  const batch = {
    ids: new Int32Array(places).fill(pad),
    types: new Int32Array(places),
    mask: new Float32Array(places),
    changed: new Int32Array(places),
    judged: new Float32Array(places),
  };
  let tokens = 0;
  texts.forEach(({ ids, changed, boundary, isJudged }, i) => {
    tokens += ids.length;
    ids.forEach((id, j) => {
      const at = i * length + j;
      batch.ids[at] = id;
      batch.types[at] = j >= boundary ? 1 : 0;
      batch.mask[at] = 1;
      batch.changed[at] = changed[j]!;
      batch.judged[at] = isJudged ? 1 : 0;
    });
  });
  return { couples: couples.length, size, length, ...batch, tokens };
}

/**
 * The passages that begin the couples of one epoch's batches: shuffled, with similar lengths together.
 *
 * @param lengths Of each passage.
 * @param stream The epoch's own.
 */
export function epochOrder(
  lengths: readonly number[],
  batchSize: number,
  stream: RandomStream,
): readonly (readonly number[])[] {
  const shuffled = stream.fork("passages").permutation(lengths.length);
  const chunk = batchSize * 50;
  const batches: number[][] = [];
  for (let at = 0; at < shuffled.length; at += chunk) {
    const near = shuffled.slice(at, at + chunk).sort((a, b) => lengths[a]! - lengths[b]!);
    for (let i = 0; i + batchSize <= near.length; i += batchSize) {
      batches.push(near.slice(i, i + batchSize));
    }
  }
  return stream.fork("batches").permutation(batches.length).map((i) => batches[i]!);
}
