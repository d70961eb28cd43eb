/**
 * Ways to make a tagged English sentence unacceptable by one small change.
 *
 * Each way names the places of a sentence where it applies and makes the change there. The ways that
 * swap one form for another come in both directions, so that neither form gives the label away.
 *
 * @module
 */
import type { TaggedWord } from "../corpora/brown.ts";

/** A sentence whose tags have no title or headline suffixes. */
export type Sentence = readonly TaggedWord[];

/** One way to corrupt a sentence. */
export interface Corruption {
  readonly name: string;
  /** The way that makes the reverse change, if there is one. */
  readonly opposite: string | null;
  /** Indices where the change can be made. */
  readonly sites: (sentence: Sentence) => readonly number[];
  /** The sentence after the change at one of its sites. */
  readonly apply: (sentence: Sentence, site: number) => Sentence;
}

type Test = (tag: string, word: string) => boolean;

/** `replacement` with a capital where `original` has one. */
export function matchCase(replacement: string, original: string): string {
  const isCapital = /^[A-Z]/.test(original) && original !== "I";
  return isCapital ? replacement.charAt(0).toUpperCase() + replacement.slice(1) : replacement;
}

function sitesWhere(test: (sentence: Sentence, index: number) => boolean): Corruption["sites"] {
  return (sentence) => Array.from(sentence.keys()).filter((index) => test(sentence, index));
}

function isAt(sentence: Sentence, index: number, test: Test): boolean {
  const word = sentence[index];
  return word !== undefined && test(word.tag, word.word.toLowerCase());
}

const tagIn = (...tags: readonly string[]): Test => (tag) => tags.includes(tag);
const isVerb = tagIn(
  "vbd",
  "vbz",
  "vb",
  "md",
  "bedz",
  "bed",
  "bez",
  "ber",
  "bem",
  "hvd",
  "hvz",
  "hv",
);
const isFinite = tagIn("vbd", "vbz", "md", "bedz", "bed", "bez", "ber", "hvd", "hvz");
/** Words after which "were" may stand with any subject. */
const unreal = new Set(["if", "though", "wish", "wishes", "wished", "unless"]);

/** Replaces one word where a test on it and its neighbours holds. */
function replacing(
  name: string,
  replacements: Readonly<Record<string, string>>,
  here: Test,
  before: Test = () => true,
  after: Test = () => true,
): Corruption {
  return {
    name,
    opposite: name.split("-").reverse().join("-"),
    sites: sitesWhere((sentence, i) =>
      Object.hasOwn(replacements, sentence[i]!.word.toLowerCase()) && isAt(sentence, i, here) &&
      (i === 0 ? before("", "") : isAt(sentence, i - 1, before)) && isAt(sentence, i + 1, after)
    ),
    apply: (sentence, site) =>
      sentence.map((word, i) =>
        i === site
          ? { ...word, word: matchCase(replacements[word.word.toLowerCase()]!, word.word) }
          : word
      ),
  };
}

/** Swaps a word with the next where both tags fit one of the pairs. */
function swapping(name: string, pairs: readonly (readonly [Test, Test])[]): Corruption {
  return {
    name,
    opposite: null,
    sites: sitesWhere((sentence, i) =>
      pairs.some(([left, right]) => isAt(sentence, i, left) && isAt(sentence, i + 1, right)) &&
      sentence[i]!.word.toLowerCase() !== sentence[i + 1]!.word.toLowerCase()
    ),
    apply: (sentence, site) => {
      const words = [...sentence];
      const left = sentence[site]!;
      const right = sentence[site + 1]!;
      const isProper = left.tag.startsWith("np") || left.word === "I";
      words[site] = { ...right, word: site === 0 ? matchCase(right.word, left.word) : right.word };
      words[site + 1] = site === 0 && !isProper ? { ...left, word: left.word.toLowerCase() } : left;
      return words;
    },
  };
}

/** Leaves a word out where tests on its neighbours and itself hold. */
function dropping(name: string, before: Test, here: Test, after: Test): Corruption {
  return {
    name,
    opposite: null,
    sites: sitesWhere((sentence, i) =>
      i > 0 && isAt(sentence, i - 1, before) && isAt(sentence, i, here) &&
      isAt(sentence, i + 1, after)
    ),
    apply: (sentence, site) => sentence.filter((_, i) => i !== site),
  };
}

// deno-fmt-ignore
const irregularPasts: Readonly<Record<string, string>> = {
  say: "said",
  go: "went",
  take: "took",
  make: "made",
  come: "came",
  see: "saw",
  know: "knew",
  get: "got",
  give: "gave",
  find: "found",
  think: "thought",
  tell: "told",
  leave: "left",
  feel: "felt",
  begin: "began",
  keep: "kept",
  hold: "held",
  bring: "brought",
  stand: "stood",
  run: "ran",
  write: "wrote",
  sit: "sat",
  hear: "heard",
  meet: "met",
  lead: "led",
  speak: "spoke",
  fall: "fell",
  lose: "lost",
  send: "sent",
  spend: "spent",
  grow: "grew",
  draw: "drew",
  teach: "taught",
  build: "built",
  buy: "bought",
  catch: "caught",
  choose: "chose",
  drive: "drove",
  eat: "ate",
  fight: "fought",
  rise: "rose",
  seek: "sought",
  sell: "sold",
  win: "won",
};

/** Base forms and past forms of verbs, both ways, from irregular verbs and attested regular ones. */
export interface VerbForms {
  readonly pastOf: Readonly<Record<string, string>>;
  readonly baseOf: Readonly<Record<string, string>>;
}

/** The verb forms that a tagged corpus attests: `walk`, `vb` with `walked`, `vbd`. */
export function collectVerbForms(sentences: Iterable<Sentence>): VerbForms {
  const bases = new Set<string>();
  const pasts = new Set<string>();
  for (const sentence of sentences) {
    for (const { word, tag } of sentence) {
      if (tag === "vb") bases.add(word.toLowerCase());
      else if (tag === "vbd") pasts.add(word.toLowerCase());
    }
  }
  const pairs = Object.entries(irregularPasts);
  for (const base of bases) {
    if (Object.hasOwn(irregularPasts, base)) continue;
    const past = base.endsWith("e")
      ? `${base}d`
      : /[^aeiou]y$/.test(base)
      ? `${base.slice(0, -1)}ied`
      : `${base}ed`;
    if (pasts.has(past)) pairs.push([base, past]);
  }
  return {
    pastOf: Object.fromEntries(pairs),
    baseOf: Object.fromEntries(pairs.map(([base, past]) => [past, base])),
  };
}

/** A group of corruptions that gets an equal share of the rows. */
export type CorruptionGroup = readonly Corruption[];

/**
 * All corruptions, in groups: the verb's agreement, determiners, pronouns, verb forms, word order,
 * missing words, misplaced words.
 */
export function corruptionGroups(forms: VerbForms): readonly CorruptionGroup[] {
  const thirdPerson = tagIn("pps", "np", "nn");
  const wasWere = replacing("was-were", { was: "were" }, tagIn("bedz"), thirdPerson);
  const plural: Test = (tag, word) =>
    tag === "nns" || ["we", "they", "these", "those"].includes(word);
  const noun = tagIn("nn");
  const isPreposition = tagIn("in");
  return [
    [
      {
        ...wasWere,
        sites: (sentence) =>
          sentence.some(({ word }) => unreal.has(word.toLowerCase()))
            ? []
            : wasWere.sites(sentence),
      },
      replacing("were-was", { were: "was" }, tagIn("bed"), plural),
      replacing("is-are", { is: "are" }, tagIn("bez"), thirdPerson),
      replacing("are-is", { are: "is" }, tagIn("ber"), plural),
      replacing("has-have", { has: "have" }, tagIn("hvz"), thirdPerson),
      replacing("have-has", { have: "has" }, tagIn("hv"), plural),
    ],
    [
      replacing("this-these", { this: "these", that: "those" }, tagIn("dt"), undefined, noun),
      replacing(
        "these-this",
        { these: "this", those: "that" },
        tagIn("dts"),
        undefined,
        tagIn("nns"),
      ),
    ],
    [
      replacing(
        "he-him",
        { he: "him", she: "her", i: "me", we: "us", they: "them" },
        tagIn("pps", "ppss"),
        (tag) => ["", ",", "cs", "cc"].includes(tag),
        isFinite,
      ),
      replacing(
        "him-he",
        { him: "he", me: "I", us: "we", them: "they", her: "she" },
        tagIn("ppo"),
        (tag, word) => (tag === "in" && word !== "than" && word !== "like") || tag === "vbd",
        (tag) => ["in", ".", ",", "rp", "rb", "cc", "to"].includes(tag),
      ),
    ],
    [
      replacing("go-went", forms.pastOf, tagIn("vb"), (tag) => tag === "to" || tag === "md"),
      replacing("went-go", forms.baseOf, tagIn("vbd"), (tag) => tag === "pps" || tag === "np"),
    ],
    [
      swapping("swap", [
        [tagIn("at", "pp$"), tagIn("nn", "nns", "jj")],
        [isPreposition, tagIn("at", "pp$")],
        [tagIn("to", "md"), tagIn("vb", "be")],
        [tagIn("jj"), tagIn("nn", "nns")],
        [tagIn("bedz", "bed", "bez", "ber", "hvd", "hvz"), tagIn("vbn", "ben", "vbg")],
        [tagIn("ppss"), tagIn("vbd", "md", "vb")],
      ]),
    ],
    [
      dropping(
        "drop-of",
        tagIn("nn", "nns"),
        (tag, word) => tag === "in" && word === "of",
        tagIn("at", "pp$"),
      ),
      dropping("drop-to", tagIn("vbd", "vbn", "jj", "vb"), tagIn("to"), tagIn("vb", "be")),
      dropping(
        "drop-be",
        tagIn("pps", "nn", "nns"),
        tagIn("bedz", "bed", "bez", "ber"),
        tagIn("at", "vbg", "jj"),
      ),
      dropping("drop-a", isPreposition, (_, word) => word === "a" || word === "an", tagIn("jj")),
    ],
    [{
      name: "misplace",
      opposite: null,
      sites: sitesWhere((sentence, i) =>
        i > 0 && i + 4 < sentence.length &&
        isAt(sentence, i, (tag, word) =>
          isVerb(tag, word) || ["in", "at", "nn", "pp$"].includes(tag)) &&
        sentence.slice(i + 1, i + 4).every(({ tag }) =>
          /^[a-z]/.test(tag)
        ) &&
        sentence[i + 3]!.tag !== sentence[i]!.tag
      ),
      apply: (sentence, site) => {
        const words = sentence.filter((_, i) => i !== site);
        words.splice(site + 3, 0, sentence[site]!);
        return words;
      },
    }],
  ];
}
