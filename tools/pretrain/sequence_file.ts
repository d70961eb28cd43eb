/**
 * The binary file of pretraining sequences, `sequences.bin`.
 *
 * All numbers are little-endian. The file begins with the four bytes `RLSQ`, a uint32 format version
 * (1), a uint32 vocabulary size and a uint32 number of sequences. Each sequence follows as a uint16
 * length, a uint16 boundary and that many uint16 token ids, special tokens included. Tokens from the
 * boundary on have type 1, those before it type 0; a single segment has its length as boundary.
 *
 * @module
 */

/** Token ids with special tokens, and where the second segment begins. */
export interface PretrainingSequence {
  readonly ids: Uint16Array;
  /** Index of the first token of type 1; `ids.length` where there is no second segment. */
  readonly boundary: number;
}

/** What the file holds. */
export interface SequenceFile {
  readonly vocabularySize: number;
  readonly sequences: readonly PretrainingSequence[];
}

const magic = [0x52, 0x4c, 0x53, 0x51] as const;
const formatVersion = 1;
const headerBytes = 16;

/**
 * The file's bytes.
 *
 * @throws {RangeError} If a length, boundary or id does not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeSequences, encodeSequences } from "./sequence_file.ts";
 * const file = { vocabularySize: 9, sequences: [{ ids: Uint16Array.of(2, 8, 3), boundary: 3 }] };
 * assertEquals(decodeSequences(encodeSequences(file)), file);
 * ```
 */
export function encodeSequences(file: SequenceFile): Uint8Array {
  const size = file.sequences.reduce((sum, s) => sum + 4 + 2 * s.ids.length, headerBytes);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint32(4, formatVersion, true);
  view.setUint32(8, file.vocabularySize, true);
  view.setUint32(12, file.sequences.length, true);
  let at = headerBytes;
  file.sequences.forEach(({ ids, boundary }, index) => {
    if (ids.length > 0xffff || boundary < 0 || boundary > ids.length) {
      throw new RangeError(
        `Cannot write sequence ${index}: found ${ids.length} tokens and boundary ${boundary}, ` +
          `wanted at most 65535 tokens and a boundary within them`,
      );
    }
    view.setUint16(at, ids.length, true);
    view.setUint16(at + 2, boundary, true);
    at += 4;
    for (const id of ids) {
      if (id >= file.vocabularySize) {
        throw new RangeError(
          `Cannot write sequence ${index}: found id ${id}, wanted one below ${file.vocabularySize}`,
        );
      }
      view.setUint16(at, id, true);
      at += 2;
    }
  });
  return bytes;
}

/**
 * What {@linkcode encodeSequences} wrote.
 *
 * @throws {SyntaxError} If the bytes are not such a file, or end too early or too late.
 */
export function decodeSequences(bytes: Uint8Array): SequenceFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (found: string, wanted: string): never => {
    throw new SyntaxError(`Cannot read a file of sequences: found ${found}, wanted ${wanted}`);
  };
  if (bytes.length < headerBytes || magic.some((byte, i) => bytes[i] !== byte)) {
    fail(`${bytes.length} bytes without the header`, `"RLSQ" and a header of ${headerBytes} bytes`);
  }
  const version = view.getUint32(4, true);
  if (version !== formatVersion) fail(`format version ${version}`, `version ${formatVersion}`);
  const vocabularySize = view.getUint32(8, true);
  const count = view.getUint32(12, true);
  const sequences: PretrainingSequence[] = [];
  let at = headerBytes;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) fail(`an end after ${i} sequences`, `${count} sequences`);
    const length = view.getUint16(at, true);
    const boundary = view.getUint16(at + 2, true);
    at += 4;
    if (at + 2 * length > bytes.length) fail(`an end within sequence ${i}`, `${length} tokens`);
    if (boundary > length) fail(`boundary ${boundary} in sequence ${i}`, `at most ${length}`);
    const ids = new Uint16Array(length);
    for (let j = 0; j < length; j++) ids[j] = view.getUint16(at + 2 * j, true);
    at += 2 * length;
    sequences.push({ ids, boundary });
  }
  if (at !== bytes.length) fail(`${bytes.length - at} bytes after the last sequence`, "none");
  return { vocabularySize, sequences };
}
