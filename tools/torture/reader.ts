/**
 * A reader that is tried, and what small files for it are made with.
 *
 * @module
 */
import { decodeText } from "../../src/base/read_text.ts";
import type { Format } from "./mutations.ts";

/** A reader that is tried. */
export interface FuzzedReader {
  readonly name: string;
  readonly format: Format;
  /** Files that it reads without an error, at least one. */
  readonly corpus: readonly Uint8Array[];
  /** Reads a file as ranklab does; of bad input it throws an `InputError` and nothing else. */
  readonly read: (bytes: Uint8Array) => unknown;
}

/** A file of lines. */
export function encode(...lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
}

/** A file with a value as JSON. */
export function ofJson(value: unknown): Uint8Array {
  return encode(JSON.stringify(value));
}

/** The text of a file. */
export function text(bytes: Uint8Array): string {
  return decodeText(bytes, "file");
}
