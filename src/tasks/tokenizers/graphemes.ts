/**
 * Where graphemes end, by the rules of Unicode's annex 29 and the classes of the `tokenizers` crate.
 *
 * @module
 */
import { type CharacterClass, rangesOf } from "./characters.ts";

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
