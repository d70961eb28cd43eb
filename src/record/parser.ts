/**
 * Reading files by a schema: JSON in, values of a known type out, or an error that names the file, the key, what was found and
 * what was wanted.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { parseJson, valueAtKeys } from "../base/read_json.ts";
import { recordSchemaVersion } from "./types.ts";
import * as z from "zod";

/** A file that a newer ranklab wrote. */
export class NewerSchemaError extends InputError {
  /** `NewerSchemaError`, which callers show as advice to update. */
  override readonly name = "NewerSchemaError";
  /**
   * The message advises to update ranklab.
   *
   * @param file The file.
   * @param version Its schema version.
   * @param supported The newest version that this ranklab reads.
   */
  constructor(file: string, version: number, supported: number) {
    super({
      file,
      place: 'key "schema"',
      found: `schema version ${version}`,
      wanted: `at most ${supported}`,
      message:
        `Cannot read "${file}": it has schema version ${version}, and this ranklab reads versions up to ${supported}; ` +
        `update ranklab, or write the results of this version into another folder`,
    });
  }
}

/** A file whose content is not what its schema says. */
export class RecordFormatError extends InputError {
  /** `RecordFormatError`, for files that are damaged or written by something else. */
  override readonly name = "RecordFormatError";
  /**
   * The message names file, key and problem.
   *
   * @param file The file; of a journal with its line, `steps.jsonl:12`.
   * @param key Key within the file, for instance `happened.outcome.state`, empty for the whole value.
   * @param found What stands there.
   * @param wanted What is wrong with it, as the schema says.
   */
  constructor(file: string, key: string, found: string, wanted: string) {
    const place = key === "" ? "" : `key "${shown(key)}"`;
    super({
      file,
      place,
      found,
      wanted,
      message: `Cannot read "${file}"${
        place === "" ? "" : `: ${place}`
      }: ${wanted}, found ${found}`,
    });
  }
}

/** Turns one parsed JSON value into a `T`; `path` names the file (and line) in errors. */
export type Parser<T> = (value: unknown, path: string) => T;

/** A number, or null for one that JSON cannot hold. */
export const figure = z.number().nullable().transform((value) => value ?? NaN);

function spelled(value: unknown): string {
  return value === undefined ? "nothing" : shown(JSON.stringify(value));
}

/** Whether each of these keys of an object passes a test. */
export function holds(
  value: unknown,
  keys: readonly string[],
  passes: (found: unknown) => boolean,
): boolean {
  return typeof value === "object" && value !== null &&
    keys.every((key) => passes(Reflect.get(value, key)));
}

/** Whether a value is a whole number from 0. */
export function isCount(found: unknown): boolean {
  return typeof found === "number" && Number.isSafeInteger(found) && found >= 0;
}

/** A parser that takes lines for which `isPlain` holds as they are: journals have millions, and few hold a null. */
export function quickParserOf<T>(
  schema: z.ZodType<T>,
  isPlain: (value: unknown) => boolean,
): Parser<T> {
  const parse = parserOf(schema, false);
  return (value, path) => isPlain(value) ? value as T : parse(value, path);
}

/**
 * A parser of a file by its schema.
 *
 * @param versioned Whether the file holds its schema version, which is looked at first.
 */
export function parserOf<T>(schema: z.ZodType<T>, versioned: boolean): Parser<T> {
  return (value, path) => {
    if (versioned) {
      const version = valueAtKeys(value, ["schema"]);
      // A newer file may differ in any other key, so its version is looked at first.
      if (typeof version === "number" && version > recordSchemaVersion) {
        throw new NewerSchemaError(path, version, recordSchemaVersion);
      }
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const keys = issue?.path ?? [];
    const found = valueAtKeys(value, keys);
    throw new RecordFormatError(
      path,
      keys.map(String).join("."),
      spelled(found),
      shown(issue?.message ?? "wrong value"),
    );
  };
}

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
 * import { readJsonl } from "./parser.ts";
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
