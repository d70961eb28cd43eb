/**
 * The errors of a wrong request and of a file that cannot be used: what was found and what is wanted.
 *
 * @module
 */

/** What is wrong with a file. */
export interface InputProblem {
  /** The file, as messages call it; a place that is none, such as a value given by a program, has a name of its own. */
  readonly file: string;
  /** Where in the file: a line, a key, a tensor, an entry, an offset. Default: the file as a whole. */
  readonly place?: string;
  /** What stands there. */
  readonly found: string;
  /** What should stand there. */
  readonly wanted: string;
  /** What to do about it. Default: nothing is said. */
  readonly fix?: string;
  /** What was attempted, before the file's name. Default `Cannot read`. */
  readonly doing?: string;
  /** The whole message, for one of another form. Default: made of the other fields. */
  readonly message?: string;
  /** The error behind it. Default: none. */
  readonly cause?: unknown;
}

function messageOf(
  { file, place, found, wanted, fix, doing = "Cannot read" }: InputProblem,
): string {
  return `${doing} "${file}"${
    place === undefined ? "" : `, ${place}`
  }: found ${found}, want ${wanted}` +
    (fix === undefined ? "" : `; ${fix}`);
}

/**
 * A file is not what it should be. All readers answer bad input with it, or with a kind of it that says more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { InputError } from "./input_error.ts";
 * const error = new InputError({ file: "a.csv", place: "line 3", found: "2 columns", wanted: "3" });
 * assertEquals(error.message, 'Cannot read "a.csv", line 3: found 2 columns, want 3');
 * ```
 */
export class InputError extends Error {
  /** `InputError`, or the name of a kind of it that says more. */
  override readonly name: string = "InputError";
  /** The file, as messages call it. */
  readonly file: string;
  /** Where in the file: a line, a key, a tensor, an entry; empty for the whole of it. */
  readonly place: string;
  /** What stands there. */
  readonly found: string;
  /** What should stand there. */
  readonly wanted: string;

  /**
   * An error whose message is made of what is wrong.
   *
   * @param problem The file, what was found in it, and what is wanted.
   */
  constructor(problem: InputProblem) {
    super(problem.message ?? messageOf(problem), { cause: problem.cause });
    this.file = problem.file;
    this.place = problem.place ?? "";
    this.found = problem.found;
    this.wanted = problem.wanted;
  }
}

/**
 * Calls a function and answers what it throws with an {@linkcode InputError}: for code of others that trips over bad input.
 *
 * @param problem What the error says; what was thrown stands in its `found` in brackets and is its cause.
 *
 * @throws {InputError} Where the function throws; one that it throws itself passes as it is.
 */
export function readingInput<T>(problem: InputProblem, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const said = errorMessage(cause);
    throw new InputError({ ...problem, found: `${problem.found} (${shown(said)})`, cause });
  }
}

/** Characters of a text from a file that a message shows. */
const mostShown = 80;

/** A text from a file as messages show it: cut after 80 characters, at whole ones. */
export function shown(text: string): string {
  if (text.length <= mostShown) return text;
  return `${text.slice(0, mostShown).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** What was asked for cannot be done as it was asked; the message says what was found and what is wanted. */
export class UsageError extends Error {
  /** `UsageError`, by which a terminal tells a wrong request from a fault of ranklab. */
  override readonly name = "UsageError";
}

/** The message of an error, or the text of anything else that was thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
