/**
 * The character tables of SentencePiece's normalisers, as fast tokenizers apply them.
 *
 * The package that runs tokenizers has fixed rules in their place, which fit one table only, and that roughly.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import { type CharacterClass, rangesOf } from "./characters.ts";

/** A table: a double-array trie of byte sequences, and the texts that take their place. */
interface Charsmap {
  readonly trie: Uint32Array;
  readonly replacements: Uint8Array;
}

/** Graphemes of more bytes are looked up character by character, as in the `spm_precompiled` crate. */
const maxGraphemeBytes = 5;

/** The longest of Unicode's takes 33. */
const maxReplacementBytes = 256;

const printableAscii = /^[\x20-\x7e]*$/;

/**
 * The function that a table stands for: a grapheme, or else each of its characters, is replaced as a whole by what
 * the shortest key at its start stands for, as in the `Precompiled` normaliser of the `tokenizers` crate.
 *
 * @param bytes The table as it stands in a SentencePiece model: the trie's size in bytes, the trie, the replacements
 * with a zero byte after each.
 * @throws {InputError} If the table is cut off; by the function, if a replacement is longer than any that is in use.
 */
export function charsmapNormalizer(bytes: Uint8Array, fileName: string): (text: string) => string {
  const map = readCharsmap(bytes, fileName);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const lookUp = (part: Uint8Array): string | null => {
    const at = shortestMatch(map.trie, part);
    if (at === null) return null;
    const end = map.replacements.indexOf(0, at);
    const replacement = map.replacements.subarray(at, end < 0 ? undefined : end);
    if (replacement.length <= maxReplacementBytes) return decoder.decode(replacement);
    throw new InputError({
      file: fileName,
      place: "the table of its normaliser",
      found: `a replacement of ${replacement.length} bytes`,
      wanted: `at most ${maxReplacementBytes}`,
    });
  };
  const replaced = (grapheme: string): string => {
    const part = encoder.encode(grapheme);
    const whole = part.length <= maxGraphemeBytes ? lookUp(part) : null;
    if (whole !== null) return whole;
    return Array.from(grapheme, (char) => lookUp(encoder.encode(char)) ?? char).join("");
  };
  const leavesAscii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
    .every((char) => replaced(char) === char);
  return (text) => {
    if (leavesAscii && printableAscii.test(text)) return text;
    return graphemes(text).map(replaced).join("");
  };
}

function readCharsmap(bytes: Uint8Array, fileName: string): Charsmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trieBytes = bytes.length < 4 ? -1 : view.getUint32(0, true);
  if (trieBytes <= 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    throw new InputError({
      doing: "Cannot read the normaliser of",
      file: fileName,
      found: `${bytes.length} bytes with a trie of ${trieBytes}`,
      wanted: "a whole precompiled_charsmap",
      fix: "copy the file anew from where the weights came from",
    });
  }
  const trie = Uint32Array.from(
    { length: trieBytes / 4 },
    (_, i) => view.getUint32(4 + 4 * i, true),
  );
  return { trie, replacements: bytes.subarray(4 + trieBytes) };
}

/**
 * The value of the shortest key that `text` starts with, or null.
 *
 * A unit of the double array holds a label (bits 0–7), whether a value follows (8), and the distance to its children
 * (10–30, times 256 where bit 9 is set); one with bit 31 set holds a value (Darts-clone, `include/darts.h`).
 */
function shortestMatch(trie: Uint32Array, text: Uint8Array): number | null {
  const childrenOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let node = childrenOf(trie[0]!);
  for (const byte of text) {
    node ^= byte;
    const unit = trie[node];
    if (byte === 0 || unit === undefined || (unit & 0x800000ff) !== byte) return null;
    node ^= childrenOf(unit);
    if ((unit & 0x100) !== 0) return (trie[node] ?? 0) & 0x7fffffff;
  }
  return null;
}

/** What the rules tell apart; conjuncts (rule GB9c) split Extend and the letters. */
const kinds = {
  other: 0,
  cr: 1,
  lf: 2,
  control: 3,
  extend: 4,
  nonJoiner: 5,
  linker: 6,
  joiner: 7,
  spacingMark: 8,
  prepend: 9,
  leading: 10,
  vowel: 11,
  trailing: 12,
  openSyllable: 13,
  closedSyllable: 14,
  regional: 15,
  pictograph: 16,
  consonant: 17,
} as const;

/** Hangul and the regional indicators, which never change. */
const fixedRanges: readonly (readonly [number, number, keyof typeof kinds])[] = [
  [0x1100, 0x115f, "leading"],
  [0xa960, 0xa97c, "leading"],
  [0x1160, 0x11a7, "vowel"],
  [0xd7b0, 0xd7c6, "vowel"],
  [0x11a8, 0x11ff, "trailing"],
  [0xd7cb, 0xd7fb, "trailing"],
  [0xac00, 0xd7a3, "closedSyllable"],
  [0x1f1e6, 0x1f1ff, "regional"],
];

const classes: readonly (readonly [CharacterClass, keyof typeof kinds])[] = [
  ["control", "control"],
  ["extend", "extend"],
  ["linker", "linker"],
  ["spacingMark", "spacingMark"],
  ["prepend", "prepend"],
  ["pictographic", "pictograph"],
  ["consonant", "consonant"],
];

function makeKinds(): Uint8Array {
  const made = new Uint8Array(0x110000);
  for (const [name, kind] of classes) {
    for (const [first, last] of rangesOf(name)) made.fill(kinds[kind], first, last + 1);
  }
  for (const [first, last, kind] of fixedRanges) made.fill(kinds[kind], first, last + 1);
  for (let code = 0xac00; code <= 0xd7a3; code += 28) made[code] = kinds.openSyllable;
  made[0x0d] = kinds.cr;
  made[0x0a] = kinds.lf;
  made[0x200c] = kinds.nonJoiner;
  made[0x200d] = kinds.joiner;
  return made;
}

let kindOf: Uint8Array | null = null;

/** The extended grapheme clusters of a text. */
export function graphemes(text: string): readonly string[] {
  kindOf ??= makeKinds();
  const found: string[] = [];
  let start = 0;
  let last = -1;
  // What the rules GB11, GB9c and GB12 remember: "pictograph Extend*", "consonant marks*" (and whether one of the
  // marks is a linker), and whether an odd number of regional indicators is behind.
  let afterPictograph = false;
  let conjunct: "none" | "consonant" | "linked" = "none";
  let oddRegional = false;
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at)!;
    const kind = kindOf[code]!;
    const isKept = last >= 0 && (staysWith(last, kind) ||
      (last === kinds.joiner && kind === kinds.pictograph && afterPictograph) ||
      (kind === kinds.consonant && conjunct === "linked") ||
      (kind === kinds.regional && oddRegional));
    if (!isKept && at > start) {
      found.push(text.slice(start, at));
      start = at;
    }
    afterPictograph = kind === kinds.pictograph ||
      (afterPictograph && (isExtend(kind) || (kind === kinds.joiner && last !== kinds.joiner)));
    if (kind === kinds.consonant) conjunct = "consonant";
    else if (kind === kinds.linker && conjunct !== "none") conjunct = "linked";
    else if (kind !== kinds.extend && kind !== kinds.joiner) conjunct = "none";
    oddRegional = kind === kinds.regional && !oddRegional;
    last = kind;
    at += code > 0xffff ? 2 : 1;
  }
  if (start < text.length) found.push(text.slice(start));
  return found;
}

const isExtend = (kind: number): boolean =>
  kind === kinds.extend || kind === kinds.linker || kind === kinds.nonJoiner;

/** Whether no grapheme ends between two characters whatever stands before them (rules GB3 to GB9b). */
function staysWith(before: number, after: number): boolean {
  if (before === kinds.cr) return after === kinds.lf;
  if (isControl(before) || isControl(after)) return false;
  if (isExtend(after) || after === kinds.joiner || after === kinds.spacingMark) return true;
  switch (before) {
    case kinds.prepend:
      return true;
    case kinds.leading:
      return after === kinds.leading || after === kinds.vowel || after === kinds.openSyllable ||
        after === kinds.closedSyllable;
    case kinds.vowel:
    case kinds.openSyllable:
      return after === kinds.vowel || after === kinds.trailing;
    case kinds.trailing:
    case kinds.closedSyllable:
      return after === kinds.trailing;
    default:
      return false;
  }
}

const isControl = (kind: number): boolean =>
  kind === kinds.cr || kind === kinds.lf || kind === kinds.control;
