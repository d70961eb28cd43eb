/**
 * The error of a failed assertion.
 *
 * @module
 */

/** Thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
