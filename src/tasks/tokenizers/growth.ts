/**
 * How long a text may become in a normaliser, whose components can each double it.
 *
 * @module
 */
import { InputError } from "../../base/input_error.ts";

/** A text of n characters may become `factor` n + `more`; one character of Unicode becomes 18 at most. */
const allowed = { factor: 32, more: 10_000 };

/** Holds the components of a normaliser to a length; one text at a time. */
export class GrowthBound {
  readonly #fileName: string;
  #most = Infinity;

  constructor(fileName: string) {
    this.#fileName = fileName;
  }

  /** Begins with a text. */
  begin(text: string): void {
    this.#most = allowed.factor * text.length + allowed.more;
  }

  /**
   * Checks a length that a component makes of the text.
   *
   * @throws {InputError} If it is more than any normaliser in use makes.
   */
  check(length: number): void {
    if (length <= this.#most) return;
    throw new InputError({
      file: this.#fileName,
      doing: "Cannot use",
      place: "its normaliser",
      found: `components that make ${length} characters of a text`,
      wanted: `at most ${this.#most}`,
    });
  }
}
