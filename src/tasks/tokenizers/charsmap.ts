/**
 * The character tables of SentencePiece's normalisers, as fast tokenizers apply them.
 *
 * The package that runs tokenizers has fixed rules in their place, which fit one table only, and that roughly.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";
import { graphemes } from "./graphemes.ts";

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
