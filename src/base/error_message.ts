/**
 * What a value that was thrown says.
 *
 * @module
 */

/** The message of an error, or the text of anything else that was thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
