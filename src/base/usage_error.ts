/**
 * The error of someone who asked for something that cannot be done.
 *
 * @module
 */

/** What was asked for cannot be done as it was asked; the message says what was found and what is wanted. */
export class UsageError extends Error {
  /** `UsageError`, by which a terminal tells a wrong request from a fault of ranklab. */
  override readonly name = "UsageError";
}
