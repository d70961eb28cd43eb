/**
 * Bytes of a file as text.
 *
 * @module
 */
import { InputError } from "./input_error.ts";

/** Bytes of a text at most; a string cannot hold many more. */
const mostTextBytes = 500_000_000;

/**
 * The text of a file in UTF-8, with or without a byte-order mark.
 *
 * @param fileName How messages call the file.
 * @param doing What is attempted, for messages. Default `Cannot read`.
 *
 * @throws {InputError} If it is no UTF-8, holds a NUL, or is larger than {@linkcode mostTextBytes}; its place is the line.
 */
export function decodeText(bytes: Uint8Array, fileName: string, doing = "Cannot read"): string {
  if (bytes.length > mostTextBytes) {
    throw new InputError({
      file: fileName,
      doing,
      found: `${bytes.length} bytes`,
      wanted: `a text of at most ${mostTextBytes}`,
    });
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    throw new InputError({
      file: fileName,
      doing,
      place: `line ${lineOf(bytes, nul)}`,
      found: `a NUL at byte ${nul}`,
      wanted: "text",
      fix: "the file is damaged, or is none of text",
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const place = `line ${firstInvalidLine(bytes)}`;
    throw new InputError({
      file: fileName,
      place,
      found: "bytes that are no UTF-8",
      wanted: "text in UTF-8",
      message:
        `${doing} "${fileName}", ${place}: the bytes are not valid UTF-8; convert the file to UTF-8`,
      cause,
    });
  }
}

/** The number, from 1, of the line that a byte is on. */
function lineOf(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) line++;
  return line;
}

/** The number, from 1, of the first line that is not UTF-8 by itself, in bytes that are none; found by halves. */
function firstInvalidLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const isValid = (start: number, end: number) => {
    try {
      decoder.decode(bytes.subarray(start, end));
      return true;
    } catch {
      return false;
    }
  };
  const lineEnd = (from: number) => bytes.indexOf(10, from) + 1;
  // Lines end at both; those before `start` are valid, and one before `end` is not.
  let start = 0;
  let end = bytes.length;
  for (;;) {
    let middle = lineEnd(Math.floor((start + end) / 2));
    if (middle === 0 || middle >= end) middle = lineEnd(start);
    if (middle === 0 || middle >= end) return lineOf(bytes, start);
    if (isValid(start, middle)) start = middle;
    else end = middle;
  }
}

/** A text without the line ends at its end. */
export function withoutLastLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === "\n" || text[end - 1] === "\r")) end--;
  return text.slice(0, end);
}
