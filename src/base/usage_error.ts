/**
 * The error of someone who asked for something that cannot be done.
 *
 * @module
 */

/** What was asked for cannot be done as it was asked; the message says what was found and what is wanted. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
