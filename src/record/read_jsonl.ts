/**
 * Reads an append-only journal: one JSON object a line, the last of which a killed run may have torn.
 *
 * @module
 */
import { InputError } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import type { Parser } from "./parser.ts";

/** The lines of a journal, and what was left of a torn last one. */
export interface Journal<T> {
  /** Parsed values in the file's order, the torn one left out. */
  readonly lines: readonly T[];
  /** The torn last line, or null where the journal ends cleanly. */
  readonly torn: string | null;
  /** Bytes (UTF-8) of the part that is whole: a writer that continues the journal cuts it to this size. */
  readonly wholeBytes: number;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * Parses the text of a journal.
 *
 * A last line without its line feed that is not whole JSON counts as torn by a crash and is left out;
 * everything else that cannot be read is an error with file and line. Empty lines are skipped.
 *
 * @param text The whole file.
 * @param path How errors name the file.
 * @param parse Turns each line's value into a `T`, for instance `parseStepLine`.
 * @throws {InputError} If a line other than a torn last one is not JSON.
 * @throws {RecordFormatError} If a line is JSON but not what the journal holds.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readJsonl } from "./read_jsonl.ts";
 * const journal = readJsonl('{"step":1}\n{"st', "steps.jsonl", (value) => value);
 * assertEquals(journal.lines, [{ step: 1 }]);
 * assertEquals(journal.torn, '{"st');
 * ```
 */
export function readJsonl<T>(text: string, path: string, parse: Parser<T>): Journal<T> {
  const lines: T[] = [];
  const rows = text.split("\n");
  const last = rows.length - 1;
  let torn: string | null = null;
  for (const [index, row] of rows.entries()) {
    if (row.trim() === "") continue;
    const where = `${path}:${index + 1}`;
    let value: unknown;
    try {
      value = parseJson(row, path, { place: `line ${index + 1}` });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      if (index === last && error.cause instanceof SyntaxError) {
        torn = row;
        break;
      }
      throw new InputError({
        file: path,
        place: error.place,
        found: error.found,
        wanted: "a JSON object",
        fix:
          `only a torn last line is tolerated, so restore the file or delete the run's folder to run it again`,
        cause: error,
      });
    }
    lines.push(parse(value, where));
  }
  return {
    lines,
    torn,
    get wholeBytes() {
      return bytesOf(text) - bytesOf(torn ?? "");
    },
  };
}
